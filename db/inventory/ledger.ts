/**
 * Rights change only by movements in an append-only ledger, each with an id kept for ever (design, section 5). The
 * balance per account stands beside it in stock_levels and is what sales are guarded by.
 */
import { TellableError } from '../../domain/errors';
import {
  type MovementKind,
  type ShortLine,
  type StockAccount,
  type StockLine,
  isForLostData,
  shortLines,
  sumBySku,
} from '../../domain/inventory';
import { type SqlValue, type Statements, type Transaction } from '../database';
import { forUpdate, insertRows } from '../dialect';
import { marks } from '../catalog/items';

export interface Movement {
  readonly store: string;
  /** Kept for ever: what makes the movement happen once. */
  readonly movementId: string;
  readonly kind: MovementKind;
  readonly account: StockAccount;
  readonly counterparty: string | null;
  /** giver.incarnation.sequence, of transfers. */
  readonly transferId: string | null;
  /** What asked for it, for example `order:<id>`. */
  readonly cause: string;
  readonly epoch: number;
  readonly incarnation: number;
  readonly now: number;
}

const COLUMNS = [
  'store',
  'movement_id',
  'sku',
  'account',
  'kind',
  'quantity',
  'counterparty',
  'transfer_id',
  'cause',
  'epoch',
  'incarnation',
  'recorded_at',
];

/** Writes the ledger's rows; quantities are signed. The balance is the caller's to change. */
export async function writeMovement(tx: Transaction, movement: Movement, lines: readonly StockLine[]): Promise<void> {
  await insertRows(
    tx,
    'stock_ledger',
    COLUMNS,
    lines.map(({ sku, quantity }) => [
      movement.store,
      movement.movementId,
      sku,
      movement.account,
      movement.kind,
      quantity,
      movement.counterparty,
      movement.transferId,
      movement.cause,
      movement.epoch,
      movement.incarnation,
      movement.now,
    ]),
  );
}

/** True when the movement happened before. */
export async function hasMovement(reads: Statements, store: string, movementId: string): Promise<boolean> {
  const row = await reads.get('SELECT 1 AS found FROM stock_ledger WHERE store = ? AND movement_id = ? LIMIT 1', [
    store,
    movementId,
  ]);
  return row !== undefined;
}

/** A movement into an account: balance and ledger. Quantities are positive. */
export async function credit(tx: Transaction, movement: Movement, lines: readonly StockLine[]): Promise<void> {
  await insertRows(
    tx,
    'stock_levels',
    ['store', 'sku', 'account', 'rights'],
    lines.map(({ sku, quantity }) => [movement.store, sku, movement.account, quantity]),
    { key: ['store', 'sku', 'account'], update: [], add: ['rights'] },
  );
  await writeMovement(tx, movement, lines);
}

/** Items that one guarded UPDATE debits: on a database server a debit costs its round trips. */
const ITEMS_PER_UPDATE_MAX = 100;

/**
 * A movement out of an account. Looks first, under lock, so that it can say what is short; then the caller rolls back.
 * Quantities are positive.
 */
export async function debit(tx: Transaction, movement: Movement, lines: readonly StockLine[]): Promise<ShortLine[]> {
  const short: ShortLine[] = [];
  for (const chunk of chunksOf(sumBySku(lines))) {
    const skus = chunk.map(({ sku }) => sku);
    short.push(...shortLines(chunk, await rightsOf(tx, movement, skus, forUpdate(tx.engine))));
  }
  if (short.length > 0) return short;
  if (!(await debitAtOnce(tx, movement, lines)))
    throw new TellableError(`stock levels changed under lock: ${movement.cause}`);
  return [];
}

/**
 * A movement out of an account by guarded UPDATEs (`rights >= quantity`), in sku order, so that no two debits lock
 * crosswise. The UPDATEs come last: what is debited stays locked until the COMMIT. False when something is short;
 * then the caller rolls back.
 */
async function debitAtOnce(tx: Transaction, movement: Movement, lines: readonly StockLine[]): Promise<boolean> {
  const sums = sumBySku(lines);
  await writeMovement(
    tx,
    movement,
    sums.map(({ sku, quantity }) => ({ sku, quantity: -quantity })),
  );
  for (const chunk of chunksOf(sums)) if (!(await debitChunk(tx, movement, chunk))) return false;
  return true;
}

