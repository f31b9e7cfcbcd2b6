/** The ways of sharing out: sums are exact, parts are those asked for, and the odd units go round. */
import fc from 'fast-check';
import {
  POLICY_DEFAULTS,
  type Share,
  shareByParts,
  shareByTraffic,
  shareByValue,
  shareByWeights,
  shareEqually,
  shareOut,
  SHARING_RULES,
} from '../../domain/inventory';
import { SITES, items } from './items';

const takers = fc.uniqueArray(
  fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== ''),
  { minLength: 1, maxLength: 12 },
);
const pool = fc.uniqueArray(
  fc.record({ sku: fc.string({ minLength: 1, maxLength: 12 }), quantity: fc.integer({ min: 1, max: 1_000_000 }) }),
  { selector: ({ sku }) => sku, maxLength: 40 },
);

function unitsOf(shares: readonly Share[], taker: string, sku: string): number {
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

test('by weights every unit is given, and every part is off by less than a unit', () => {
  const weights = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(pool, takers, weights, (lines, names, all) => {
      const given = all.slice(0, names.length);
      const sum = given.reduce((total, weight) => total + weight, 0);
      const shares = shareByWeights(lines, names, () => given);
      for (const { sku, quantity } of lines) {
        const units = names.map((name) => unitsOf(shares, name, sku));
        expect(units.reduce((total, unit) => total + unit, 0)).toBe(quantity);
        names.forEach((_, index) => {
          const exact = sum > 0 ? (quantity * (given[index] ?? 0)) / sum : quantity / names.length;
          expect(Math.abs((units[index] ?? 0) - exact)).toBeLessThan(1 + 1e-6);
        });
      }
    }),
  );
});

test('by fixed parts each site gets its part, and one without a part nothing', () => {
  const shares = shareByParts(
    [{ sku: 'A', quantity: 10 }],
    ['east', 'north', 'south'],
    new Map([
      ['east', 3],
      ['south', 1],
    ]),
  );
  expect(shares.map(({ lines }) => lines)).toEqual([
    // 7.5 and 2.5 units: of equal remainders one is chosen by the sku.
    [{ sku: 'A', quantity: 8 }],
    [],
    [{ sku: 'A', quantity: 2 }],
  ]);
});

test('by traffic the pool is shared in proportion to the units sold, equally where nothing was', () => {
  const site = (name: string, unitsPerDay: number) => ({
    ...{ site: name, units: 0, reachable: true },
    demand: { unitsPerDay, linesAbove: [] },
  });
  const shares = shareByTraffic(
    [
      { sku: 'A', pool: 100, sites: [site('east', 3), site('north', 1)] },
      { sku: 'B', pool: 10, sites: [site('east', 0), site('north', 0)] },
    ],
    ['east', 'north'],
  );
  expect(shares).toEqual([
    {
      taker: 'east',
      lines: [
        { sku: 'A', quantity: 75 },
        { sku: 'B', quantity: 5 },
      ],
    },
    {
      taker: 'north',
      lines: [
        { sku: 'A', quantity: 25 },
        { sku: 'B', quantity: 5 },
      ],
    },
  ]);
});

test('by value the pool gives no more than it has, and nothing to a site that is cut off', () => {
  fc.assert(
    fc.property(items, (list) => {
      const shares = shareByValue(list, SITES, POLICY_DEFAULTS);
      expect(shares.map(({ taker }) => taker)).toEqual(SITES);
      for (const { sku, pool: units, sites } of list) {
        const given = sites.map(({ site }) => unitsOf(shares, site, sku));
        expect(given.reduce((sum, unit) => sum + unit, 0)).toBeLessThanOrEqual(units);
        expect(sites.every(({ reachable }, index) => reachable || given[index] === 0)).toBe(true);
      }
    }),
  );
});

test('by every rule each unit goes to one taker or stays, and only by value does any stay', () => {
  fc.assert(
    fc.property(items, fc.constantFrom(...SHARING_RULES), (stocks, by) => {
      const shares = shareOut({ by, shares: { north: 2, west: 1 } }, stocks, SITES, POLICY_DEFAULTS);
      for (const { sku, pool: units } of stocks) {
        const given = SITES.reduce((sum, site) => sum + unitsOf(shares, site, sku), 0);
        if (by === 'value') expect(given).toBeLessThanOrEqual(units);
        else expect(given).toBe(units);
        if (by === 'shares') expect(unitsOf(shares, 'east', sku) + unitsOf(shares, 'south', sku)).toBe(0);
      }
    }),
  );
});
