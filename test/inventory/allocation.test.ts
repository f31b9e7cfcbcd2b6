/** The allocation policy: sums are exact, nobody gets two units more than another, and the odd units go round. */
import fc from 'fast-check';
import { shareEqually } from '../../domain/allocation';

const takers = fc.uniqueArray(
  fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== ''),
  { minLength: 1, maxLength: 12 },
);
const pool = fc.uniqueArray(
  fc.record({ sku: fc.string({ minLength: 1, maxLength: 12 }), quantity: fc.integer({ min: 1, max: 1_000_000 }) }),
  { selector: ({ sku }) => sku, maxLength: 40 },
);

function unitsOf(shares: ReturnType<typeof shareEqually>, taker: string, sku: string): number {
  const share = shares.find((candidate) => candidate.taker === taker);
  return share?.lines.find((line) => line.sku === sku)?.quantity ?? 0;
}

test('every unit is given, and no two takers differ by more than one unit of an item', () => {
  fc.assert(
    fc.property(pool, takers, (lines, names) => {
      const shares = shareEqually(lines, names);
      expect(shares.map(({ taker }) => taker)).toEqual(names);
      for (const { sku, quantity } of lines) {
        const units = names.map((name) => unitsOf(shares, name, sku));
        expect(units.reduce((sum, unit) => sum + unit, 0)).toBe(quantity);
        expect(Math.max(...units) - Math.min(...units)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('no line is empty, and nothing appears that was not in the pool', () => {
  fc.assert(
    fc.property(pool, takers, (lines, names) => {
      const skus = new Set(lines.map(({ sku }) => sku));
      for (const { lines: given } of shareEqually(lines, names)) {
        for (const { sku, quantity } of given) {
          expect(skus.has(sku)).toBe(true);
          expect(quantity).toBeGreaterThan(0);
        }
      }
    }),
  );
});

test('the same pool is shared out the same way, whatever the order of its items', () => {
  fc.assert(
    fc.property(pool, takers, (lines, names) => {
      const forwards = shareEqually(lines, names);
      const backwards = shareEqually([...lines].reverse(), names);
      for (const name of names) {
        for (const { sku } of lines) expect(unitsOf(forwards, name, sku)).toBe(unitsOf(backwards, name, sku));
      }
    }),
  );
});

test('over many items with an odd unit each, no taker is favoured', () => {
  const names = ['east', 'north', 'south'];
  const lines = Array.from({ length: 3000 }, (_, index) => ({ sku: `${10_000 + index}`, quantity: 4 }));
  const shares = shareEqually(lines, names);
  for (const { lines: given } of shares) {
    const units = given.reduce((sum, { quantity }) => sum + quantity, 0);
    // An even share is 4,000; always the same taker would give it 6,000.
    expect(Math.abs(units - 4000)).toBeLessThan(200);
  }
});

test('without takers nothing is given', () => {
  expect(shareEqually([{ sku: 'A', quantity: 3 }], [])).toEqual([]);
});
