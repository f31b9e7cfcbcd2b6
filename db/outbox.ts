/**
 * The outbox: work that a transaction leaves behind for the relay. A row leaves only by the transaction that books its
 * answer; a row that waits is never lost, only offered again (design, section 3).
 */
import { type Statements, type Transaction } from './database';
import { forUpdate } from './dialect';

/** `order`: an order on its way to the parent; `workflow`: a workflow that was asked for and is to be started. */
export type OutboxKind = 'order' | 'workflow';

export interface OutboxEntry {
  readonly store: string;
  /** UUIDv7: the outbox is worked off in the order of these. */
  readonly outboxId: string;
  /** The receiving site, or 'temporal'. */
  readonly destination: string;
  readonly kind: OutboxKind;
  /** The order's or the workflow's id. */
  readonly subject: string;
  readonly epoch: number;
  /** A `traceparent`: the request that asked for this. */
  readonly traceContext: string | null;
  /** Milliseconds UTC. */
  readonly createdAt: number;
}

export async function enqueue(tx: Transaction, entry: OutboxEntry): Promise<void> {
  await tx.run(
    `INSERT INTO outbox (store, outbox_id, destination, kind, subject, epoch, tries, trace_context, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`,
    [
      entry.store,
      entry.outboxId,
      entry.destination,
      entry.kind,
      entry.subject,
      entry.epoch,
      entry.traceContext,
      entry.createdAt,
    ],
  );
}

export interface WaitingEntry {
  readonly outboxId: string;
  readonly subject: string;
  readonly destination: string;
  readonly epoch: number;
  /** A `traceparent`. */
  readonly traceContext: string | null;
  readonly createdAt: number;
}

interface OutboxRow {
  outbox_id: string;
  subject: string;
  destination: string;
  epoch: number;
  trace_context: string | null;
  created_at: number;
}

function waitingEntry(row: OutboxRow): WaitingEntry {
  return {
    outboxId: row.outbox_id,
    subject: row.subject,
    destination: row.destination,
    epoch: row.epoch,
    traceContext: row.trace_context,
    createdAt: row.created_at,
  };
}

/** The oldest entries of a kind that are in no batch yet. */
export async function waitingEntries(
  statements: Statements,
  store: string,
  kind: OutboxKind,
  limit: number,
): Promise<WaitingEntry[]> {
  const rows = await statements.all<OutboxRow>(
    `SELECT outbox_id, subject, destination, epoch, trace_context, created_at FROM outbox
     WHERE store = ? AND kind = ? AND batch IS NULL ORDER BY outbox_id LIMIT ${limit}${forUpdate(statements.engine)}`,
    [store, kind],
  );
  return rows.map(waitingEntry);
}

/** Gives entries to a batch whose id is fixed from here on. */
export async function assignBatch(
  tx: Transaction,
  store: string,
  outboxIds: readonly string[],
  batch: string,
  batchedAt: number,
): Promise<void> {
  const marks = outboxIds.map(() => '?').join(', ');
  await tx.run(
    `UPDATE outbox SET batch = ?, batched_at = ?, tries = tries + 1 WHERE store = ? AND outbox_id IN (${marks})`,
    [batch, batchedAt, store, ...outboxIds],
  );
}

export interface OpenBatch {
  readonly batch: string;
  readonly batchedAt: number;
  readonly entries: number;
}

/** Batches of orders that have no answer yet, oldest first. */
export async function openBatches(reads: Statements, store: string): Promise<OpenBatch[]> {
  const rows = await reads.all<{ batch: string; batched_at: number; entries: number }>(
    `SELECT batch, MIN(batched_at) AS batched_at, COUNT(*) AS entries FROM outbox
     WHERE store = ? AND kind = 'order' AND batch IS NOT NULL GROUP BY batch ORDER BY batch`,
    [store],
  );
  return rows.map((row) => ({ batch: row.batch, batchedAt: row.batched_at, entries: row.entries }));
}

export async function entriesOfBatch(reads: Statements, store: string, batch: string): Promise<WaitingEntry[]> {
  const rows = await reads.all<OutboxRow>(
    `SELECT outbox_id, subject, destination, epoch, trace_context, created_at FROM outbox
     WHERE store = ? AND batch = ? ORDER BY outbox_id`,
    [store, batch],
  );
  return rows.map(waitingEntry);
}

/** Takes entries out, in the transaction that books their answers. */
export async function removeEntries(
  tx: Transaction,
  store: string,
  kind: OutboxKind,
  subjects: readonly string[],
): Promise<void> {
  if (subjects.length === 0) return;
  const marks = subjects.map(() => '?').join(', ');
  await tx.run(`DELETE FROM outbox WHERE store = ? AND kind = ? AND subject IN (${marks})`, [store, kind, ...subjects]);
}

/** Takes one entry out: its subject may have been asked for again meanwhile. */
export async function removeEntry(tx: Transaction, store: string, outboxId: string): Promise<void> {
  await tx.run('DELETE FROM outbox WHERE store = ? AND outbox_id = ?', [store, outboxId]);
}

/** Gives all but the first `keep` entries of a batch back, because together they are too large. */
export async function releaseFromBatch(
  tx: Transaction,
  store: string,
  batch: string,
  keep: number,
): Promise<WaitingEntry[]> {
  const released = (await entriesOfBatch(tx, store, batch)).slice(keep);
  if (released.length === 0) return [];
  await tx.run(
    `UPDATE outbox SET batch = NULL, batched_at = NULL
     WHERE store = ? AND outbox_id IN (${released.map(() => '?').join(', ')})`,
    [store, ...released.map(({ outboxId }) => outboxId)],
  );
  return released;
}

export interface Requester {
  readonly orderId: string;
  readonly workflowId: string;
}

/** The workflows that asked for orders of a batch. */
export async function requestersOfBatch(reads: Statements, store: string, batch: string): Promise<Requester[]> {
  const rows = await reads.all<{ order_id: string; requested_by: string }>(
    `SELECT orders.order_id, orders.requested_by FROM outbox
     JOIN orders ON orders.store = outbox.store AND orders.order_id = outbox.subject
     WHERE outbox.store = ? AND outbox.batch = ? AND orders.requested_by IS NOT NULL`,
    [store, batch],
  );
  return rows.map((row) => ({ orderId: row.order_id, workflowId: row.requested_by }));
}

export interface OutboxGroup {
  readonly kind: OutboxKind;
  /** Null: in no batch yet. */
  readonly batch: string | null;
  readonly entries: number;
  /** When the batch was made, or the oldest entry outside one; milliseconds UTC. */
  readonly since: number;
}

/** All entries, by kind and batch. One statement, so that an entry that changes its batch meanwhile counts once. */
export async function outboxGroups(reads: Statements, store: string): Promise<OutboxGroup[]> {
  return reads.all<OutboxGroup>(
    `SELECT kind, batch, COUNT(*) AS entries, MIN(COALESCE(batched_at, created_at)) AS since FROM outbox
     WHERE store = ? GROUP BY kind, batch ORDER BY kind, batch`,
    [store],
  );
}