async function debitChunk(
  tx: Transaction,
  { store, account }: Movement,
  lines: readonly StockLine[],
): Promise<boolean> {
  const [only] = lines;
  if (only && lines.length === 1) {
    const debited = await tx.run(
      'UPDATE stock_levels SET rights = rights - ? WHERE store = ? AND sku = ? AND account = ? AND rights >= ?',
      [only.quantity, store, only.sku, account, only.quantity],
    );
    return debited === 1;
  }
  const quantityOf = `CASE sku ${'WHEN ? THEN ? '.repeat(lines.length)}END`;
  const skus = lines.map(({ sku }) => sku);
  const quantities = lines.flatMap(({ sku, quantity }) => [sku, quantity]);
  const debited = await tx.run(
    `UPDATE stock_levels SET rights = rights - ${quantityOf}
     WHERE store = ? AND account = ? AND sku IN (${marks(skus.length)}) AND rights >= ${quantityOf}`,
    [...quantities, store, account, ...skus, ...quantities],
  );
  return debited === lines.length;
}

async function rightsOf(
  reads: Statements,
  { store, account }: Pick<Movement, 'store' | 'account'>,
  skus: readonly string[],
  lock = '',
): Promise<Map<string, number>> {
  if (skus.length === 0) return new Map();
  const rows = await reads.all<{ sku: string; rights: number }>(
    `SELECT sku, rights FROM stock_levels WHERE store = ? AND account = ? AND sku IN (${marks(skus.length)})
     ORDER BY sku${lock}`,
    [store, account, ...skus],
  );
  return new Map(rows.map((row) => [row.sku, row.rights]));
}

function chunksOf(lines: readonly StockLine[]): StockLine[][] {
  const chunks: StockLine[][] = [];
  for (let start = 0; start < lines.length; start += ITEMS_PER_UPDATE_MAX) {
    chunks.push(lines.slice(start, start + ITEMS_PER_UPDATE_MAX));
  }
  return chunks;
}

export interface Sale {
  readonly store: string;
  readonly orderId: string;
  readonly lines: readonly StockLine[];
  readonly epoch: number;
  readonly incarnation: number;
  readonly now: number;
}

function saleMovement({ store, orderId, epoch, incarnation, now }: Omit<Sale, 'lines'>): Movement {
  return {
    ...{ store, movementId: `sale:${orderId}`, kind: 'sale', account: 'own', counterparty: null, transferId: null },
    ...{ cause: `order:${orderId}`, epoch, incarnation, now },
  };
}

/**
 * Figure 14, step 1406: debits what an order sells from the site's own rights. False when something is short; then the
 * caller rolls back, and asks `shortOf` what.
 */
export function debitSale(tx: Transaction, sale: Sale): Promise<boolean> {
  return debitAtOnce(tx, saleMovement(sale), sale.lines);
}

/** What of these lines is short of the site's own rights now. */
export async function shortOf(reads: Statements, store: string, lines: readonly StockLine[]): Promise<ShortLine[]> {
  const short: ShortLine[] = [];
  for (const chunk of chunksOf(sumBySku(lines))) {
    const skus = chunk.map(({ sku }) => sku);
    short.push(...shortLines(chunk, await availableUnits(reads, store, skus)));
  }
  return short;
}

/** Units of the site's own rights, by sku; a sku without any is absent. */
export function availableUnits(
  reads: Statements,
  store: string,
  skus: readonly string[],
): Promise<Map<string, number>> {
  return rightsOf(reads, { store, account: 'own' }, skus);
}

/**
 * Credits what comes back to the site that gave it away. Where data that a backup has replaced since did that (`givenIn`:
 * their incarnation), those may have had it back already, and given it to others: then it is withdrawn at once, as all
 * that such data had.
 */
