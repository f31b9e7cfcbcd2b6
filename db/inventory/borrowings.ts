/** Borrowings that this site has part in: what was asked, of whom, and what came of it (design, section 5). */
import { borrowingOfAsk, formatBorrowing, type LentTransfer, type StockLine } from '../../domain/inventory';
import { marks } from '../catalog/items';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent, insertRows } from '../dialect';

export interface Borrowing {
  readonly store: string;
  readonly borrowing: string;
  /** The site that asks: this one for an order of its own, else a neighbour in the tree. */
  readonly asker: string;
  /** Who credits what is given, and for which of its data that is. */
  readonly taker: string;
  readonly takerIncarnation: number;
  readonly cartId: string | null;
  readonly lines: readonly StockLine[];
  /** SHA-256 (hex) of what was asked. */
  readonly digest: string;
}

export interface StoredBorrowing extends Borrowing {
  /** What was lent, once nobody asked is without an answer. */
  readonly answer: readonly LentTransfer[] | null;
  readonly createdAt: number;
}

interface BorrowingRow {
  borrowing: string;
  asker: string;
  taker: string;
  taker_incarnation: number;
  cart_id: string | null;
  line_list: string;
  digest: string;
  answer: string | null;
  created_at: number;
}

const COLUMNS = 'borrowing, asker, taker, taker_incarnation, cart_id, line_list, digest, answer, created_at';

function borrowingOf(store: string, row: BorrowingRow): StoredBorrowing {
  return {
    ...{ store, borrowing: row.borrowing, asker: row.asker, taker: row.taker, cartId: row.cart_id },
    takerIncarnation: row.taker_incarnation,
    lines: JSON.parse(row.line_list) as StockLine[],
    digest: row.digest,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as LentTransfer[]),
    createdAt: row.created_at,
  };
}

/** Writes it, if it is new here; answers what is kept, locked until the transaction ends, and whether it is new. */
export async function beginBorrowing(
  tx: Transaction,
  { store, borrowing, asker, taker, takerIncarnation, cartId, lines, digest }: Borrowing,
  now: number,
): Promise<{ readonly isNew: boolean; readonly kept: StoredBorrowing }> {
  const isNew = await insertIfAbsent(
    tx,
    'borrowings',
    { store, borrowing },
    {
      ...{ asker, taker, taker_incarnation: takerIncarnation, cart_id: cartId },
      ...{ line_list: JSON.stringify(lines), digest, answer: null, created_at: now },
    },
  );
  return { isNew, kept: await lockBorrowing(tx, store, borrowing) };
}

export async function lockBorrowing(tx: Transaction, store: string, borrowing: string): Promise<StoredBorrowing> {
  const known = await findBorrowing(tx, store, borrowing, forUpdate(tx.engine));
  if (!known) throw new Error(`borrowing "${borrowing}" was not written before it was asked for`);
  return known;
}

export async function findBorrowing(
  reads: Statements,
  store: string,
  borrowing: string,
  lock = '',
): Promise<StoredBorrowing | undefined> {
  const row = await reads.get<BorrowingRow>(
    `SELECT ${COLUMNS} FROM borrowings WHERE store = ? AND borrowing = ?${lock}`,
    [store, borrowing],
  );
  return row && borrowingOf(store, row);
}

/**
 * The borrowing for a cart's order: the last one while it is without its answer, else a new one's name. So a buyer's
 * second attempt asks for the same need under the same name. What was asked for by data that are lost is not asked again.
 */
export async function borrowingForCart(
  reads: Statements,
  store: string,
  cartId: string,
  site: string,
  incarnation: number,
): Promise<{ readonly borrowing: string; readonly begun: StoredBorrowing | null }> {
  const rows = await reads.all<BorrowingRow>(
    `SELECT ${COLUMNS} FROM borrowings WHERE store = ? AND cart_id = ? AND asker = ? AND taker_incarnation = ?`,
    [store, cartId, site, incarnation],
  );
  const open = rows.find(({ answer }) => answer === null);
  if (open) return { borrowing: open.borrowing, begun: borrowingOf(store, open) };
  return { borrowing: formatBorrowing(cartId, site, incarnation, rows.length + 1), begun: null };
}

/** Nobody asked is without an answer: from here on this is what the borrowing came to. */
export async function concludeBorrowing(
  tx: Transaction,
  store: string,
  borrowing: string,
  answer: readonly LentTransfer[],
): Promise<void> {
  await tx.run('UPDATE borrowings SET answer = ? WHERE store = ? AND borrowing = ?', [
    ...[JSON.stringify(answer), store, borrowing],
  ]);
}

