/**
 * The one way to a site's database. Every statement goes through `Statements`, where it can be counted, crashed by
 * the simulation, and moved from one engine to the other; SQL itself stands only in this folder.
 */
import { isConnectionLost, isRetryable, isUnknownCommit } from './errors';

export type Engine = 'sqlite' | 'mariadb';
export type SqlValue = string | number | null | Buffer;
export type SqlParameters = readonly SqlValue[];

export interface Statements {
  readonly engine: Engine;
  all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]>;
  get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined>;
  /** Runs a change and answers how many rows matched it (not: how many ended up different). */
  run(sql: string, parameters?: SqlParameters): Promise<number>;
}

/** A transaction under way. */
export interface Transaction extends Statements {
  /** Runs `effect` once the COMMIT is certain; never for a transaction that was rolled back or tried again. */
  afterCommit(effect: () => void): void;
}

export interface TransactionOptions<T> {
  /**
   * Asked after a COMMIT whose outcome is unknown (the connection broke): finds by business key whether it happened.
   * Answers the transaction's result when it did, undefined when it did not (the transaction is then run again).
   */
  readonly resolveUnknownCommit?: () => Promise<T | undefined>;
}

export interface Database extends Statements {
  /**
   * Runs `body` in one writing transaction (SQLite: BEGIN IMMEDIATE; MariaDB: READ COMMITTED) and commits it. The
   * whole of it is run again after a deadlock, a lock time-out or a busy database, so `body` may have no effect
   * outside the database other than through `afterCommit`.
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions<T>): Promise<T>;
  /** Runs reads that see one state of the database. */
  snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Times that a whole transaction is tried before its last error is passed on. */
export const TRANSACTION_ATTEMPTS_MAX = 12;
/** Wait before the second attempt, milliseconds; doubles up to the longest. */
const RETRY_WAIT_FIRST_MS = 5;
const RETRY_WAIT_LONGEST_MS = 500;

/** Why a whole transaction was run again: rows or a lock were taken, the connection broke, or it broke at COMMIT. */
export type RetryCause = 'contention' | 'connection' | 'unknown-commit';
/** How often so far, since the database was opened. */
export type Retries = Record<RetryCause, number>;

export function noRetries(): Retries {
  return { contention: 0, connection: 0, 'unknown-commit': 0 };
}

/** One attempt at a transaction, as an engine does it; `committed` is false until COMMIT was sent. */
export type Attempt<T> = (body: (tx: Transaction) => Promise<T>) => Promise<{ result: T; effects: (() => void)[] }>;

/** The one function that runs transactions and tries whole ones again (design, section 7). */
export async function runTransaction<T>(
  attempt: Attempt<T>,
  body: (tx: Transaction) => Promise<T>,
  options: TransactionOptions<T> = {},
  retries: Retries = noRetries(),
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      const { result, effects } = await attempt(body);
      for (const effect of effects) effect();
      return result;
    } catch (error) {
      if (isUnknownCommit(error) && options.resolveUnknownCommit) {
        const found = await resolvePatiently(options.resolveUnknownCommit);
        if (found !== undefined) return found;
      } else if (!isRetryable(error)) throw error;
      if (tried >= TRANSACTION_ATTEMPTS_MAX) throw error;
      retries[causeOf(error)]++;
      await pause(tried);
    }
  }
}

function causeOf(error: unknown): RetryCause {
  if (isUnknownCommit(error)) return 'unknown-commit';
  return isConnectionLost(error) ? 'connection' : 'contention';
}

/** The look-up by business key itself may meet a database that is still away. */
async function resolvePatiently<T>(resolve: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      return await resolve();
    } catch (error) {
      if (!isRetryable(error) || tried >= TRANSACTION_ATTEMPTS_MAX) throw error;
      await pause(tried);
    }
  }
}

function pause(tried: number): Promise<void> {
  const wait = Math.min(RETRY_WAIT_FIRST_MS * 2 ** (tried - 1), RETRY_WAIT_LONGEST_MS);
  return new Promise((resolve) => setTimeout(resolve, wait));
}