export async function creditBack(
  tx: Transaction,
  movement: Movement,
  lines: readonly StockLine[],
  givenIn: number,
): Promise<void> {
  await credit(tx, movement, lines);
  if (!isForLostData(givenIn, movement.incarnation)) return;
  const withdrawal = { movementId: `adjustment:${movement.movementId}`, kind: 'adjustment' } as const;
  await debit(tx, { ...movement, ...withdrawal, counterparty: null, transferId: null }, lines);
}

/** Gives an order's units back, once. `soldIn`: the incarnation of the data that it was sold in. */
export async function returnSale(tx: Transaction, sale: Sale, soldIn: number): Promise<void> {
  const movementId = `return:${sale.orderId}`;
  if (await hasMovement(tx, sale.store, movementId)) return;
  await creditBack(tx, { ...saleMovement(sale), movementId, kind: 'return' }, sumBySku(sale.lines), soldIn);
}

export interface RefusedDemand {
  readonly store: string;
  readonly demandId: string;
  readonly cartId: string;
  readonly lines: readonly ShortLine[];
  readonly now: number;
}

/** Demand counts as it was offered, so what was refused is recorded too (design, section 11). */
export async function recordRefusedDemand(tx: Transaction, demand: RefusedDemand): Promise<void> {
  const { store, demandId, cartId, lines, now } = demand;
  await insertRows(
    tx,
    'refused_demand',
    ['store', 'demand_id', 'sku', 'cart_id', 'offered', 'available', 'recorded_at'],
    lines.map((line) => [store, demandId, line.sku, cartId, line.requested, line.available, now]),
  );
}

export interface Level {
  readonly sku: string;
  readonly own: number;
  readonly pool: number;
  /** Given to other sites, not yet confirmed by them. */
  readonly inFlight: number;
}

/** All units of the site's rights, by account. */
export async function sumRights(reads: Statements, store: string): Promise<Record<StockAccount, number>> {
  // Not grouped: SQLite would sort every item's row by its account first.
  const row = await reads.get<Partial<Record<StockAccount, number | null>>>(
    `SELECT SUM(CASE WHEN account = 'own' THEN rights END) AS own, SUM(CASE WHEN account = 'pool' THEN rights END) AS pool
     FROM stock_levels WHERE store = ?`,
    [store],
  );
  return { own: row?.own ?? 0, pool: row?.pool ?? 0 };
}

/** Levels after a sku, in order; all accounts of one item are one row. */
export async function listLevels(
  reads: Statements,
  store: string,
  filter: { readonly skus?: readonly string[]; readonly after: string; readonly limit: number },
): Promise<Level[]> {
  const { skus, after, limit } = filter;
  const values: SqlValue[] = [store, after, ...(skus ?? [])];
  const rows = await reads.all<{ sku: string; own: number; pool: number }>(
    `SELECT sku, SUM(CASE WHEN account = 'own' THEN rights ELSE 0 END) AS own,
       SUM(CASE WHEN account = 'pool' THEN rights ELSE 0 END) AS pool
     FROM stock_levels WHERE store = ? AND sku > ? ${skus ? `AND sku IN (${marks(skus.length)})` : ''}
     GROUP BY sku ORDER BY sku LIMIT ${limit}`,
    values,
  );
  if (rows.length === 0) return [];
  const moving = await reads.all<{ sku: string; quantity: number }>(
    `SELECT transfer_lines.sku AS sku, SUM(transfer_lines.quantity) AS quantity FROM transfers
     JOIN topology ON topology.store = transfers.store AND topology.own_site = transfers.giver
     JOIN transfer_lines ON transfer_lines.store = transfers.store AND transfer_lines.giver = transfers.giver
       AND transfer_lines.giver_incarnation = transfers.giver_incarnation
       AND transfer_lines.sequence = transfers.sequence
     WHERE transfers.store = ? AND transfers.state IN ('in-flight', 'in-doubt')
       AND transfer_lines.sku >= ? AND transfer_lines.sku <= ?
     GROUP BY transfer_lines.sku`,
    [store, rows[0]?.sku ?? '', rows.at(-1)?.sku ?? ''],
  );
  const inFlight = new Map(moving.map((row) => [row.sku, row.quantity]));
  return rows.map(({ sku, own, pool }) => ({ sku, own, pool, inFlight: inFlight.get(sku) ?? 0 }));
}
