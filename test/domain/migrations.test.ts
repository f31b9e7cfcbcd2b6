import { isMigrationName, schemaProblem } from '../../domain/migrations';

const first = '0001-first-schema';
const expand = '0002-expand-notes';
const contract = '0003-contract-after-0002-notes';

describe('a release on a schema', () => {
  test('of its own, or an older one, has no problem', () => {
    expect(schemaProblem([first, expand], [first, expand])).toBeNull();
    expect(schemaProblem([first, expand], [first])).toBeNull();
    expect(schemaProblem([first], [])).toBeNull();
  });

  test('that was only expanded since has no problem', () => {
    expect(schemaProblem([first], [first, expand])).toBeNull();
  });

  test('that was contracted since runs only when it knows what the contraction goes by', () => {
    expect(schemaProblem([first, expand], [first, expand, contract])).toBeNull();
    expect(schemaProblem([first], [first, expand, contract])).toBe(
      `the database's schema is newer than this release, which it does not fit: migration "${contract}" is recorded, ` +
        `and this release knows none beyond "${first}". Run a release that knows migration 0002, or a later one`,
    );
  });

  test('of which it knows neither name nor kind is refused', () => {
    expect(schemaProblem([first], [first, '0002-notes'])).toMatch(/"0002-notes" is recorded.*Run the release that/);
  });
});

test('names of migrations say what they do', () => {
  for (const name of [first, expand, contract]) expect(isMigrationName(name)).toBe(true);
  for (const name of ['0002-notes', '2-expand-notes', '0003-contract-notes', '0002-expand-']) {
    expect(isMigrationName(name)).toBe(false);
  }
});
