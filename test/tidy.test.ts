/** What a machine can hold of the layout and the style (docs/architecture.md). */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(__dirname, '..');
const LAYERS = ['domain', 'cxml', 'db', 'workflows', 'activities', 'workers', 'api', 'web', 'cli', 'bench'];
const LINES_MAX = 400;

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const product = LAYERS.flatMap(sources);
const tests = sources('test');
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8');

function offenders(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    text(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
}

describe('the layout', () => {
  test('imports point downwards only, and none runs in a circle', () => {
    const result = execFileSync(
      process.execPath,
      [
        join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        '--config',
        '.dependency-cruiser.cjs',
        '--output-type',
        'err',
        ...LAYERS,
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect(result).toMatch(/no dependency violations found/);
  });

  test(`no file is longer than ${LINES_MAX} lines`, () => {
    const long = [...product, ...tests].filter((file) => text(file).split('\n').length - 1 > LINES_MAX);
    expect(long).toEqual([]);
  });

  test('SQL stands in db/ only', () => {
    const elsewhere = product.filter((file) => !file.startsWith('db/') && !file.startsWith('bench/'));
    const sql = /['"`]\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s/;
    expect(offenders(elsewhere, sql)).toEqual([]);
  });

  test('time, randomness and ids are taken from the air in workers/, cli/ and bench/ only', () => {
    const handedIn = product.filter((file) => /^(domain|cxml|db|activities|api|web)\//.test(file));
    expect(offenders(handedIn, /\b(Date\.now\(\)|new Date\(\)|Math\.random\(\)|randomUUID\(|randomBytes\()/)).toEqual(
      [],
    );
  });

  test('nothing is skipped, silenced or left for later', () => {
    const marks = /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck|expect-error)|eslint-disable|\bas any\b|--forceExit/;
    const skips = /\b(test|it|describe)\.(skip|only|todo)\(|\bx(it|describe|test)\(/;
    const own = (line: string) => line.startsWith('test/tidy.test.ts:');
    expect(offenders([...product, ...tests], marks).filter((line) => !own(line))).toEqual([]);
    expect(offenders(tests, skips).filter((line) => !own(line))).toEqual([]);
  });

  test('every dependency is pinned to one version, and all of Temporal to the same', () => {
    const manifest = JSON.parse(text('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    const temporal = new Set(all.filter(([name]) => name.startsWith('@temporalio/')).map(([, version]) => version));
    expect(temporal.size).toBe(1);
  });
});
