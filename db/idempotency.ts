/** Answers kept under an Idempotency-Key, per store, key and route (design, section 7). */
import { type Database, type Statements } from './database';
import { isDuplicateKey } from './errors';

/** How long an answer is kept, milliseconds: at least a day. */
export const IDEMPOTENCY_KEPT_MS = 25 * 60 * 60 * 1000;
/**
 * A request that has not answered for this long is taken to have died with its process or its database, milliseconds.
 * Short, for until then its buyer hears "in flight"; a slow one that is overtaken does no harm, for routes work by
 * business keys.
 */
export const IDEMPOTENCY_LEASE_MS = 10_000;

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type IdempotencyState =
  /** `since`, milliseconds UTC, tells this claim from one that overtakes it. */
  | { readonly state: 'mine'; readonly since: number }
  | { readonly state: 'in-flight' }
  | { readonly state: 'other-body' }
  | { readonly state: 'answered'; readonly answer: StoredAnswer };

export interface IdempotencyKey {
  readonly store: string;
  readonly key: string;
  readonly route: string;
  readonly bodyDigest: string;
}

interface Row {
  body_digest: string;
  state: string;
  status: number | null;
  headers: string | null;
  body: string | null;
  created_at: number;
}

const WHERE = 'store = ? AND idempotency_key = ? AND route = ?';

/** Takes the key for this request, or says why it can't. */
export async function claimIdempotencyKey(db: Database, key: IdempotencyKey, now: number): Promise<IdempotencyState> {
  const where = [key.store, key.key, key.route];
  const row = await readRow(db, where);
  if (!row) {
    try {
      await db.run(
        `INSERT INTO idempotency_keys (store, idempotency_key, route, body_digest, state, created_at)
         VALUES (?, ?, ?, ?, 'in-flight', ?)`,
        [...where, key.bodyDigest, now],
      );
      return { state: 'mine', since: now };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return { state: 'in-flight' };
    }
  }
  const expired = row.created_at < now - IDEMPOTENCY_KEPT_MS;
  if (row.body_digest !== key.bodyDigest && !expired) return { state: 'other-body' };
  if (row.state === 'answered' && row.status !== null && !expired) {
    const headers = JSON.parse(row.headers ?? '{}') as Record<string, string>;
    return { state: 'answered', answer: { status: row.status, headers, body: row.body ?? '' } };
  }
  if (!expired && row.created_at > now - IDEMPOTENCY_LEASE_MS) return { state: 'in-flight' };
  // The request that held the key died: its routes are safe to run again, for they work by business keys.
  const taken = await db.run(
    `UPDATE idempotency_keys SET state = 'in-flight', created_at = ?, body_digest = ? WHERE ${WHERE} AND created_at = ?`,
    [now, key.bodyDigest, ...where, row.created_at],
  );
  return taken === 1 ? { state: 'mine', since: now } : { state: 'in-flight' };
}

function readRow(reads: Statements, where: readonly string[]): Promise<Row | undefined> {
  return reads.get<Row>(
    `SELECT body_digest, state, status, headers, body, created_at FROM idempotency_keys WHERE ${WHERE}`,
    where,
  );
}

/** The claim's own; one that was overtaken changes nothing. */
export interface IdempotencyClaim extends IdempotencyKey {
  readonly since: number;
}

export async function storeIdempotentAnswer(
  db: Database,
  claim: IdempotencyClaim,
  answer: StoredAnswer,
): Promise<void> {
  await db.run(
    `UPDATE idempotency_keys SET state = 'answered', status = ?, headers = ?, body = ? WHERE ${WHERE} AND created_at = ?`,
    [
      ...[answer.status, JSON.stringify(answer.headers), answer.body],
      ...[claim.store, claim.key, claim.route, claim.since],
    ],
  );
}

/** Gives the key back: the request failed in a way that is worth another try. */
export async function releaseIdempotencyKey(db: Database, claim: IdempotencyClaim): Promise<void> {
  await db.run(`DELETE FROM idempotency_keys WHERE ${WHERE} AND state = 'in-flight' AND created_at = ?`, [
    ...[claim.store, claim.key, claim.route, claim.since],
  ]);
}

/** Removes answers that have been kept long enough; answers how many. */
export function sweepIdempotencyKeys(db: Database, now: number): Promise<number> {
  return db.run('DELETE FROM idempotency_keys WHERE created_at < ?', [now - IDEMPOTENCY_KEPT_MS]);
}
