/**
 * Rights change only by movements in an append-only ledger, each with an id kept for ever (design, section 5). The
 * balance per account stands beside it in stock_levels and is what sales are guarded by.
 */
import { type MovementKind, type StockAccount, type StockLine } from '../../domain/inventory';
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

export interface ShortLine {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
}

/** Lines that one guarded UPDATE debits: on a database server a debit costs its round trips. */
const LINES_PER_UPDATE_MAX = 100;

/**
 * A movement out of an account by guarded UPDATEs (`rights >= quantity`), in sku order, so that no two debits lock
 * crosswise. Quantities are positive. Answers what is short; then the caller rolls back.
 */
export async function debit(tx: Transaction, movement: Movement, lines: readonly StockLine[]): Promise<ShortLine[]> {
  const short: ShortLine[] = [];
  const sums = sumBySku(lines);
  for (let start = 0; start < sums.length; start += LINES_PER_UPDATE_MAX) {
    const chunk = sums.slice(start, start + LINES_PER_UPDATE_MAX);
    const [only] = chunk;
    short.push(
      ...(chunk.length === 1 && only ? await debitOne(tx, movement, only) : await debitMany(tx, movement, chunk)),
    );
  }
  if (short.length > 0) return short;
  await writeMovement(
    tx,
    movement,
    sums.map(({ sku, quantity }) => ({ sku, quantity: -quantity })),
  );
  return [];
}

async function debitOne(tx: Transaction, movement: Movement, { sku, quantity }: StockLine): Promise<ShortLine[]> {
  const { store, account } = movement;
  const debited = await tx.run(
    'UPDATE stock_levels SET rights = rights - ? WHERE store = ? AND sku = ? AND account = ? AND rights >= ?',
    [quantity, store, sku, account, quantity],
  );
  return debited === 1 ? [] : [{ sku, requested: quantity, available: await rightsOf(tx, store, sku, account) }];
}

/** Looks first, under lock: after an UPDATE of many rows it could not be told which of them were short. */
async function debitMany(
  tx: Transaction,
  { store, account }: Movement,
  lines: readonly StockLine[],
): Promise<ShortLine[]> {
  const skus = lines.map(({ sku }) => sku);
  const rows = await tx.all<{ sku: string; rights: number }>(
    `SELECT sku, rights FROM stock_levels WHERE store = ? AND account = ? AND sku IN (${marks(skus.length)})
     ORDER BY sku${forUpdate(tx.engine)}`,
    [store, account, ...skus],
  );
  const rights = new Map(rows.map((row) => [row.sku, row.rights]));
  const short = lines
    .map(({ sku, quantity }) => ({ sku, requested: quantity, available: rights.get(sku) ?? 0 }))
    .filter(({ requested, available }) => available < requested);
  if (short.length > 0) return short;
  const quantityOf = `CASE sku ${lines.map(() => 'WHEN ? THEN ?').join(' ')} END`;
  const quantities = lines.flatMap(({ sku, quantity }) => [sku, quantity]);
  const debited = await tx.run(
    `UPDATE stock_levels SET rights = rights - ${quantityOf}
     WHERE store = ? AND account = ? AND sku IN (${marks(skus.length)}) AND rights >= ${quantityOf}`,
    [...quantities, store, account, ...skus, ...quantities],
  );
  if (debited !== lines.length) throw new Error(`${debited} of ${lines.length} locked stock levels could be debited`);
  return [];
}

async function rightsOf(reads: Statements, store: string, sku: string, account: StockAccount): Promise<number> {
  const row = await reads.get<{ rights: number }>(
    'SELECT rights FROM stock_levels WHERE store = ? AND sku = ? AND account = ?',
    [store, sku, account],
  );
  return row?.rights ?? 0;
}

/** One line per sku, in the engine's order of skus. */
export function sumBySku(lines: readonly StockLine[]): StockLine[] {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .sort((a, b) => (a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0));
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

/** Figure 14, step 1406: debits what an order sells from the site's own rights. */
export function debitSale(tx: Transaction, sale: Sale): Promise<ShortLine[]> {
  return debit(tx, saleMovement(sale), sale.lines);
}

/** Gives an order's units back, once. */
export async function returnSale(tx: Transaction, sale: Sale): Promise<void> {
  const movementId = `return:${sale.orderId}`;
  if (await hasMovement(tx, sale.store, movementId)) return;
  await credit(tx, { ...saleMovement(sale), movementId, kind: 'return' }, sumBySku(sale.lines));
}

/** Units of the site's own rights, by sku; a sku without any is absent. */
export async function availableUnits(
  reads: Statements,
  store: string,
  skus: readonly string[],
): Promise<Map<string, number>> {
  if (skus.length === 0) return new Map();
  const rows = await reads.all<{ sku: string; rights: number }>(
    `SELECT sku, rights FROM stock_levels WHERE store = ? AND account = 'own' AND sku IN (${marks(skus.length)})`,
    [store, ...skus],
  );
  return new Map(rows.map((row) => [row.sku, row.rights]));
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
  const rows = await reads.all<{ account: StockAccount; units: number }>(
    'SELECT account, SUM(rights) AS units FROM stock_levels WHERE store = ? GROUP BY account',
    [store],
  );
  const of = (account: StockAccount) => rows.find((row) => row.account === account)?.units ?? 0;
  return { own: of('own'), pool: of('pool') };
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
