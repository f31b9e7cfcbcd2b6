/** What database errors mean, on both engines. */
import { TellableError } from '../domain/errors';

/**
 * What the engine refused, as its code and the statement's text. The driver's own error stays in this folder: its
 * message quotes values of rows ("Duplicate entry 'Ann Buyer' …").
 */
export class DatabaseError extends TellableError {
  constructor(
    message: string,
    statement: string,
    readonly code: string,
    readonly errno: number | undefined,
    readonly fatal: boolean,
  ) {
    super(message, { facts: { statement } });
  }
}

/** To be thrown for what a driver threw; what no engine has said is passed on as it is. */
export function databaseError<E>(error: E, statement: string): E | DatabaseError {
  const { code, errno, fatal } = driverError(error);
  const { sqlMessage, message } = error as { sqlMessage?: unknown; message?: unknown };
  const said = typeof sqlMessage === 'string' ? sqlMessage : String(message);
  if (code === undefined || !(typeof sqlMessage === 'string' || SQLITE_CODE.test(code))) return error;
  const names = NAMES_OF_THE_SCHEMA.exec(said)
    ?.slice(1)
    .find((name) => name !== undefined);
  const which = errno === undefined ? code : `${code} (${errno})`;
  const what = `the database refused a statement with ${which}${names === undefined ? '' : `: ${names}`}`;
  return new DatabaseError(what, statement, code, errno, fatal ?? false);
}

const SQLITE_CODE = /^SQLITE_/;
/** What a message names of the schema, from the forms in which no value can stand at that place. */
const NAMES_OF_THE_SCHEMA = new RegExp(
  [
    /for key '([\w.]+)'$/,
    /^Data too long for column '(\w+)' at row \d+$/,
    /^Out of range value for column '(\w+)' at row \d+$/,
    /^Column '(\w+)' cannot be null$/,
    /^Table '([\w.-]+)' doesn't exist$/,
    /^(?:UNIQUE|NOT NULL|CHECK) constraint failed: ([\w., ]+)$/,
    /^no such table: ([\w.]+)$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** COMMIT was sent and its answer never came: the transaction may or may not have happened. */
export class UnknownCommitError extends TellableError {
  constructor(cause: unknown) {
    super('the connection broke during COMMIT: whether the transaction happened is unknown', { cause });
  }
}

/**
 * MariaDB: record changed since last read, lock wait time-out, deadlock; and, while another process of the site migrates:
 * a table's definition has changed, a statement must be prepared anew.
 */
const RETRYABLE_ERRNO = new Set([1020, 1205, 1213, 1412, 1615]);
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
/**
 * The server answers and lets nobody in: too many connections, no access, account locked (on MySQL, on MariaDB). By
 * number, for the driver knows MySQL's names only.
 */
const CONNECTION_REFUSED_ERRNO = new Set([1040, 1045, 3118, 4151]);

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
  const { code, errno, fatal } = driverError(error);
  if (errno !== undefined && CONNECTION_REFUSED_ERRNO.has(errno)) return true;
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

/** MariaDB: error writing file, disk full, table is full, and the storage engine's own word for it (ENOSPC is 28). */
const DISK_FULL_ERRNO = new Set([1021, 1026, 1114]);
const ENGINE_ERRNO = 1030;
const ENGINE_DISK_FULL = /error 28\b/;
/** SQLite: full, or a file (the log, its index, the database) that could not be extended. */
const DISK_FULL_CODE = /^(SQLITE_FULL|SQLITE_IOERR_(WRITE|SHMSIZE|TRUNCATE|FSYNC)|ENOSPC|EDQUOT|EFBIG)$/;

/** True when there was no room to write; nothing was changed, and the same works once there is room. */
export function isDiskFull(error: unknown): boolean {
  const { code, errno } = driverError(error);
  if (errno !== undefined && DISK_FULL_ERRNO.has(errno)) return true;
  if (errno === ENGINE_ERRNO) return ENGINE_DISK_FULL.test(String(error));
  return code !== undefined && DISK_FULL_CODE.test(code);
}

/** MariaDB: a value that is null, out of range, no text, too long, or fails a check; a key that is taken. */
const ROW_REFUSED_ERRNO = new Set([1048, 1062, 1264, 1366, 1406, 3819, 4025]);
const ROW_REFUSED_CODE = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH)/;

/**
 * True when the engine refused for a reason of its own (no right, no table, no room, too many statements), not for what
 * a row holds: the same rows are taken once that is put right.
 */
export function isEngineFault(error: unknown): boolean {
  const { code, errno } = driverError(error);
  if (errno !== undefined) return !ROW_REFUSED_ERRNO.has(errno);
  return code !== undefined && SQLITE_CODE.test(code) && !ROW_REFUSED_CODE.test(code);
}
