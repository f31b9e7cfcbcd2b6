/** What database errors mean, on both engines. */

/** COMMIT was sent and its answer never came: the transaction may or may not have happened. */
export class UnknownCommitError extends Error {
  constructor(cause: unknown) {
    super('the connection broke during COMMIT: whether the transaction happened is unknown', { cause });
  }
}

/** MariaDB: record changed since last read, lock wait time-out, deadlock. */
const RETRYABLE_ERRNO = new Set([1020, 1205, 1213]);
/** MariaDB: to a database, by password, by plugin. */
const ACCESS_DENIED_ERRNO = new Set([1044, 1045, 1698]);
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

interface DriverError {
  code?: string;
  errno?: number;
  fatal?: boolean;
}

/** Told by its shape: a driver's error may be of another realm's Error. */
function driverError(error: unknown): DriverError {
  if (typeof error !== 'object' || error === null || error instanceof UnknownCommitError) return {};
  const { code, errno, fatal } = error as Record<string, unknown>;
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
    ...(typeof fatal === 'boolean' ? { fatal } : {}),
  };
}

/** True when nothing was committed and the same transaction may succeed if it is run again. */
export function isRetryable(error: unknown): boolean {
  const { code, errno } = driverError(error);
  if (errno !== undefined && RETRYABLE_ERRNO.has(errno)) return true;
  return code !== undefined && (BUSY.test(code) || CONNECTION_LOST.has(code));
}

export function isConnectionLost(error: unknown): boolean {
  const { code, fatal } = driverError(error);
  return fatal === true || (code !== undefined && CONNECTION_LOST.has(code));
}

export function isUnknownCommit(error: unknown): error is UnknownCommitError {
  return error instanceof UnknownCommitError;
}

/** Why a database server lets nobody in: who asks may not, or there is no such database; null for other errors. */
export function refusalOf(error: unknown): 'access-denied' | 'no-such-database' | null {
  const { errno } = driverError(error);
  if (errno === 1049) return 'no-such-database';
  return errno !== undefined && ACCESS_DENIED_ERRNO.has(errno) ? 'access-denied' : null;
}

/** True for a row that breaks a primary or unique key. */
export function isDuplicateKey(error: unknown): boolean {
  const { code, errno } = driverError(error);
  return errno === 1062 || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'SQLITE_CONSTRAINT_UNIQUE';
}
