/** Rights on their way between sites: the giver debits first, the taker credits once (design, sections 2 and 5). */
import { isDeepStrictEqual } from 'node:util';
import { TellableError } from '../../domain/errors';
import {
  type StockAccount,
  type StockLine,
  type TransferId,
  type TransferState,
  borrowingCause,
  formatTransferId,
  isForLostData,
  replenishmentCause,
  sumBySku,
} from '../../domain/inventory';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent, insertRows } from '../dialect';
import { isDuplicateKey } from '../errors';
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
  /** For which data of the taker it was given; null where an older release gave it. */
  readonly takerIncarnation: number | null;
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
  taker_incarnation: number | null;
}

const COLUMNS =
  'giver, giver_incarnation, sequence, taker, state, cause, payload_id, epoch, created_at, settled_at, taker_incarnation';
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
    takerIncarnation: row.taker_incarnation,
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
  /** Of the booking site's data: the giver's own where it gives, the taker's own where it takes. */
  readonly incarnation: number;
  /** For which data of the taker it is given; null where an older release gave it. */
  readonly takerIncarnation: number | null;
  readonly lines: readonly StockLine[];
  readonly now: number;
}

function movementOf(transfer: NewTransfer, account: StockAccount, kind: 'transfer-out' | 'transfer-in'): Movement {
  const { store, id, taker, cause, epoch, incarnation, now } = transfer;
  const name = formatTransferId(id);
  return {
    ...{ store, movementId: `transfer:${name}`, kind, account, transferId: name, cause, epoch, incarnation, now },
    counterparty: kind === 'transfer-out' ? taker : id.giver,
  };
}

/** The giver's side: rights leave the account and are in flight from here on. Throws when there are too few. */
export async function giveTransfer(tx: Transaction, transfer: NewTransfer, account: StockAccount): Promise<void> {
  const short = await debit(tx, movementOf(transfer, account, 'transfer-out'), transfer.lines);
  const [first] = short;
  if (first) {
    const { sku, requested, available } = first;
    throw new TellableError(
      `transfer ${formatTransferId(transfer.id)}: ${requested} of "${sku}" asked, ${available} there`,
    );
  }
  await writeTransfer(tx, transfer, 'in-flight', null);
}

/**
 * The taker's side, once per transfer: false when it was credited before. Throws TransferRefusedError for one that was
 * given up, or that comes again with other lines.
 */
export async function takeTransfer(tx: Transaction, transfer: NewTransfer, account: StockAccount): Promise<boolean> {
  const { store, id } = transfer;
  const lost = isForLostData(transfer.takerIncarnation, transfer.incarnation);
  const known = lost
    ? await findTransfer(tx, store, id, forUpdate(tx.engine))
    : await writeUnlessKnown(tx, transfer, 'credited');
  if (known?.state === 'tombstone') {
    throw new TransferRefusedError(id, 'was given up: its taker has a tombstone for it');
  }
  if (known?.state === 'stranded' || (!known && lost)) {
    throw new TransferRefusedError(id, 'was given to data of this site that were lost: it may be credited there');
  }
  if (known) {
    const before = sumBySku(await linesOfTransfer(tx, store, id));
    if (isDeepStrictEqual(before, sumBySku(transfer.lines))) return false;
    throw new TransferRefusedError(id, 'was credited before with other lines: give what is new under a new transfer');
  }
  await credit(tx, movementOf(transfer, account, 'transfer-in'), transfer.lines);
  return true;
}

/**
 * The taker's word on a transfer, settled at once; the word that was there before, when there was one. Whoever is second
 * to write it waits here for the first.
 */
export async function writeUnlessKnown(
  tx: Transaction,
  transfer: NewTransfer,
  state: 'credited' | 'tombstone' | 'stranded',
): Promise<Transfer | undefined> {
  const { store, id, now } = transfer;
  const find = () => findTransfer(tx, store, id, forUpdate(tx.engine));
  const known = await find();
  if (known) return known;
  try {
    await writeTransfer(tx, transfer, state, now);
    return undefined;
  } catch (error) {
    const written = isDuplicateKey(error) ? await find() : undefined;
    if (!written) throw error;
    return written;
  }
}

/**
 * A transfer that was given to data of this site that were lost (a backup is in their place) may be credited in them,
 * and sold: these never credit it. True when it is stranded here.
 */
export async function strandIfForLostData(tx: Transaction, transfer: NewTransfer): Promise<boolean> {
  if (!isForLostData(transfer.takerIncarnation, transfer.incarnation)) {
    return (await findTransfer(tx, transfer.store, transfer.id, forUpdate(tx.engine)))?.state === 'stranded';
  }
  const known = await writeUnlessKnown(tx, transfer, 'stranded');
  return !known || known.state === 'stranded';
}

/** The taker will never credit this. */
export class TransferRefusedError extends TellableError {
  constructor(
    readonly transfer: TransferId,
    reason: string,
  ) {
    super(`transfer ${formatTransferId(transfer)} ${reason}`);
  }
}

