/** Rights on their way between sites: the giver debits first, the taker credits once (design, sections 2 and 5). */
import {
  type StockAccount,
  type StockLine,
  type TransferId,
  type TransferState,
  formatTransferId,
} from '../../domain/inventory';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent, insertRows } from '../dialect';
import { marks } from '../catalog/items';
import { type Movement, credit, debit } from './ledger';

export interface Transfer {
  readonly id: TransferId;
  readonly taker: string;
  readonly state: TransferState;
  readonly cause: string;
  readonly payloadId: string;
  readonly epoch: number;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly settledAt: number | null;
}

interface TransferRow {
  giver: string;
  giver_incarnation: number;
  sequence: number;
  taker: string;
  state: TransferState;
  cause: string;
  payload_id: string;
  epoch: number;
  created_at: number;
  settled_at: number | null;
}

const COLUMNS = 'giver, giver_incarnation, sequence, taker, state, cause, payload_id, epoch, created_at, settled_at';
const KEY = 'store = ? AND giver = ? AND giver_incarnation = ? AND sequence = ?';

function transferOf(row: TransferRow): Transfer {
  return {
    id: { giver: row.giver, incarnation: row.giver_incarnation, sequence: row.sequence },
    taker: row.taker,
    state: row.state,
    cause: row.cause,
    payloadId: row.payload_id,
    epoch: row.epoch,
    createdAt: row.created_at,
    settledAt: row.settled_at,
  };
}

function keyOf(store: string, { giver, incarnation, sequence }: TransferId): [string, string, number, number] {
  return [store, giver, incarnation, sequence];
}

/** The next running numbers of this incarnation: the first of `count`. */
export async function takeSequences(
  tx: Transaction,
  store: string,
  incarnation: number,
  count: number,
): Promise<number> {
  await insertIfAbsent(tx, 'transfer_sequences', { store, incarnation }, { last_sequence: 0 });
  await tx.run('UPDATE transfer_sequences SET last_sequence = last_sequence + ? WHERE store = ? AND incarnation = ?', [
    ...[count, store, incarnation],
  ]);
  const row = await tx.get<{ last_sequence: number }>(
    'SELECT last_sequence FROM transfer_sequences WHERE store = ? AND incarnation = ?',
    [store, incarnation],
  );
  return (row?.last_sequence ?? count) - count + 1;
}

export interface NewTransfer {
  readonly store: string;
  readonly id: TransferId;
  readonly taker: string;
  readonly cause: string;
  readonly payloadId: string;
  readonly epoch: number;
  readonly lines: readonly StockLine[];
  readonly now: number;
}

function movementOf(transfer: NewTransfer, account: StockAccount, kind: 'transfer-out' | 'transfer-in'): Movement {
  const { store, id, taker, cause, epoch, now } = transfer;
  const name = formatTransferId(id);
  return {
    ...{ store, movementId: `transfer:${name}`, kind, account, transferId: name, cause, epoch, now },
    counterparty: kind === 'transfer-out' ? taker : id.giver,
    incarnation: id.incarnation,
  };
}

/** The giver's side: rights leave the account and are in flight from here on. Throws when there are too few. */
export async function giveTransfer(tx: Transaction, transfer: NewTransfer, account: StockAccount): Promise<void> {
  const short = await debit(tx, movementOf(transfer, account, 'transfer-out'), transfer.lines);
  const [first] = short;
  if (first) {
    const { sku, requested, available } = first;
    throw new Error(`transfer ${formatTransferId(transfer.id)}: ${requested} of "${sku}" asked, ${available} there`);
  }
  await writeTransfer(tx, transfer, 'in-flight', null);
}

/** The taker's side, once per transfer: false when it was credited before; throws for one that was given up. */
export async function takeTransfer(tx: Transaction, transfer: NewTransfer, account: StockAccount): Promise<boolean> {
  const known = await findTransfer(tx, transfer.store, transfer.id, forUpdate(tx.engine));
  if (known?.state === 'tombstone') throw new TransferRefusedError(transfer.id);
  if (known) return false;
  await credit(tx, movementOf(transfer, account, 'transfer-in'), transfer.lines);
  await writeTransfer(tx, transfer, 'credited', transfer.now);
  return true;
}

