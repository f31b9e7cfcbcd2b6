/** Where an item's units should lie: the places' values are levelled, the pool bidding as a place of its own. */
import { type PolicyParameters } from './parameters';
import { type StockLine } from './rights';
import { type ItemStock, type SiteStock } from './stock';
import { demandEverywhere, linesOfChance, poolUncoveredLines, uncoveredLines, unitsCovering } from './value';

export interface Levels {
  readonly pool: number;
  /** In the order of the sites asked about. */
  readonly sites: readonly number[];
}

/** Rates between which the common value of the places is sought, lines a day. */
const RATE_MIN = 1e-7;
const RATE_MAX = 1e3;
const HALVINGS = 26;
const POOL_HALVINGS = 14;

/**
 * Levels of the pool and of the sites named, so that the unit that lies anywhere is worth about as much as it would be
 * elsewhere. What the other sites hold stays. Whole units; the sum is what pool and named sites hold now.
 */
export function balancedLevels(item: ItemStock, among: readonly SiteStock[], parameters: PolicyParameters): Levels {
  const units = among.reduce((sum, site) => sum + site.units, item.pool);
  const allUnits = item.sites.reduce((sum, site) => sum + site.units, item.pool);
  const everywhere = demandEverywhere(item);
  const poolBid = (pool: number): number => poolUncoveredLines(everywhere, pool, allUnits, parameters);
  let low = RATE_MIN;
  let high = RATE_MAX;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const rate = Math.sqrt(low * high);
    let wanted = largestBid(poolBid, rate, allUnits);
    for (const site of among) wanted += siteLevel(site, rate, parameters);
    if (wanted > units) low = rate;
    else high = rate;
  }
  const rate = Math.max(high, linesOfChance(parameters.valueFloor, parameters));
  let left = units;
  const sites = among.map((site) => {
    const level = Math.min(left, Math.floor(siteLevel(site, rate, parameters)));
    left -= level;
    return level;
  });
  return { pool: left, sites };
}

/** The units with which no more than so many lines a day stay uncovered at the site. */
function siteLevel({ demand }: SiteStock, rate: number, parameters: PolicyParameters): number {
  if (uncoveredLines(demand, 0, parameters) <= rate) return 0;
  return unitsCovering(demand, rate) + demand.unitsPerDay * parameters.horizonDays;
}

/** The most units for which the falling bid is above the rate. */
function largestBid(bid: (units: number) => number, rate: number, most: number): number {
  if (bid(0) <= rate) return 0;
  if (bid(most) > rate) return most;
  let low = 0;
  let high = most;
  for (let halving = 0; halving < POOL_HALVINGS && high - low > 0.5; halving++) {
    const middle = (low + high) / 2;
    if (bid(middle) > rate) low = middle;
    else high = middle;
  }
  return high;
}

/** What the pool should give a site besides, in an exchange that takes place anyway. */
export function refills(items: readonly ItemStock[], site: string, parameters: PolicyParameters): StockLine[] {
  return items.flatMap((item) => {
    const found = item.sites.find((candidate) => candidate.site === site);
    if (!found || item.pool === 0) return [];
    const [level = 0] = balancedLevels(item, [found], parameters).sites;
    return asLines(item.sku, Math.min(item.pool, level - found.units));
  });
}

/** What a site that is asked anyway should give the pool besides: what is worth more there than at the site. */
export function surpluses(items: readonly ItemStock[], site: string, parameters: PolicyParameters): StockLine[] {
  return items.flatMap((item) => {
    const found = item.sites.find((candidate) => candidate.site === site);
    if (!found || found.units === 0) return [];
    const [level = 0] = balancedLevels(item, [found], parameters).sites;
    return asLines(item.sku, found.units - level);
  });
}

function asLines(sku: string, quantity: number): StockLine[] {
  return quantity > 0 ? [{ sku, quantity }] : [];
}