async function writeTransfer(
  tx: Transaction,
  transfer: NewTransfer,
  state: TransferState,
  settledAt: number | null,
): Promise<void> {
  const { store, id, taker, takerIncarnation, cause, payloadId, epoch, lines, now } = transfer;
  const key = keyOf(store, id);
  await tx.run(`INSERT INTO transfers (store, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    ...key,
    taker,
    state,
    cause,
    payloadId,
    epoch,
    now,
    settledAt,
    takerIncarnation,
  ]);
  await insertRows(
    tx,
    'transfer_lines',
    ['store', 'giver', 'giver_incarnation', 'sequence', 'sku', 'quantity'],
    lines.map(({ sku, quantity }) => [...key, sku, quantity]),
  );
}

/** Whether anything ever came to this site from another. */
export async function wasGranted(reads: Statements, store: string): Promise<boolean> {
  const row = await reads.get(`SELECT 1 AS found FROM stock_ledger WHERE store = ? AND kind = 'transfer-in' LIMIT 1`, [
    store,
  ]);
  return row !== undefined;
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

/** The giver hears that the taker has credited, or never will. */
export function settleTransfer(
  tx: Transaction,
  store: string,
  id: TransferId,
  now: number,
  outcome: 'credited' | 'stranded' = 'credited',
): Promise<void> {
  return markTransfer(tx, store, id, outcome, now);
}

/** What became of a transfer that was on its way; one that is settled stays as it is. */
export async function markTransfer(
  tx: Transaction,
  store: string,
  id: TransferId,
  state: 'credited' | 'stranded' | 'void' | 'in-doubt',
  now: number,
): Promise<void> {
  await tx.run(`UPDATE transfers SET state = ?, settled_at = ? WHERE ${KEY} AND state IN ('in-flight', 'in-doubt')`, [
    state,
    state === 'in-doubt' ? null : now,
    ...keyOf(store, id),
  ]);
}

export async function transfersOfCause(reads: Statements, store: string, cause: string): Promise<Transfer[]> {
  const rows = await reads.all<TransferRow>(
    `SELECT ${COLUMNS} FROM transfers WHERE store = ? AND cause = ? ORDER BY giver, giver_incarnation, sequence`,
    [store, cause],
  );
  return rows.map(transferOf);
}

/** What the site has given when it was asked to, and nobody has confirmed, given before then, oldest first. */
export async function oldestLent(
  reads: Statements,
  store: string,
  giver: string,
  before: number,
  limit: number,
): Promise<Transfer[]> {
  const rows = await reads.all<TransferRow>(
    `SELECT ${COLUMNS} FROM transfers
     WHERE store = ? AND state IN ('in-flight', 'in-doubt') AND giver = ?
       AND (cause LIKE '${borrowingCause('%')}' OR cause LIKE '${replenishmentCause('%')}') AND created_at < ? ORDER BY created_at LIMIT ${limit}`,
    [store, giver, before],
  );
  return rows.map(transferOf);
}

export interface TransferSum extends Transfer {
  readonly lines: number;
  readonly units: number;
}

/** Where a page of transfers ended. */
export interface TransferCursor extends TransferId {
  /** Milliseconds UTC. */
  readonly createdAt: number;
}

/** Newest first, beyond `after`, in any of the states. */
export async function listTransfers(
  reads: Statements,
  store: string,
  filter: { readonly states: readonly TransferState[]; readonly limit: number; readonly after?: TransferCursor },
): Promise<TransferSum[]> {
  const { states, limit, after } = filter;
  const beyond = after ? 'AND (created_at, giver, giver_incarnation, sequence) < (?, ?, ?, ?)' : '';
  const rows = await reads.all<TransferRow>(
    `SELECT ${COLUMNS} FROM transfers WHERE store = ? AND state IN (${marks(states.length)}) ${beyond}
     ORDER BY created_at DESC, giver DESC, giver_incarnation DESC, sequence DESC LIMIT ${limit}`,
    [store, ...states, ...(after ? [after.createdAt, after.giver, after.incarnation, after.sequence] : [])],
  );
  const transfers: TransferSum[] = [];
  for (const transfer of rows.map(transferOf)) {
    transfers.push({ ...transfer, ...(await sumOfTransfer(reads, store, transfer.id)) });
  }
  return transfers;
}

export interface OpenTransfers {
  readonly count: number;
  readonly units: number;
  /** Milliseconds UTC; null for none. */
  readonly oldest: number | null;
}

/** What a site has given, and does not know to be credited, before a time and since it. */
export async function countOpenTransfers(
  reads: Statements,
  store: string,
  giver: string,
  since: number,
): Promise<{ before: OpenTransfers; since: OpenTransfers }> {
  const rows = await reads.all<{ recent: number; transfers: number; units: number; oldest: number }>(
    `SELECT recent, COUNT(*) AS transfers, SUM(units) AS units, MIN(created_at) AS oldest FROM (
       SELECT CASE WHEN created_at < ? THEN 0 ELSE 1 END AS recent, created_at,
         (SELECT COALESCE(SUM(quantity), 0) FROM transfer_lines l WHERE l.store = t.store AND l.giver = t.giver
            AND l.giver_incarnation = t.giver_incarnation AND l.sequence = t.sequence) AS units
       FROM transfers t WHERE t.store = ? AND t.giver = ? AND t.state IN ('in-flight', 'in-doubt')
     ) given GROUP BY recent`,
    [since, store, giver],
  );
  const of = (recent: number): OpenTransfers => {
    const row = rows.find((candidate) => candidate.recent === recent);
    return { count: row?.transfers ?? 0, units: row?.units ?? 0, oldest: row?.oldest ?? null };
  };
  return { before: of(0), since: of(1) };
}

/** How many lines and units a transfer has. */
export async function sumOfTransfer(
  reads: Statements,
  store: string,
  id: TransferId,
): Promise<{ lines: number; units: number }> {
  const row = await reads.get<{ line_count: number; units: number }>(
    `SELECT COUNT(*) AS line_count, COALESCE(SUM(quantity), 0) AS units FROM transfer_lines WHERE ${KEY}`,
    keyOf(store, id),
  );
  return { lines: row?.line_count ?? 0, units: row?.units ?? 0 };
}
