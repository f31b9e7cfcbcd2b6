/**
 * Demand, counted beside the sales that make it: no sale writes anything for it. What this site sold or refused is read
 * by its id, a UUIDv7, from a little before the time that the counting has reached; what other sites were asked for is
 * noted when it comes in, however late that is.
 */
import { ALL_ITEMS, SIZE_BOUNDS, type StockLine, type Tally, type TallyKey } from '../../domain/inventory';
import { marks } from '../catalog/items';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent, insertRows } from '../dialect';

/** What was asked for, to be counted once under the name of its source. */
export interface Asked {
  /** An order, a refusal or a borrowing. */
  readonly source: string;
  readonly site: string;
  /** Where it was refused, or may have been: whose cart it is. */
  readonly cartId: string | null;
  readonly lines: readonly StockLine[];
  /** Milliseconds UTC. */
  readonly at: number;
}

export interface Refused extends Asked {
  /** Units of it that were not there. */
  readonly missing: number;
}

/** Notes what another site was asked for, once. */
export async function hearOfDemand(tx: Transaction, store: string, asked: readonly Asked[]): Promise<void> {
  await insertRows(
    tx,
    'demand_heard',
    ['store', 'source', 'site', 'cart_id', 'line_list', 'asked_at'],
    asked.map(({ source, site, cartId, lines, at }) => {
      const list = JSON.stringify(lines.map(({ sku, quantity }) => ({ sku, quantity })));
      return [store, source, site, cartId, list, at];
    }),
    'ignore',
  );
}

/** What was heard of and is not counted. */
export async function heardDemand(reads: Statements, store: string, limit: number): Promise<Asked[]> {
  const rows = await reads.all<{
    source: string;
    site: string;
    cart_id: string | null;
    line_list: string;
    asked_at: number;
  }>(
    `SELECT source, site, cart_id, line_list, asked_at FROM demand_heard WHERE store = ? ORDER BY source LIMIT ${limit}`,
    [store],
  );
  return rows.map((row) => ({
    ...{ source: row.source, site: row.site, cartId: row.cart_id, at: row.asked_at },
    lines: JSON.parse(row.line_list) as StockLine[],
  }));
}

export async function forgetHeard(tx: Transaction, store: string, sources: readonly string[]): Promise<void> {
  if (sources.length === 0) return;
  await tx.run(`DELETE FROM demand_heard WHERE store = ? AND source IN (${marks(sources.length)})`, [
    store,
    ...sources,
  ]);
}

/** How far the counting of the site's own orders and refusals has come. */
export interface Counting {
  /** The oldest that is counted, milliseconds UTC. */
  readonly since: number;
  /** What was asked for before is counted, milliseconds UTC. */
  readonly reached: number;
}

/** Locked until the transaction ends, so that two processes of a site never count at once. */
export async function lockCounting(tx: Transaction, store: string, now: number): Promise<Counting> {
  await insertIfAbsent(tx, 'demand_counting', { store }, { counted_since: now, reached_at: 0 });
  return (await countingOf(tx, store, forUpdate(tx.engine))) as Counting;
}

/** Absent before anything is counted. */
export async function countingOf(reads: Statements, store: string, lock = ''): Promise<Counting | undefined> {
  const row = await reads.get<{ counted_since: number; reached_at: number }>(
    `SELECT counted_since, reached_at FROM demand_counting WHERE store = ?${lock}`,
    [store],
  );
  return row && { since: row.counted_since, reached: row.reached_at };
}

export async function saveCounting(tx: Transaction, store: string, { since, reached }: Counting): Promise<void> {
  await tx.run('UPDATE demand_counting SET counted_since = ?, reached_at = ? WHERE store = ?', [since, reached, store]);
}

