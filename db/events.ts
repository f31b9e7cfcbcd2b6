/** The append-only event table: a sequence per subject feeds timelines and, later, webhooks. */
import { type Statements, type Transaction } from './database';
import { insertRows } from './dialect';

export interface StoredEvent {
  readonly sequence: number;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds UTC. */
  readonly occurredAt: number;
}

/** The subject of an order's events. */
export function orderSubject(orderId: string): string {
  return `order:${orderId}`;
}

/** Appends an event; the caller's transaction holds the subject's row, so that sequences have no rival. */
export async function appendEvent(
  tx: Transaction,
  store: string,
  subject: string,
  kind: string,
  data: Readonly<Record<string, unknown>>,
  occurredAt: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO events (store, subject, sequence, kind, data, occurred_at)
     SELECT ?, ?, COALESCE(MAX(sequence), 0) + 1, ?, ?, ? FROM events WHERE store = ? AND subject = ?`,
    [store, subject, kind, JSON.stringify(data), occurredAt, store, subject],
  );
}

export interface NewEvent {
  readonly subject: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Appends one event to each of many subjects. */
export async function appendEvents(
  tx: Transaction,
  store: string,
  events: readonly NewEvent[],
  occurredAt: number,
): Promise<void> {
  if (events.length === 0) return;
  const subjects = events.map(({ subject }) => subject);
  const rows = await tx.all<{ subject: string; sequence: number }>(
    `SELECT subject, MAX(sequence) AS sequence FROM events
     WHERE store = ? AND subject IN (${subjects.map(() => '?').join(', ')}) GROUP BY subject`,
    [store, ...subjects],
  );
  const last = new Map(rows.map((row) => [row.subject, row.sequence]));
  await insertRows(
    tx,
    'events',
    ['store', 'subject', 'sequence', 'kind', 'data', 'occurred_at'],
    events.map(({ subject, kind, data }) => [
      ...[store, subject, (last.get(subject) ?? 0) + 1, kind, JSON.stringify(data), occurredAt],
    ]),
  );
}

export async function listEvents(reads: Statements, store: string, subject: string): Promise<StoredEvent[]> {
  const rows = await reads.all<{ sequence: number; kind: string; data: string; occurred_at: number }>(
    'SELECT sequence, kind, data, occurred_at FROM events WHERE store = ? AND subject = ? ORDER BY sequence',
    [store, subject],
  );
  return rows.map((row) => ({
    sequence: row.sequence,
    kind: row.kind,
    data: JSON.parse(row.data) as Record<string, unknown>,
    occurredAt: row.occurred_at,
  }));
}
