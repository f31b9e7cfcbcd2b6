/** What database errors mean, on both engines. */

/** COMMIT was sent and its answer never came: the transaction may or may not have happened. */
export class UnknownCommitError extends Error {
  constructor(cause: unknown) {
    super('the connection broke during COMMIT: whether the transaction happened is unknown', { cause });
  }
}

/** MariaDB: record changed since last read, lock wait time-out, deadlock. */
const RETRYABLE_ERRNO = new Set([1020, 1205, 1213]);
const BUSY = /^SQLITE_(BUSY|LOCKED)/;
const CONNECTION_LOST = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'ER_SERVER_SHUTDOWN',
]);

interface DriverError extends Error {
  code?: string;
  errno?: number;
  fatal?: boolean;
}

/** True when nothing was committed and the same transaction may succeed if it is run again. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof UnknownCommitError) return false;
  const { code, errno } = error as DriverError;
  if (errno !== undefined && RETRYABLE_ERRNO.has(errno)) return true;
  return code !== undefined && (BUSY.test(code) || CONNECTION_LOST.has(code));
}

export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, fatal } = error as DriverError;
  return fatal === true || (code !== undefined && CONNECTION_LOST.has(code));
}

export function isUnknownCommit(error: unknown): error is UnknownCommitError {
  return error instanceof UnknownCommitError;
}

/** True for a row that breaks a primary or unique key. */
export function isDuplicateKey(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as DriverError;
  return errno === 1062 || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'SQLITE_CONSTRAINT_UNIQUE';
}
