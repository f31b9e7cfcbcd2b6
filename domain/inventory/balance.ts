/** Where an item's units should lie: the places' values are levelled, the pool bidding as a place of its own. */
import { sumOfDemand } from './demand';
import { type PolicyParameters } from './parameters';
import { type StockLine } from './rights';
import { type ItemStock, type SiteStock } from './stock';
import { linesOfChance, poolUncoveredLines, uncoveredLines, unitsCovering } from './value';

export interface Levels {
  readonly pool: number;
  /** In the order of the sites asked about. */
  readonly sites: readonly number[];
}

/** Rates between which the common value of the places is sought, lines a day. */
const RATE_MIN = 1e-7;
const RATE_MAX = 1e3;
const HALVINGS = 18;

/**
 * Levels of the pool and of the sites named, so that the unit that lies anywhere is worth about as much as it would be
 * elsewhere. What the other sites hold stays. Whole units; the sum is what pool and named sites hold now.
 */
export function balancedLevels(item: ItemStock, among: readonly SiteStock[], parameters: PolicyParameters): Levels {
  const units = among.reduce((sum, site) => sum + site.units, item.pool);
  const rate = Math.max(commonRate(item, among, units, parameters), linesOfChance(parameters.valueFloor, parameters));
  let left = units;
  const sites = among.map((site) => {
    const level = Math.min(left, siteLevel(site, rate, parameters));
    left -= level;
    return level;
  });
  return { pool: left, sites };
}

/** Lines a day that every place leaves uncovered when the units are levelled: the sites get theirs, the pool the rest. */
function commonRate(item: ItemStock, among: readonly SiteStock[], units: number, parameters: PolicyParameters): number {
  const allUnits = item.sites.reduce((sum, site) => sum + site.units, item.pool);
  const everywhere = sumOfDemand(item.sites.map(({ demand }) => demand));
  let low = RATE_MIN;
  let high = RATE_MAX;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const rate = Math.sqrt(low * high);
    let pool = units;
    for (const site of among) pool -= siteLevel(site, rate, parameters);
    if (pool < 0 || poolUncoveredLines(everywhere, pool, allUnits, parameters) > rate) low = rate;
    else high = rate;
  }
  return high;
}

/** A share of a unit that is a rounding error, not a unit. */
const UNIT_EPSILON = 1e-9;

/** The fewest whole units with which no more than so many lines a day stay uncovered at the site. */
function siteLevel({ demand }: SiteStock, rate: number, parameters: PolicyParameters): number {
  if (uncoveredLines(demand, 0, parameters) <= rate) return 0;
  return Math.ceil(unitsCovering(demand, rate) + demand.unitsPerDay * parameters.horizonDays - UNIT_EPSILON);
}

/** What one site should give the pool and get from it. */
export interface Rebalancing {
  readonly site: string;
  readonly gives: readonly StockLine[];
  readonly gets: readonly StockLine[];
}

/**
 * Levels the items between the pool and the sites named: first each gives what is worth more elsewhere, then each gets
 * from the pool, which then has all that is got. A site that is cut off keeps what it has.
 */
export function rebalancing(
  items: readonly ItemStock[],
  sites: readonly string[],
  parameters: PolicyParameters,
): Rebalancing[] {
  const moves = new Map(sites.map((site) => [site, { gives: [] as StockLine[], gets: [] as StockLine[] }]));
  for (const item of items) {
    const among = item.sites.filter(({ site, reachable }) => reachable && moves.has(site));
    const levels = balancedLevels(item, among, parameters).sites;
    among.forEach(({ site, units }, index) => {
      const more = (levels[index] ?? units) - units;
      const { sku } = item;
      if (more > 0) moves.get(site)?.gets.push({ sku, quantity: more });
      if (more < 0) moves.get(site)?.gives.push({ sku, quantity: -more });
    });
  }
  return [...moves].map(([site, { gives, gets }]) => ({ site, gives, gets }));
}

/** What the pool should give a site besides, in an exchange that takes place anyway. */
export function refills(items: readonly ItemStock[], site: string, parameters: PolicyParameters): readonly StockLine[] {
  return rebalancing(items, [site], parameters)[0]?.gets ?? [];
}

/** What a site that is asked anyway should give the pool besides: what is worth more there than at the site. */
export function surpluses(
  items: readonly ItemStock[],
  site: string,
  parameters: PolicyParameters,
): readonly StockLine[] {
  return rebalancing(items, [site], parameters)[0]?.gives ?? [];
}
