/** The pool: the part of a parent's rights that it keeps to grant. */
import { isDeepStrictEqual } from 'node:util';
import { TellableError } from '../../domain/errors';
import { type StockAccount, type StockLine, sumBySku } from '../../domain/inventory';
import { type SqlValue, type Statements, type Transaction } from '../database';
import { forUpdate } from '../dialect';
import { marks } from '../catalog/items';
import { type Movement, credit, debit, hasMovement } from './ledger';

export interface Receipt {
  readonly store: string;
  /** The booking site: part of the movement's id. */
  readonly site: string;
  readonly receiptId: string;
  readonly lines: readonly StockLine[];
  readonly epoch: number;
  readonly incarnation: number;
  readonly now: number;
}

/** Longest id of a receipt, characters: the movement's id holds it and the site's name. */
export const RECEIPT_ID_LENGTH_MAX = 200;

/** A receipt of that id was booked with other lines. */
export class ReceiptConflictError extends Error {
  constructor(receiptId: string) {
    super(`receipt "${receiptId}" was booked before with other lines: book what is new under a new receipt id`);
  }
}

/** Books received units into the pool, once per receipt; false when it was booked before. */
export async function bookReceipt(tx: Transaction, receipt: Receipt): Promise<boolean> {
  const { store, site, receiptId, lines, epoch, incarnation, now } = receipt;
  const movementId = `receipt:${site}:${receiptId}`;
  if (await hasMovement(tx, store, movementId)) {
    const booked = await tx.all<StockLine>(
      'SELECT sku, quantity FROM stock_ledger WHERE store = ? AND movement_id = ?',
      [store, movementId],
    );
    if (!isDeepStrictEqual(sumBySku(booked), sumBySku(lines))) throw new ReceiptConflictError(receiptId);
    return false;
  }
  const movement: Movement = {
    ...{ store, movementId, kind: 'receipt', account: 'pool', counterparty: null, transferId: null },
    ...{ cause: `receipt:${receiptId}`, epoch, incarnation, now },
  };
  await credit(tx, movement, sumBySku(lines));
  return true;
}

/** What the pool holds, locked until the transaction ends; all items, or those asked for. */
export function lockPool(tx: Transaction, store: string, skus: readonly string[]): Promise<StockLine[]> {
  return lockRights(tx, store, 'pool', skus);
}

/** As lockPool, without a lock: it may have changed when it is told. */
export function poolLines(reads: Statements, store: string, skus: readonly string[]): Promise<StockLine[]> {
  return rightsNow(reads, store, 'pool', skus);
}

/** As lockPool, of either account. Who locks both locks the pool first. */
export function lockRights(
  tx: Transaction,
  store: string,
  account: StockAccount,
  skus: readonly string[],
): Promise<StockLine[]> {
  return rightsIn(tx, store, account, skus, forUpdate(tx.engine));
}

/** As lockRights, without a lock. */
export function rightsNow(
  reads: Statements,
  store: string,
  account: StockAccount,
  skus: readonly string[],
): Promise<StockLine[]> {
  return rightsIn(reads, store, account, skus, '');
}

async function rightsIn(
  reads: Statements,
  store: string,
  account: StockAccount,
  skus: readonly string[],
  lock: string,
): Promise<StockLine[]> {
  const rows: StockLine[] = [];
  for (const chunk of skus.length === 0 ? [[]] : chunksOf(skus)) {
    const values: SqlValue[] = [store, account, ...chunk];
    rows.push(
      ...(await reads.all<StockLine>(
        `SELECT sku, rights AS quantity FROM stock_levels WHERE store = ? AND account = ? AND rights > 0
         ${chunk.length > 0 ? `AND sku IN (${marks(chunk.length)})` : ''} ORDER BY sku${lock}`,
        values,
      )),
    );
  }
  return rows;
}

/** Skus of one statement. */
const SKUS_PER_STATEMENT_MAX = 500;

function chunksOf(skus: readonly string[]): string[][] {
  const chunks: string[][] = [];
  for (let start = 0; start < skus.length; start += SKUS_PER_STATEMENT_MAX) {
    chunks.push(skus.slice(start, start + SKUS_PER_STATEMENT_MAX));
  }
  return chunks;
}

/** What both accounts hold of the items; asked for without a lock, it may have changed when it is told. */
export async function levelsOf(
  reads: Statements,
  store: string,
  skus: readonly string[],
): Promise<Record<StockAccount, StockLine[]>> {
  const levels: Record<StockAccount, StockLine[]> = { own: [], pool: [] };
  for (const chunk of chunksOf(skus)) {
    const rows = await reads.all<StockLine & { account: StockAccount }>(
      `SELECT sku, account, rights AS quantity FROM stock_levels
       WHERE store = ? AND sku IN (${marks(chunk.length)}) AND rights > 0 ORDER BY sku`,
      [store, ...chunk],
    );
    for (const { sku, account, quantity } of rows) levels[account].push({ sku, quantity });
  }
  return levels;
}

/** What a site has given to each taker and does not know to be credited. */
export async function underWay(
  reads: Statements,
  store: string,
  giver: string,
): Promise<(StockLine & { readonly taker: string })[]> {
  return reads.all(
    `SELECT transfers.taker AS taker, l.sku AS sku, SUM(l.quantity) AS quantity FROM transfers
     JOIN transfer_lines l ON l.store = transfers.store AND l.giver = transfers.giver
       AND l.giver_incarnation = transfers.giver_incarnation AND l.sequence = transfers.sequence
     WHERE transfers.store = ? AND transfers.state IN ('in-flight', 'in-doubt') AND transfers.giver = ?
     GROUP BY transfers.taker, l.sku`,
    [store, giver],
  );
}

export interface OwnGrant {
  readonly store: string;
  /** What is granted under one request is granted once. */
  readonly request: string;
  readonly cause: string;
  readonly lines: readonly StockLine[];
  readonly epoch: number;
  readonly incarnation: number;
  readonly now: number;
}

/** The parent's share for its own sales: from the pool to its own account. */
export async function grantToSelf(tx: Transaction, grant: OwnGrant): Promise<void> {
  const { store, request, cause, lines, epoch, incarnation, now } = grant;
  if (lines.length === 0) return;
  const movement: Movement = {
    ...{ store, movementId: `grant:${request}`, kind: 'grant', account: 'pool', counterparty: null, transferId: null },
    ...{ cause, epoch, incarnation, now },
  };
  const [short] = await debit(tx, movement, lines);
  if (short)
    throw new TellableError(`the pool has ${short.available} of "${short.sku}": ${short.requested} were to be granted`);
  await credit(tx, { ...movement, account: 'own' }, sumBySku(lines));
}

/** The cause of everything that an allocation moves. */
export function allocationCause(request: string): string {
  return `allocation:${request}`;
}

/** What the request granted to the parent itself. */
export function linesGrantedToSelf(reads: Statements, store: string, request: string): Promise<StockLine[]> {
  return reads.all<StockLine>(
    `SELECT sku, quantity FROM stock_ledger WHERE store = ? AND movement_id = ? AND account = 'own' ORDER BY sku`,
    [store, `grant:${request}`],
  );
}

/** Units that the request granted to the parent itself. */
export async function unitsGrantedToSelf(tx: Transaction, store: string, request: string): Promise<number | null> {
  const row = await tx.get<{ units: number | null; found: number }>(
    `SELECT SUM(quantity) AS units, COUNT(*) AS found FROM stock_ledger
     WHERE store = ? AND movement_id = ? AND account = 'own'`,
    [store, `grant:${request}`],
  );
  return row && row.found > 0 ? (row.units ?? 0) : null;
}
