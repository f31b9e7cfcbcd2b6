/** Whom an order that is short asks: nothing is invented, nothing in reach is left out, few are asked. */
import fc from 'fast-check';
import { type ItemStock, type StockLine, planBorrowing } from '../../domain/inventory';
import { SITES, items } from './items';

const ASKER = 'east';

const cases = items.chain((list) =>
  fc.record({
    list: fc.constant(list),
    lines: fc.tuple(
      ...list.map(({ sku }) => fc.integer({ min: 1, max: 5000 }).map((quantity): StockLine => ({ sku, quantity }))),
    ),
    floor: fc.constantFrom(0, 0, 5, 400),
    giversMax: fc.constantFrom(Number.POSITIVE_INFINITY, 2),
  }),
);

const bySku = (list: readonly ItemStock[]) => new Map(list.map((item) => [item.sku, item]));
const units = (lines: readonly StockLine[], sku: string) =>
  lines.reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0);

test('what is taken and what stays missing are what was asked for, and nobody gives what it has not', () => {
  fc.assert(
    fc.property(cases, ({ list, lines, floor, giversMax }) => {
      const plan = planBorrowing({ asker: ASKER, lines }, bySku(list), { floor: () => floor, giversMax });
      expect(plan.givers.length).toBeLessThanOrEqual(giversMax);
      expect(new Set(plan.givers.map(({ site }) => site)).size).toBe(plan.givers.length);
      for (const item of list) {
        const wanted = units(lines, item.sku);
        expect(units(plan.fromPool, item.sku)).toBe(Math.min(wanted, item.pool));
        let given = units(plan.fromPool, item.sku) + units(plan.missing, item.sku);
        for (const { site, lines: part } of plan.givers) {
          const stock = item.sites.find((candidate) => candidate.site === site);
          expect(site).not.toBe(ASKER);
          const gives = units(part, item.sku);
          if (gives > 0) {
            expect(stock?.reachable).toBe(true);
            expect(gives).toBeLessThanOrEqual((stock?.units ?? 0) - floor);
          }
          given += gives;
        }
        expect(given).toBe(wanted);
      }
    }),
  );
});

test('at the sale nothing stays missing that somebody in reach has', () => {
  fc.assert(
    fc.property(cases, ({ list, lines }) => {
      const plan = planBorrowing({ asker: ASKER, lines }, bySku(list));
      for (const { sku, pool, sites } of list) {
        const reachable = sites.filter((stock) => stock.reachable && stock.site !== ASKER);
        const there = reachable.reduce((sum, stock) => sum + stock.units, pool);
        expect(units(plan.missing, sku)).toBe(Math.max(0, units(lines, sku) - there));
      }
    }),
  );
});

test('nobody is asked who gives nothing, and every chosen giver covers at least as much as the next', () => {
  fc.assert(
    fc.property(cases, ({ list, lines }) => {
      const { givers } = planBorrowing({ asker: ASKER, lines }, bySku(list));
      const covered = givers.map(({ lines: part }) => part.reduce((sum, { quantity }) => sum + quantity, 0));
      expect(covered.every((sum) => sum > 0)).toBe(true);
      expect([...covered].sort((a, b) => b - a)).toEqual(covered);
    }),
  );
});

test('one giver that has all is asked alone, though others have some', () => {
  const stock = (site: string, quantity: number) => ({
    ...{ site, units: quantity, reachable: true },
    demand: { unitsPerDay: 0, linesAbove: [] },
  });
  const list = ['10001', '10002'].map((sku) => ({
    ...{ sku, pool: 3 },
    sites: SITES.map((site) => stock(site, site === 'south' ? 20 : 9)),
  }));
  const lines = list.map(({ sku }) => ({ sku, quantity: 20 }));
  expect(planBorrowing({ asker: ASKER, lines }, bySku(list))).toEqual({
    fromPool: list.map(({ sku }) => ({ sku, quantity: 3 })),
    givers: [{ site: 'south', lines: list.map(({ sku }) => ({ sku, quantity: 17 })) }],
    missing: [],
  });
});

test('of sites that have all, the one that has most is asked', () => {
  const stock = (site: string, quantity: number) => ({
    ...{ site, units: quantity, reachable: true },
    demand: { unitsPerDay: 0, linesAbove: [] },
  });
  const sites = SITES.map((site) => stock(site, site === 'west' ? 60 : 20));
  const lines = [{ sku: '10001', quantity: 12 }];
  const { givers } = planBorrowing({ asker: ASKER, lines }, bySku([{ sku: '10001', pool: 0, sites }]));
  expect(givers).toEqual([{ site: 'west', lines }]);
});
