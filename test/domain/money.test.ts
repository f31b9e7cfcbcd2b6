import fc from 'fast-check';
import { AMOUNT_MAX, formatAmount, isCurrency, parseAmount } from '../../domain/money';

describe('amounts', () => {
  test.each([
    ['12.5', 125_000],
    ['0.85', 8_500],
    ['0.0001', 1],
    ['7', 70_000],
  ])('%s is read as %d of 1/10,000', (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
  });

  test.each(['', '-1', '1.', '.5', '1.23456', '1e3', '1,50', ' 1', '９', '12345678901234'])(
    '"%s" is refused',
    (text) => {
      expect(parseAmount(text)).toBeNull();
    },
  );

  test('are written with at least two decimals', () => {
    expect([0, 1, 100, 125_000, 8_500, -12_345].map(formatAmount)).toEqual([
      ...['0.00', '0.0001', '0.01', '12.50', '0.85', '-1.2345'],
    ]);
  });

  test('read what they write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: AMOUNT_MAX }), (amount) => parseAmount(formatAmount(amount)) === amount),
    );
  });

  test('a fraction of 1/10,000 is a mistake of the caller', () => {
    expect(() => formatAmount(0.5)).toThrow(/0\.5 is not a safe integer/);
  });
});

test('currencies are those of ISO 4217', () => {
  expect([isCurrency('GBP'), isCurrency('gbp'), isCurrency('POUND'), isCurrency('')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
