/**
 * Measured demand: what was asked for, served or not. A moving average with shrinkage: an item's line sizes lean on the
 * store's, and its split over the sites on the sites' own, the less it has sold the more. The split is measured size by
 * size, for who buys much buys again, at the same site; lines of smaller sizes tell something of it too. Only what was
 * seen by the time of asking counts.
 */
import { type DemandParameters } from './parameters';

export const DAY_MS = 86_400_000;
/** Line sizes are counted in classes: class i holds the lines of more than bound i, and not more than bound i + 1. */
export const SIZE_BOUNDS: readonly number[] = [
  0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048,
];
/** A moving average of less than this is no average yet. */
const OBSERVED_DAYS_MIN = 7;
/** What a line tells of the split at the next larger size, against one of that size; of the size after, this squared. */
const SMALLER_LINE_WEIGHT = 0.5;
/** Units of a line at which the split leans half as much: large lines are those of few buyers, who come back. */
const HALF_PRIOR_UNITS = 16;

/** Demand of one item (or of all) at one site, fading with time. Plain data: a row of a table, or a field in memory. */
export interface Tally {
  /** Milliseconds since 1970 that the counts are of. */
  at: number;
  units: number;
  /** Lines by size class. */
  readonly lines: number[];
}

/** Demand to plan with: of one item at one site. */
export interface Demand {
  readonly unitsPerDay: number;
  /** Lines a day that are larger than each of SIZE_BOUNDS; the first is every line. */
  readonly linesAbove: readonly number[];
}

export const NO_DEMAND: Demand = { unitsPerDay: 0, linesAbove: [] };

/** All items together, by site: what an item with few sales of its own leans on. */
export interface StoreDemand {
  /** When counting began, milliseconds since 1970. */
  readonly since: number;
  readonly sites: ReadonlyMap<string, Tally>;
}

export function emptyTally(at: number): Tally {
  return { at, units: 0, lines: SIZE_BOUNDS.map(() => 0) };
}

/** Counts lines of one size into the tally, in place. Of lines that come late, what would be left of them by then. */
export function tallyLines(tally: Tally, quantity: number, at: number, parameters: DemandParameters, lines = 1): void {
  fade(tally, at, parameters);
  const sizeClass = sizeClassOf(quantity);
  const counted = at < tally.at ? lines * keptBetween(at, tally.at, parameters) : lines;
  tally.lines[sizeClass] = (tally.lines[sizeClass] ?? 0) + counted;
  tally.units += quantity * counted;
}

/** Brings the counts to a later time, in place. */
function fade(tally: Tally, at: number, parameters: DemandParameters): void {
  if (at <= tally.at) return;
  const kept = keptBetween(tally.at, at, parameters);
  tally.units *= kept;
  for (let index = 0; index < tally.lines.length; index++) tally.lines[index] = (tally.lines[index] ?? 0) * kept;
  tally.at = at;
}

/** The part of what was counted that is left at a later time. */
function keptBetween(counted: number, later: number, { memoryDays }: DemandParameters): number {
  return Math.exp(Math.min(0, counted - later) / (memoryDays * DAY_MS));
}