/** What this site asks of another one on behalf of a borrowing. */
export interface Ask {
  readonly ask: string;
  readonly site: string;
  readonly lines: readonly StockLine[];
  /** What that site has said so far that was lent. */
  readonly lent: readonly LentTransfer[];
  /** It has said all that it will. */
  readonly whole: boolean;
  /** Milliseconds UTC. */
  readonly createdAt: number;
}

export async function asksOf(reads: Statements, store: string, borrowing: string): Promise<Ask[]> {
  const rows = await reads.all<{
    ask: string;
    site: string;
    line_list: string;
    answer: string | null;
    answered_whole: number;
    created_at: number;
  }>(
    `SELECT ask, site, line_list, answer, answered_whole, created_at FROM borrowing_asks
     WHERE store = ? AND borrowing = ? ORDER BY ask`,
    [store, borrowing],
  );
  return rows.map((row) => ({
    ...{ ask: row.ask, site: row.site, lines: JSON.parse(row.line_list) as StockLine[] },
    lent: JSON.parse(row.answer ?? '[]') as LentTransfer[],
    ...{ whole: row.answered_whole === 1, createdAt: row.created_at },
  }));
}

export async function addAsks(
  tx: Transaction,
  store: string,
  borrowing: string,
  asks: readonly Pick<Ask, 'ask' | 'site' | 'lines'>[],
  now: number,
): Promise<void> {
  await insertRows(
    tx,
    'borrowing_asks',
    ['store', 'ask', 'borrowing', 'site', 'line_list', 'answered_whole', 'created_at'],
    asks.map(({ ask, site, lines }) => [store, ask, borrowing, site, JSON.stringify(lines), 0, now]),
  );
}

/** An answer never takes back what an earlier one has said. */
export async function answerAsk(
  tx: Transaction,
  store: string,
  ask: string,
  lent: readonly LentTransfer[],
  whole: boolean,
): Promise<void> {
  await tx.run(
    'UPDATE borrowing_asks SET answer = ?, answered_whole = ? WHERE store = ? AND ask = ? AND answered_whole = 0',
    [JSON.stringify(lent), whole ? 1 : 0, store, ask],
  );
}

/**
 * Keeps the site's own units for an order that is borrowed for, until then: else two sites that are short of the same
 * item would give each other what they have.
 */
export async function keepWanted(
  tx: Transaction,
  { store, borrowing }: Pick<Borrowing, 'store' | 'borrowing'>,
  lines: readonly StockLine[],
  until: number,
): Promise<void> {
  await insertRows(
    tx,
    'borrowing_wants',
    ['store', 'borrowing', 'sku', 'quantity', 'wanted_until'],
    lines.map(({ sku, quantity }) => [store, borrowing, sku, quantity, until]),
    { key: ['store', 'borrowing', 'sku'], update: ['quantity', 'wanted_until'] },
  );
}

export async function forgetWanted(tx: Transaction, store: string, borrowing: string): Promise<void> {
  await tx.run('DELETE FROM borrowing_wants WHERE store = ? AND borrowing = ?', [store, borrowing]);
}

/** Units by sku that orders here wait for, those that they are short of and those that are there. */
export async function wantedNow(
  reads: Statements,
  store: string,
  skus: readonly string[],
  now: number,
): Promise<Map<string, number>> {
  const lines = await wantedLines(reads, store, skus, now);
  return new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
}

/** Units by sku that orders want here which began to borrow before this one, by the order of their names. */
export function wantedBefore(
  reads: Statements,
  store: string,
  ask: string,
  skus: readonly string[],
  now: number,
): Promise<StockLine[]> {
  return wantedLines(reads, store, skus, now, borrowingOfAsk(ask));
}

async function wantedLines(
  reads: Statements,
  store: string,
  skus: readonly string[],
  now: number,
  before?: string,
): Promise<StockLine[]> {
  if (skus.length === 0) return [];
  return reads.all<StockLine>(
    `SELECT sku, SUM(quantity) AS quantity FROM borrowing_wants
     WHERE store = ? AND sku IN (${marks(skus.length)}) AND wanted_until > ?
       ${before === undefined ? '' : 'AND borrowing < ?'} GROUP BY sku`,
    [store, ...skus, now, ...(before === undefined ? [] : [before])],
  );
}
