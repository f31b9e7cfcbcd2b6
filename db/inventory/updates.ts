/** Unsolicited changes of this site's stock, each applied once under a name that is kept for ever. */
import { TellableError } from '../../domain/errors';
import {
  type MovementKind,
  type StockAccount,
  type StockLine,
  type UpdateKind,
  type UpdateLine,
  type UpdateResult,
  changeOf,
  lessOf,
  partOf,
  unitsOf,
} from '../../domain/inventory';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent } from '../dialect';
import { type Movement, credit, debit } from './ledger';
import { lockRights } from './pool';

export interface StockUpdate {
  readonly store: string;
  readonly updateId: string;
  /** Whose stock it is. */
  readonly site: string;
  readonly kind: UpdateKind;
  readonly lines: readonly UpdateLine[];
  /** SHA-256 (hex) of what is asked. */
  readonly digest: string;
}

export interface StoredUpdate extends StockUpdate {
  /** null until it was applied. */
  readonly result: UpdateResult | null;
  readonly createdAt: number;
  readonly appliedAt: number | null;
}

/** An update of that name asked for something else. */
export class UpdateConflictError extends TellableError {
  constructor(updateId: string) {
    super(`update "${updateId}" was asked for before with other content: ask for what is new under a new id`);
  }
}

interface UpdateRow {
  update_id: string;
  site: string;
  kind: UpdateKind;
  line_list: string;
  digest: string;
  result: string | null;
  created_at: number;
  applied_at: number | null;
}

const COLUMNS = 'update_id, site, kind, line_list, digest, result, created_at, applied_at';

function updateOf(store: string, row: UpdateRow): StoredUpdate {
  return {
    ...{ store, updateId: row.update_id, site: row.site, kind: row.kind, digest: row.digest },
    lines: JSON.parse(row.line_list) as UpdateLine[],
    result: row.result === null ? null : (JSON.parse(row.result) as UpdateResult),
    ...{ createdAt: row.created_at, appliedAt: row.applied_at },
  };
}

/** Writes it down, if it is new here; throws UpdateConflictError for other content under its name. */
export async function noteUpdate(tx: Transaction, update: StockUpdate, now: number): Promise<StoredUpdate> {
  const { store, updateId, site, kind, lines, digest } = update;
  const rest = { site, kind, line_list: JSON.stringify(lines), digest, result: null, short_units: 0 };
  await insertIfAbsent(tx, 'stock_updates', { store, update_id: updateId }, { ...rest, created_at: now });
  const row = await tx.get<UpdateRow>(
    `SELECT ${COLUMNS} FROM stock_updates WHERE store = ? AND update_id = ?${forUpdate(tx.engine)}`,
    [store, updateId],
  );
  if (!row || row.digest !== digest) throw new UpdateConflictError(updateId);
  return updateOf(store, row);
}

/** What came of it, once. */
export async function recordUpdate(
  tx: Transaction,
  store: string,
  updateId: string,
  result: UpdateResult,
  now: number,
): Promise<void> {
  await tx.run(
    `UPDATE stock_updates SET result = ?, short_units = ?, applied_at = ?
     WHERE store = ? AND update_id = ? AND result IS NULL`,
    [JSON.stringify(result), unitsOf(result.short), now, store, updateId],
  );
}

const MOVEMENT_KINDS: Readonly<Record<Exclude<UpdateKind, 'recall'>, MovementKind>> = {
  receipt: 'receipt',
  return: 'return',
  shrinkage: 'adjustment',
  count: 'adjustment',
};

/** The accounts of a site from which units are taken, in this order. */
const TAKEN_FROM: readonly StockAccount[] = ['pool', 'own'];

export interface Applying {
  readonly epoch: number;
  readonly incarnation: number;
  /** Where units are added. */
  readonly account: StockAccount;
  readonly now: number;
}

/** Changes the site's rights by what the update says; what is not there to be taken is answered as short. */
export async function applyUpdate(
  tx: Transaction,
  { store, updateId, lines }: StockUpdate,
  kind: Exclude<UpdateKind, 'recall'>,
  { epoch, incarnation, account, now }: Applying,
): Promise<UpdateResult> {
  const movement: Omit<Movement, 'account'> = {
    ...{ store, movementId: `${MOVEMENT_KINDS[kind]}:update:${updateId}`, kind: MOVEMENT_KINDS[kind] },
    ...{ counterparty: null, transferId: null, cause: `update:${updateId}`, epoch, incarnation, now },
  };
  const { added, taken } = changeOf(kind, lines);
  if (added.length > 0) await credit(tx, { ...movement, account }, added);
  const from = await thereOf(tx, store, taken);
  for (const part of from) {
    const [short] = await debit(tx, { ...movement, account: part.account }, part.lines);
    if (short) throw new TellableError(`stock levels changed under lock: update ${updateId}`);
  }
  const found = from.flatMap((part) => part.lines);
  return { added, taken: found, short: lessOf(taken, found) };
}

/** Of the lines what there is, by account, locked until the transaction ends. */
export async function thereOf(
  tx: Transaction,
  store: string,
  lines: readonly StockLine[],
): Promise<{ readonly account: StockAccount; readonly lines: readonly StockLine[] }[]> {
  const parts: { account: StockAccount; lines: readonly StockLine[] }[] = [];
  let open = lines;
  for (const account of TAKEN_FROM) {
    if (open.length === 0) break;
    const skus = open.map(({ sku }) => sku);
    const found = partOf(open, await lockRights(tx, store, account, skus));
    if (found.length > 0) parts.push({ account, lines: found });
    open = lessOf(open, found);
  }
  return parts;
}

/** Newest first; with `short`, only those of which something could not be taken. */
export async function listUpdates(
  reads: Statements,
  store: string,
  filter: { readonly limit: number; readonly short: boolean; readonly after?: { createdAt: number; updateId: string } },
): Promise<StoredUpdate[]> {
  const { limit, short, after } = filter;
  const rows = await reads.all<UpdateRow>(
    `SELECT ${COLUMNS} FROM stock_updates WHERE store = ? ${short ? 'AND short_units > 0' : ''}
     ${after ? 'AND (created_at, update_id) < (?, ?)' : ''} ORDER BY created_at DESC, update_id DESC LIMIT ${limit}`,
    [store, ...(after ? [after.createdAt, after.updateId] : [])],
  );
  return rows.map((row) => updateOf(store, row));
}