function sizeClassOf(quantity: number): number {
  let low = 0;
  let high = SIZE_BOUNDS.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((SIZE_BOUNDS[middle] as number) < quantity) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Demand of one item at each of the store's sites, from the item's tallies by site. A site without a tally of the item
 * gets its part of what the item sells elsewhere.
 */
export function estimateDemand(
  item: ReadonlyMap<string, Tally>,
  store: StoreDemand,
  at: number,
  parameters: DemandParameters,
): Map<string, Demand> {
  const { memoryDays, sizePriorLines, sitePriorLines, newItemLines } = parameters;
  const observedDays = Math.max(OBSERVED_DAYS_MIN, (at - store.since) / DAY_MS);
  /** A steady line a day would stand at this count by now. */
  const steadyCount = memoryDays * (1 - Math.exp(-observedDays / memoryDays));
  const ofItem = summed(item.values(), at, parameters);
  const ofStore = summed(store.sites.values(), at, parameters);
  const [itemLines = 0] = ofItem.above;
  const linesPerDay = (itemLines + newItemLines) / steadyCount;
  const unitsOfALine = leaning(ofItem.units, itemLines, part(ofStore.units, ofStore.above[0]), sizePriorLines);
  const chances = ofItem.above.map((above, size) =>
    leaning(above, itemLines, part(ofStore.above[size], ofStore.above[0]), sizePriorLines),
  );
  const splitOfItem = withSmallerLines(ofItem.above);
  const result = new Map<string, Demand>();
  for (const [site, ofSite] of store.sites) {
    const usual = summed([ofSite], at, parameters);
    const tally = item.get(site);
    const own = summed(tally ? [tally] : [], at, parameters);
    const split = withSmallerLines(own.above);
    const share = (size: number): number => {
      const usualShare = part(usual.above[size], ofStore.above[size]);
      const prior = sitePriorLines / (1 + (SIZE_BOUNDS[size] ?? 0) / HALF_PRIOR_UNITS);
      return leaning(split[size] ?? 0, splitOfItem[size] ?? 0, usualShare, prior);
    };
    const priorUnits = sitePriorLines * unitsOfALine;
    const unitShare = leaning(own.units, ofItem.units, part(usual.units, ofStore.units), priorUnits);
    result.set(site, {
      unitsPerDay: linesPerDay * unitsOfALine * unitShare,
      linesAbove: falling(chances.map((chance, size) => linesPerDay * chance * share(size))),
    });
  }
  return result;
}

/** Demand of several sites together. */
export function sumOfDemand(demands: Iterable<Demand>): Demand {
  const lines = SIZE_BOUNDS.map(() => 0);
  let units = 0;
  for (const { unitsPerDay, linesAbove } of demands) {
    units += unitsPerDay;
    for (let index = 0; index < lines.length; index++) lines[index] = (lines[index] ?? 0) + (linesAbove[index] ?? 0);
  }
  return { unitsPerDay: units, linesAbove: lines };
}

interface Sum {
  readonly units: number;
  /** Lines that are larger than each bound. */
  readonly above: readonly number[];
}

function summed(tallies: Iterable<Tally>, at: number, parameters: DemandParameters): Sum {
  const above = SIZE_BOUNDS.map(() => 0);
  let units = 0;
  for (const tally of tallies) {
    const kept = keptBetween(tally.at, at, parameters);
    units += tally.units * kept;
    let larger = 0;
    for (let size = above.length - 1; size >= 0; size--) {
      larger += (tally.lines[size] ?? 0) * kept;
      above[size] = (above[size] ?? 0) + larger;
    }
  }
  return { units, above };
}

/** Lines larger than each bound, with part of those that are not: the smaller, the less. */
function withSmallerLines(above: readonly number[]): number[] {
  let smaller = 0;
  return above.map((lines, size) => {
    if (size > 0) smaller = SMALLER_LINE_WEIGHT * (smaller + (above[size - 1] ?? 0) - lines);
    return lines + smaller;
  });
}

/** A share as seen, leaning on the usual one as if that had been seen so many times. */
function leaning(seen: number, of: number, usual: number, prior: number): number {
  return of + prior > 0 ? (seen + prior * usual) / (of + prior) : usual;
}

function part(share: number | undefined, whole: number | undefined): number {
  return whole === undefined || whole <= 0 ? 0 : (share ?? 0) / whole;
}

/** Of larger sizes there are no more lines than of smaller ones, though each size's share leans for itself. */
function falling(lines: number[]): number[] {
  for (let size = lines.length - 2; size >= 0; size--) lines[size] = Math.max(lines[size] ?? 0, lines[size + 1] ?? 0);
  return lines;
}
