/** Counting what this site and those below it were asked for, and what that makes a day (decision 47). */
import {
  type Asked,
  type Refused,
  countingOf,
  forgetHeard,
  heardDemand,
  keepCounted,
  keepRefused,
  lockCounting,
  lowestId,
  refusedOfCarts,
  saveCounting,
  saveTallies,
  talliesOf,
  uncountedRefusals,
  uncountedSales,
} from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import {
  ALL_ITEMS,
  DAY_MS,
  type Demand,
  Tallies,
  emptyTally,
  estimateDemand,
  newlyRefused,
  notRefusedBefore,
} from '../../domain/inventory';
import { type SiteContext, storeSettings } from '../context';

/** Of each kind, counted in one transaction: small, for sales wait for it on SQLite. */
const SOURCES_PER_BATCH = 200;
/** A sale is committed within this of its id's making, whatever it had to wait for; it is looked for so long. */
const COMMIT_WITHIN_MS = 2 * 60_000;
/** While there is nothing to count, how often it is written down how far the counting has come. */
const SAVED_EVERY_MS = 60_000;
/** A cart that was refused is forgotten when nobody has come back to it for so long. */
const REFUSED_KEPT_MS = 30 * DAY_MS;

/**
 * Counts all that is there to count, and of sales those that commit behind it the next time; answers how many orders and
 * refusals that were.
 */
export async function countDemand(
  context: SiteContext,
  store: string,
  stopped: () => boolean = () => false,
): Promise<number> {
  let counted = 0;
  let salesFrom = '';
  for (;;) {
    const batch = await context.db.transaction((tx) => countBatch(context, tx, store, salesFrom));
    counted += batch.counted;
    salesFrom = batch.salesTo ?? salesFrom;
    context.metrics.of(store).countedDemand(batch.counted, batch.missing);
    if (!batch.more || stopped()) return counted;
  }
}

interface Batch {
  readonly heard: readonly Asked[];
  readonly sales: readonly Asked[];
  readonly refusals: readonly Refused[];
}

interface Counted {
  readonly counted: number;
  /** Units of the refusals among them that were not there. */
  readonly missing: number;
  readonly more: boolean;
  readonly salesTo?: string | undefined;
}

async function countBatch(context: SiteContext, tx: Transaction, store: string, salesFrom: string): Promise<Counted> {
  const now = context.runtime.clock.now();
  const { since, reached } = await lockCounting(tx, store, now);
  const { batch, more } = await readBatch(context, tx, store, lowestId(reached - COMMIT_WITHIN_MS), salesFrom);
  const all = [...batch.heard, ...batch.sales, ...batch.refusals];
  const next = Math.max(reached, Math.min(now, reachedBy(batch, reached)));
  if (all.length === 0 && next - reached < SAVED_EVERY_MS) return { counted: 0, missing: 0, more: false };
  await count(context, tx, store, batch, now);
  const own = [...batch.sales, ...batch.refusals].map(({ source }) => source);
  await keepCounted(tx, store, own, lowestId(next - COMMIT_WITHIN_MS));
  await saveCounting(tx, store, { since: all.reduce((first, { at }) => Math.min(first, at), since), reached: next });
  const missing = batch.refusals.reduce((units, refusal) => units + refusal.missing, 0);
  return { counted: all.length, missing, more, salesTo: batch.sales.at(-1)?.source };
}

/**
 * Sales are read first, so that the refusal of what a sale has cut is there when the sale is; while there are more
 * refusals than one batch takes, no sale is counted.
 */
async function readBatch(
  { site }: SiteContext,
  tx: Transaction,
  store: string,
  from: string,
  salesFrom: string,
): Promise<{ batch: Batch; more: boolean }> {
  const limit = SOURCES_PER_BATCH;
  const sales = await uncountedSales(tx, { store, site, from: from > salesFrom ? from : salesFrom, limit });
  const refusals = await uncountedRefusals(tx, { store, site, from, limit });
  const heard = await heardDemand(tx, store, limit);
  const more = [sales, refusals, heard].some(({ length }) => length === limit);
  return { batch: { heard, sales: refusals.length === limit ? [] : sales, refusals }, more };
}

/** The time up to which all of this site's own is counted, but for what may still commit. */
function reachedBy({ sales, refusals }: Batch, reached: number): number {
  if (refusals.length === SOURCES_PER_BATCH) return reached;
  return sales.length === SOURCES_PER_BATCH ? (sales.at(-1)?.at ?? reached) : Number.POSITIVE_INFINITY;
}

async function count(
  context: SiteContext,
  tx: Transaction,
  store: string,
  { heard, sales, refusals }: Batch,
  now: number,
): Promise<void> {
  const parameters = storeSettings(context, store).inventory.policy.demand;
  const carts = [...heard, ...sales, ...refusals].flatMap(({ cartId }) => (cartId === null ? [] : [cartId]));
  const refused = await refusedOfCarts(tx, store, [...new Set(carts)]);
  const of = ({ cartId }: Asked) => refused.get(cartId ?? '') ?? new Map<string, number>();
  // What was refused comes before what was sold of it in the end.
  const asked = [
    ...[...heard, ...refusals].map((each) => ({
      ...each,
      lines: each.cartId === null ? each.lines : newlyRefused(each.lines, of(each)),
    })),
    ...sales.map((each) => ({ ...each, lines: notRefusedBefore(each.lines, of(each)) })),
  ];
  const tallies = new Tallies(
    await talliesOf(
      tx,
      store,
      asked.flatMap(({ lines }) => lines.map(({ sku }) => sku)),
    ),
  );
  for (const lines of asked) tallies.count(lines, parameters);
  await saveTallies(tx, store, tallies.counted());
  await keepRefused(tx, store, refused, { now, before: now - REFUSED_KEPT_MS });
  await forgetHeard(
    tx,
    store,
    heard.map(({ source }) => source),
  );
}

/** Demand by item and site, of what is counted by now, at the sites named. */
export type DemandOfItems = ReadonlyMap<string, ReadonlyMap<string, Demand>>;

export async function demandOfItems(
  context: SiteContext,
  reads: Statements,
  store: string,
  skus: readonly string[],
  sites: readonly string[],
): Promise<DemandOfItems> {
  const now = context.runtime.clock.now();
  const parameters = storeSettings(context, store).inventory.policy.demand;
  const { since } = (await countingOf(reads, store)) ?? { since: now };
  const tallies = new Tallies((await talliesOf(reads, store, skus)).filter(({ site }) => sites.includes(site)));
  const ofAll = tallies.of(ALL_ITEMS);
  const everything = { since, sites: new Map(sites.map((site) => [site, ofAll.get(site) ?? emptyTally(since)])) };
  return new Map(skus.map((sku) => [sku, estimateDemand(tallies.of(sku), everything, now, parameters)]));
}