/** The id that every UUIDv7 of that millisecond or later is not below. */
export function lowestId(milliseconds: number): string {
  const digits = Math.max(0, Math.floor(milliseconds)).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** The site's own orders from an id on that are not counted, in the order of their ids. */
export async function uncountedSales(
  reads: Statements,
  { store, site, from, limit }: { store: string; site: string; from: string; limit: number },
): Promise<Asked[]> {
  const orders = await reads.all<{ order_id: string; cart_id: string; placed_at: number }>(
    `SELECT order_id, cart_id, placed_at FROM orders WHERE store = ? AND order_id >= ? AND site = ?
       AND NOT EXISTS (SELECT 1 FROM demand_counted c WHERE c.store = orders.store AND c.source = orders.order_id)
     ORDER BY order_id LIMIT ${limit}`,
    [store, from, site],
  );
  if (orders.length === 0) return [];
  // A line's portions are one line.
  const lines = await reads.all<StockLine & { order_id: string }>(
    `SELECT order_id, line_number, sku, SUM(quantity) AS quantity FROM order_lines
     WHERE store = ? AND order_id IN (${marks(orders.length)}) GROUP BY order_id, line_number, sku ORDER BY line_number`,
    [store, ...orders.map((order) => order.order_id)],
  );
  const linesOf = linesBy(lines, (line) => line.order_id);
  return orders.map((order) => ({
    ...{ source: order.order_id, site, cartId: order.cart_id, at: order.placed_at },
    lines: linesOf.get(order.order_id) ?? [],
  }));
}

/** The site's own refusals from an id on that are not counted, as they were asked for. */
export async function uncountedRefusals(
  reads: Statements,
  { store, site, from, limit }: { store: string; site: string; from: string; limit: number },
): Promise<Refused[]> {
  const refusals = await reads.all<{ demand_id: string; cart_id: string; asked_at: number }>(
    `SELECT demand_id, cart_id, MIN(recorded_at) AS asked_at FROM refused_demand WHERE store = ? AND demand_id >= ?
       AND NOT EXISTS (
         SELECT 1 FROM demand_counted c WHERE c.store = refused_demand.store AND c.source = refused_demand.demand_id)
     GROUP BY demand_id, cart_id ORDER BY demand_id LIMIT ${limit}`,
    [store, from],
  );
  if (refusals.length === 0) return [];
  const lines = await reads.all<StockLine & { demand_id: string; available: number }>(
    `SELECT demand_id, sku, offered AS quantity, available FROM refused_demand
     WHERE store = ? AND demand_id IN (${marks(refusals.length)})`,
    [store, ...refusals.map((refusal) => refusal.demand_id)],
  );
  const linesOf = linesBy(lines, (line) => line.demand_id);
  const missingOf = new Map<string, number>();
  for (const { demand_id: id, quantity, available } of lines) {
    missingOf.set(id, (missingOf.get(id) ?? 0) + Math.max(0, quantity - available));
  }
  return refusals.map((refusal) => ({
    ...{ source: refusal.demand_id, site, cartId: refusal.cart_id, at: refusal.asked_at },
    lines: linesOf.get(refusal.demand_id) ?? [],
    missing: missingOf.get(refusal.demand_id) ?? 0,
  }));
}

function linesBy<Row extends StockLine>(rows: readonly Row[], key: (row: Row) => string): Map<string, StockLine[]> {
  const found = new Map<string, StockLine[]>();
  for (const row of rows) {
    const lines = found.get(key(row)) ?? [];
    found.set(key(row), lines);
    lines.push({ sku: row.sku, quantity: row.quantity });
  }
  return found;
}

/** Remembers what is counted, and forgets those before the id: nothing is read from there any more. */
export async function keepCounted(
  tx: Transaction,
  store: string,
  sources: readonly string[],
  from: string,
): Promise<void> {
  const kept = sources.filter((source) => source >= from);
  await insertRows(
    tx,
    'demand_counted',
    ['store', 'source'],
    kept.map((source) => [store, source]),
  );
  await tx.run('DELETE FROM demand_counted WHERE store = ? AND source < ?', [store, from]);
}

/** What is counted of the carts because it was refused, by cart. */
export async function refusedOfCarts(
  reads: Statements,
  store: string,
  carts: readonly string[],
): Promise<Map<string, Map<string, number>>> {
  const found = new Map<string, Map<string, number>>(carts.map((cart) => [cart, new Map()]));
  if (carts.length === 0) return found;
  const rows = await reads.all<{ cart_id: string; sku: string; units: number }>(
    `SELECT cart_id, sku, units FROM demand_refused WHERE store = ? AND cart_id IN (${marks(carts.length)})`,
    [store, ...carts],
  );
  for (const { cart_id, sku, units } of rows) found.get(cart_id)?.set(sku, units);
  return found;
}

/** Keeps what is counted of refused carts, and forgets carts that nobody has come back to since `before`. */
export async function keepRefused(
  tx: Transaction,
  store: string,
  carts: ReadonlyMap<string, ReadonlyMap<string, number>>,
  { now, before }: { readonly now: number; readonly before: number },
): Promise<void> {
  const rows = [...carts].flatMap(([cart, refused]) =>
    [...refused].map(([sku, units]) => [store, cart, sku, units, now]),
  );
  const key = ['store', 'cart_id', 'sku'];
  await insertRows(tx, 'demand_refused', [...key, 'units', 'asked_at'], rows, { key, update: ['units', 'asked_at'] });
  await tx.run('DELETE FROM demand_refused WHERE store = ? AND asked_at < ?', [store, before]);
}

/** Skus of one statement. */
const SKUS_PER_STATEMENT_MAX = 500;

/** The tallies of these items at every site, and of all items together. */
export async function talliesOf(
  reads: Statements,
  store: string,
  skus: readonly string[],
): Promise<(TallyKey & { tally: Tally })[]> {
  const wanted = [ALL_ITEMS, ...new Set(skus)];
  const tallies: (TallyKey & { tally: Tally })[] = [];
  for (let start = 0; start < wanted.length; start += SKUS_PER_STATEMENT_MAX) {
    const chunk = wanted.slice(start, start + SKUS_PER_STATEMENT_MAX);
    const rows = await reads.all<TallyKey & { counted_at: number; counts: string }>(
      `SELECT site, sku, counted_at, counts FROM demand_tallies WHERE store = ? AND sku IN (${marks(chunk.length)})`,
      [store, ...chunk],
    );
    tallies.push(
      ...rows.map(({ site, sku, counted_at, counts }) => ({ site, sku, tally: readTally(counted_at, counts) })),
    );
  }
  return tallies;
}

export async function saveTallies(
  tx: Transaction,
  store: string,
  tallies: readonly (TallyKey & { readonly tally: Tally })[],
): Promise<void> {
  const key = ['store', 'site', 'sku'];
  await insertRows(
    tx,
    'demand_tallies',
    [...key, 'counted_at', 'counts'],
    tallies.map(({ site, sku, tally }) => [store, site, sku, tally.at, writeCounts(tally)]),
    { key, update: ['counted_at', 'counts'] },
  );
}

/** Units, then the lines by size class, without the empty classes at the end. */
function writeCounts({ units, lines }: Tally): string {
  const classes = lines.findLastIndex((count) => count > 0) + 1;
  return JSON.stringify([units, ...lines.slice(0, classes)]);
}

function readTally(at: number, counts: string): Tally {
  const [units = 0, ...lines] = JSON.parse(counts) as number[];
  return { at, units, lines: SIZE_BOUNDS.map((_, size) => lines[size] ?? 0) };
}

/** Items that anybody has asked for, in the order of their skus. */
export async function itemsAskedFor(
  reads: Statements,
  store: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(
    `SELECT DISTINCT sku FROM demand_tallies WHERE store = ? AND sku > ? ORDER BY sku LIMIT ${limit}`,
    [store, after],
  );
  return rows.map(({ sku }) => sku);
}
