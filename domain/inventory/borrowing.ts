/** Borrowing: whom an order that is short asks, and what each gives. */
import { type StockLine } from './rights';
import { type ItemStock, type SiteStock } from './stock';

export interface BorrowRequest {
  readonly asker: string;
  /** What is missing, one line a sku. */
  readonly lines: readonly StockLine[];
}

export interface Giver {
  readonly site: string;
  readonly lines: readonly StockLine[];
}

export interface BorrowPlan {
  readonly fromPool: readonly StockLine[];
  /** In the order in which they were chosen. */
  readonly givers: readonly Giver[];
  /** What nobody in reach has. */
  readonly missing: readonly StockLine[];
}

export interface BorrowLimits {
  /** Units that a giver keeps in any case; none at the sale, where a buyer waits. */
  readonly floor: (sku: string, giver: SiteStock) => number;
  readonly giversMax: number;
}

/** At the sale everything that is in reach may be had: a buyer in hand is worth more than one who may come. */
export const AT_THE_SALE: BorrowLimits = { floor: () => 0, giversMax: Number.POSITIVE_INFINITY };

/**
 * First the pool, then a greedy cover: again and again the reachable site that covers most of what is missing, of equals
 * the one that has most left, until nothing is missing or nobody has any. A part of a line is taken, too.
 */
export function planBorrowing(
  { asker, lines }: BorrowRequest,
  items: ReadonlyMap<string, ItemStock>,
  limits: BorrowLimits = AT_THE_SALE,
): BorrowPlan {
  const missing = new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
  const fromPool = takeFrom(missing, (sku) => items.get(sku)?.pool ?? 0);
  const offers = offersOf(asker, missing, items, limits);
  const givers: Giver[] = [];
  while (missing.size > 0 && givers.length < limits.giversMax) {
    const site = bestGiver(missing, offers);
    if (site === undefined) break;
    const offer = offers.get(site);
    offers.delete(site);
    givers.push({ site, lines: takeFrom(missing, (sku) => offer?.get(sku) ?? 0) });
  }
  return { fromPool, givers, missing: [...missing].map(([sku, quantity]) => ({ sku, quantity })) };
}

/** By site: what it could give of what is missing. */
function offersOf(
  asker: string,
  missing: ReadonlyMap<string, number>,
  items: ReadonlyMap<string, ItemStock>,
  { floor }: BorrowLimits,
): Map<string, Map<string, number>> {
  const offers = new Map<string, Map<string, number>>();
  for (const sku of missing.keys()) {
    for (const stock of items.get(sku)?.sites ?? []) {
      if (stock.site === asker || !stock.reachable) continue;
      const units = stock.units - floor(sku, stock);
      if (units <= 0) continue;
      const offer = offers.get(stock.site) ?? new Map<string, number>();
      offers.set(stock.site, offer.set(sku, units));
    }
  }
  return offers;
}

/**
 * The site that covers most units; of equals the one that has most of them, which misses them least; then the first by
 * name, so that the plan is the same wherever it is made.
 */
function bestGiver(
  missing: ReadonlyMap<string, number>,
  offers: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string | undefined {
  let best: { readonly site: string; readonly covered: number; readonly has: number } | undefined;
  for (const [site, offer] of offers) {
    let covered = 0;
    let has = 0;
    for (const [sku, units] of offer) {
      const wanted = missing.get(sku) ?? 0;
      covered += Math.min(units, wanted);
      if (wanted > 0) has += units;
    }
    if (covered === 0) continue;
    const better = best ? covered - best.covered || has - best.has || (site < best.site ? 1 : -1) : 1;
    if (better > 0) best = { site, covered, has };
  }
  return best?.site;
}

/** Takes what is there of what is missing, which then is no longer missing. */
function takeFrom(missing: Map<string, number>, available: (sku: string) => number): StockLine[] {
  const taken: StockLine[] = [];
  for (const [sku, quantity] of [...missing]) {
    const units = Math.min(quantity, available(sku));
    if (units <= 0) continue;
    taken.push({ sku, quantity: units });
    if (units === quantity) missing.delete(sku);
    else missing.set(sku, quantity - units);
  }
  return taken;
}