/** The taker has written a tombstone for the transfer: it will never credit it. */
export class TransferRefusedError extends Error {
  constructor(readonly transfer: TransferId) {
    super(`transfer ${formatTransferId(transfer)} was given up: its taker has a tombstone for it`);
  }
}

async function writeTransfer(
  tx: Transaction,
  transfer: NewTransfer,
  state: TransferState,
  settledAt: number | null,
): Promise<void> {
  const { store, id, taker, cause, payloadId, epoch, lines, now } = transfer;
  const key = keyOf(store, id);
  await tx.run(`INSERT INTO transfers (store, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    ...key,
    taker,
    state,
    cause,
    payloadId,
    epoch,
    now,
    settledAt,
  ]);
  await insertRows(
    tx,
    'transfer_lines',
    ['store', 'giver', 'giver_incarnation', 'sequence', 'sku', 'quantity'],
    lines.map(({ sku, quantity }) => [...key, sku, quantity]),
  );
}

export async function findTransfer(
  reads: Statements,
  store: string,
  id: TransferId,
  lock = '',
): Promise<Transfer | undefined> {
  const row = await reads.get<TransferRow>(`SELECT ${COLUMNS} FROM transfers WHERE ${KEY}${lock}`, keyOf(store, id));
  return row && transferOf(row);
}

export async function linesOfTransfer(reads: Statements, store: string, id: TransferId): Promise<StockLine[]> {
  return reads.all<StockLine>(`SELECT sku, quantity FROM transfer_lines WHERE ${KEY} ORDER BY sku`, keyOf(store, id));
}

/** The giver hears that the taker has credited. */
export async function settleTransfer(tx: Transaction, store: string, id: TransferId, now: number): Promise<void> {
  await tx.run(
    `UPDATE transfers SET state = 'credited', settled_at = ? WHERE ${KEY} AND state IN ('in-flight', 'in-doubt')`,
    [now, ...keyOf(store, id)],
  );
}

export async function transfersOfCause(reads: Statements, store: string, cause: string): Promise<Transfer[]> {
  const rows = await reads.all<TransferRow>(
    `SELECT ${COLUMNS} FROM transfers WHERE store = ? AND cause = ? ORDER BY giver, giver_incarnation, sequence`,
    [store, cause],
  );
  return rows.map(transferOf);
}

export interface TransferSum extends Transfer {
  readonly lines: number;
  readonly units: number;
}

/** Newest first, below `before` (creation time), in any of the states. */
export async function listTransfers(
  reads: Statements,
  store: string,
  filter: { readonly states: readonly TransferState[]; readonly limit: number; readonly offset: number },
): Promise<TransferSum[]> {
  const rows = await reads.all<TransferRow & { line_count: number; units: number }>(
    `SELECT ${COLUMNS.split(', ')
      .map((column) => `transfers.${column}`)
      .join(', ')}, COUNT(transfer_lines.sku) AS line_count, COALESCE(SUM(transfer_lines.quantity), 0) AS units
     FROM transfers LEFT JOIN transfer_lines ON transfer_lines.store = transfers.store
       AND transfer_lines.giver = transfers.giver AND transfer_lines.giver_incarnation = transfers.giver_incarnation
       AND transfer_lines.sequence = transfers.sequence
     WHERE transfers.store = ? AND transfers.state IN (${marks(filter.states.length)})
     GROUP BY ${COLUMNS.split(', ')
       .map((column) => `transfers.${column}`)
       .join(', ')}
     ORDER BY transfers.created_at DESC, transfers.giver, transfers.giver_incarnation, transfers.sequence DESC
     LIMIT ${filter.limit} OFFSET ${filter.offset}`,
    [store, ...filter.states],
  );
  return rows.map((row) => ({ ...transferOf(row), lines: row.line_count, units: row.units }));
}
