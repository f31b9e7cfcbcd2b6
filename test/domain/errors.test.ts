/** What is told of an error: its class, its place, and nothing that it quotes. */
import { TellableError, describeError, tellableMessage, typeOf } from '../../domain/errors';
import { withoutSecrets } from '../../domain/redaction';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('the description of an error', () => {
  test.each<[string, unknown]>([
    ['a broken text', thrownBy(() => JSON.parse('{"name":"Ann Buyer", "city": Leeds "x"}'))],
    ['a duplicate row', Object.assign(new Error("Duplicate entry 'Ann Buyer' for key 'x'"), { code: 'ER_DUP_ENTRY' })],
    ['a row with marks of its own', new Error(`value "Ann "the Buyer" Leeds" is none`)],
    ['a URL', Object.assign(new TypeError('Invalid URL'), { input: 'mysql://shop:Leeds@host/x' })],
    ['a cause', new Error('outside', { cause: new Error("inside 'Ann Buyer' of 'Leeds'") })],
    ['many lines', new Error('`Ann Buyer\n    at Leeds (x:1:1)`')],
    ['its own fields', Object.assign(new Error('x'), { sql: "'Ann Buyer'", sqlMessage: 'Leeds', code: 'Ann Buyer' })],
    ['no error at all', 'Ann Buyer of Leeds'],
    ['nothing', null],
  ])('holds nothing of %s', (_what, error) => {
    expect(JSON.stringify(describeError(error))).not.toMatch(/Ann|Leeds/);
    expect(tellableMessage(error)).not.toMatch(/Ann|Leeds/);
  });

  test('says what it was, and where', () => {
    const error = Object.assign(new RangeError("epoch 'x' is out of range"), { code: 'ERR_X', errno: 7 });
    expect(describeError(error)).toMatchObject({
      type: 'RangeError',
      message: "epoch '…' is out of range",
      code: 'ERR_X',
      errno: 7,
      stack: expect.stringContaining('errors.test.ts') as string,
    });
    expect(typeOf(error)).toBe('RangeError');
  });

  test('is whole where the error was written to be told', () => {
    const error = new TellableError('site "north" is away', { facts: { statement: 'SELECT 1' } });
    expect(describeError(error)).toMatchObject({
      type: 'TellableError',
      message: 'site "north" is away',
      statement: 'SELECT 1',
    });
  });
});

test.each([
  ['mysql://shop:secret@host:3306/name', 'mysql://shop:(secret)@host:3306/name'],
  ['mysql://shop:se/cr@et@host/name', 'mysql://shop:(secret)@host/name'],
  ['mysql://shop@host:3306/name', 'mysql://shop@host:3306/name'],
  [`--key=ek_abcdefghijkl_${'x'.repeat(43)}`, '--key=ek_abcdefghijkl_(secret)'],
  ['var/north.sqlite', 'var/north.sqlite'],
])('%s is shown without its secret', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});
