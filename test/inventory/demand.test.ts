/** Demand as measured: what was seen counts, later more than earlier; what was hardly seen leans on the store. */
import fc from 'fast-check';
import {
  DAY_MS,
  DEMAND_DEFAULTS,
  NO_DEMAND,
  SIZE_BOUNDS,
  type Tally,
  emptyTally,
  estimateDemand,
  sumOfDemand,
  tallyLines,
} from '../../domain/inventory';

const P = { ...DEMAND_DEFAULTS, memoryDays: 28, sitePriorLines: 5 };
const START = 1_300_000_000_000;
const SITES = ['east', 'north'];

interface Line {
  readonly site: string;
  readonly quantity: number;
  readonly day: number;
}

const lines = fc
  .array(
    fc.record({
      site: fc.constantFrom(...SITES),
      quantity: fc.integer({ min: 1, max: 2000 }),
      day: fc.integer({ min: 0, max: 120 }),
    }),
    { maxLength: 60 },
  )
  .map((list) => [...list].sort((a, b) => a.day - b.day));

function talliesOf(list: readonly Line[]): Map<string, Tally> {
  const tallies = new Map(SITES.map((site) => [site, emptyTally(START)]));
  for (const { site, quantity, day } of list) {
    tallyLines(tallies.get(site) as Tally, quantity, START + day * DAY_MS, P);
  }
  return tallies;
}

const estimate = (item: readonly Line[], store: readonly Line[], day: number) =>
  estimateDemand(talliesOf(item), { since: START, sites: talliesOf(store) }, START + day * DAY_MS, P);

test('of more units there are never more lines, and every site is estimated', () => {
  fc.assert(
    fc.property(lines, lines, (item, others) => {
      const store = [...item, ...others].sort((a, b) => a.day - b.day);
      const found = estimate(item, store, 130);
      expect([...found.keys()]).toEqual(SITES);
      for (const { unitsPerDay, linesAbove } of found.values()) {
        expect(unitsPerDay).toBeGreaterThanOrEqual(0);
        expect(linesAbove.every((above, index) => above <= (linesAbove[index - 1] ?? Infinity) + 1e-9)).toBe(true);
      }
    }),
  );
});

test('steady demand is found: so many lines and units a day, at the site that sells them', () => {
  const item = Array.from({ length: 200 }, (_, day) =>
    [1, 2, 3].map(() => ({ site: 'east', quantity: 5, day })),
  ).flat();
  const east = estimate(item, item, 199).get('east');
  const north = estimate(item, item, 199).get('north');
  expect(east?.linesAbove[0]).toBeCloseTo(3, 0);
  expect(east?.unitsPerDay).toBeCloseTo(15, 0);
  expect(east?.linesAbove.at(-1)).toBe(0);
  expect(north?.linesAbove[0]).toBeCloseTo(0, 5);
});

test('what was sold long ago counts for little', () => {
  const line = { site: 'east', quantity: 5 };
  const old = Array.from({ length: 30 }, (_, day) => ({ ...line, day }));
  const late = Array.from({ length: 30 }, (_, day) => ({ ...line, day: day + 90 }));
  const store = [...old, ...late];
  const rate = (item: readonly Line[]) => estimate(item, store, 120).get('east')?.linesAbove[0] ?? 0;
  expect(rate(late)).toBeGreaterThan(10 * rate(old));
});

test('a shop that began today is not taken to sell so every day', () => {
  const first = [{ site: 'east', quantity: 7, day: 0 }];
  expect(estimate(first, first, 0).get('east')?.unitsPerDay).toBeLessThan(1.5);
});

test('demand of several sites is what they are asked for together', () => {
  const item = [
    { site: 'east', quantity: 5, day: 1 },
    { site: 'north', quantity: 30, day: 2 },
  ];
  const bySite = [...estimate(item, item, 30).values()];
  const sum = sumOfDemand(bySite);
  expect(sum.unitsPerDay).toBeCloseTo(
    bySite.reduce((units, demand) => units + demand.unitsPerDay, 0),
    9,
  );
  expect(sum.linesAbove[0]).toBeCloseTo(
    bySite.reduce((lines, { linesAbove }) => lines + (linesAbove[0] ?? 0), 0),
    9,
  );
  expect(sumOfDemand([NO_DEMAND]).unitsPerDay).toBe(0);
});

test('an item that never sold is given what an item of the store usually sells, a little of it', () => {
  const store = Array.from({ length: 100 }, (_, day) => ({ site: 'north', quantity: 24, day }));
  const found = estimate([], store, 100);
  expect(found.get('north')?.linesAbove[0]).toBeGreaterThan(0);
  expect(found.get('north')?.unitsPerDay).toBeCloseTo((found.get('north')?.linesAbove[0] ?? 0) * 24, 6);
  expect(found.get('east')?.linesAbove[0]).toBe(0);
});

test('a site whose buyers buy much is found by size, though another sells as many lines', () => {
  const item = Array.from({ length: 90 }, (_, day) => [
    { site: 'east', quantity: 200, day },
    { site: 'north', quantity: 2, day },
  ]).flat();
  const found = estimate(item, item, 90);
  const above48 = SIZE_BOUNDS.indexOf(48);
  expect(found.get('east')?.linesAbove[above48]).toBeGreaterThan(0.8);
  expect(found.get('north')?.linesAbove[above48]).toBeLessThan(0.1);
  expect(found.get('north')?.linesAbove[0]).toBeGreaterThan(0.8);
  expect(found.get('east')?.unitsPerDay).toBeGreaterThan(50 * (found.get('north')?.unitsPerDay ?? Infinity));
});

test('who buys an item at all is thought to buy much of it too, less surely than who has', () => {
  const each = (site: string, quantity: number) =>
    Array.from({ length: 30 }, (_, day) => ({ site, quantity, day: day + 30 }));
  const store = [...each('east', 60), ...each('north', 60)];
  const above48 = SIZE_BOUNDS.indexOf(48);
  const atEast = (quantity: number) => {
    const found = estimate(each('east', quantity), store, 60);
    const [east = 0, north = 0] = SITES.map((site) => found.get(site)?.linesAbove[above48] ?? 0);
    return east / (east + north);
  };
  expect(atEast(1)).toBeCloseTo(0.5, 1);
  expect(atEast(30)).toBeGreaterThan(0.75);
  expect(atEast(60)).toBeGreaterThan(atEast(30));
});
