/** Where units should lie: sums are exact, who needs more has no less, and what is worth nothing at a site stays. */
import fc from 'fast-check';
import {
  POLICY_DEFAULTS,
  type SiteStock,
  type StockLine,
  balancedLevels,
  linesAbove,
  refills,
  surpluses,
  thresholdUnits,
  unitsCovering,
  valueAt,
} from '../../domain/inventory';
import { demand, item, items } from './items';

const P = POLICY_DEFAULTS;

test('levels are whole units whose sum is what there was', () => {
  fc.assert(
    fc.property(item('10001'), (stock) => {
      const among = stock.sites.filter(({ reachable }) => reachable);
      const levels = balancedLevels(stock, among, P);
      const before = among.reduce((sum, { units }) => sum + units, stock.pool);
      expect([levels.pool, ...levels.sites].every((level) => Number.isInteger(level) && level >= 0)).toBe(true);
      expect(levels.sites.reduce((sum, level) => sum + level, levels.pool)).toBe(before);
    }),
  );
});

test('of two sites the one with more demand at every size gets no less', () => {
  fc.assert(
    fc.property(item('10001'), fc.double({ min: 1, max: 8, noNaN: true }), (stock, times) => {
      const [first, second, ...others] = stock.sites as [SiteStock, SiteStock, ...SiteStock[]];
      const { unitsPerDay, linesAbove: lines } = first.demand;
      const more = {
        ...second,
        demand: { unitsPerDay: unitsPerDay * times, linesAbove: lines.map((above) => above * times) },
      };
      const levels = balancedLevels({ ...stock, sites: [first, more, ...others] }, [more, first], P).sites;
      expect(levels[0]).toBeGreaterThanOrEqual(levels[1] ?? 0);
    }),
  );
});

test('the only unit goes to the site that sells single units, not to the pool', () => {
  const single = { unitsPerDay: 0, linesAbove: [1, 0] };
  const site: SiteStock = { site: 'east', units: 0, reachable: true, demand: single };
  expect(balancedLevels({ sku: '10001', pool: 1, sites: [site] }, [site], P)).toEqual({ pool: 0, sites: [1] });
});

test('the value of more units falls as units are added', () => {
  fc.assert(
    fc.property(demand, fc.nat({ max: 3000 }), fc.nat({ max: 300 }), (of, units, more) => {
      expect(valueAt(of, units + more, P)).toBeLessThanOrEqual(valueAt(of, units, P) + 1e-12);
    }),
  );
});

test('the units that cover all but so many lines leave just so many uncovered', () => {
  fc.assert(
    fc.property(demand, fc.double({ min: 1e-6, max: 10, noNaN: true }), (of, rate) => {
      const units = unitsCovering(of, rate);
      // Beyond the largest size there are no bounds to look between.
      if (units < 2048) expect(linesAbove(of, units)).toBeLessThanOrEqual(rate * (1 + 1e-6));
      if (units > 0 && units < 2048) expect(linesAbove(of, units * 0.99)).toBeGreaterThanOrEqual(rate * (1 - 1e-6));
    }),
  );
});

test('an exchange gives the asker what the pool has, and takes from a giver what it has', () => {
  fc.assert(
    fc.property(items, (list) => {
      const of = (lines: readonly StockLine[], sku: string) => lines.find((line) => line.sku === sku)?.quantity ?? 0;
      const filled = refills(list, 'east', P);
      const given = surpluses(list, 'north', P);
      for (const { sku, pool, sites } of list) {
        expect(of(filled, sku)).toBeLessThanOrEqual(pool);
        expect(of(given, sku)).toBeLessThanOrEqual(sites.find(({ site }) => site === 'north')?.units ?? 0);
      }
      expect([...filled, ...given].every(({ quantity }) => quantity > 0)).toBe(true);
    }),
  );
});

test('a refilled site asks for no more, and has nothing to give back', () => {
  fc.assert(
    fc.property(item('10001'), (stock) => {
      fc.pre(stock.sites[0]?.reachable ?? false);
      const gain = refills([stock], 'east', P)[0]?.quantity ?? 0;
      const sites = stock.sites.map((s) => (s.site === 'east' ? { ...s, units: s.units + gain } : s));
      const after = { ...stock, pool: stock.pool - gain, sites };
      expect(refills([after], 'east', P)).toEqual([]);
      if (gain > 0) expect(surpluses([after], 'east', P)).toEqual([]);
    }),
  );
});

test('thresholds of every kind are numbers of units', () => {
  const steady = { unitsPerDay: 7, linesAbove: [2, 1, 0.5, 0.25, 0.1, 0] };
  const basis = { lastGrant: 30, demand: steady };
  expect(thresholdUnits({ units: 12 }, basis, P)).toBe(12);
  expect(thresholdUnits({ percentage: 25 }, basis, P)).toBe(8);
  expect(thresholdUnits({ days: 1.5 }, basis, P)).toBe(11);
  // 0.5 lines a day are larger than 2 units, and 14 are sold within the horizon.
  const chance = 1 - Math.exp(-0.5 * P.horizonDays);
  expect(thresholdUnits({ value: chance }, basis, { ...P, horizonDays: 2 })).toBe(16);
  expect(thresholdUnits({ value: 0.999 }, basis, P)).toBe(0);
});
