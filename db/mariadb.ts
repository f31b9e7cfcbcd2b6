/** MariaDB and MySQL through mysql2's prepared statements and a pool. */
import mysql, {
  type Pool,
  type PoolConnection,
  type QueryResult,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2';
import { createConnection } from 'mysql2/promise';
import {
  type Attempt,
  type Database,
  type SqlParameters,
  type SqlValue,
  type Statements,
  type Transaction,
  type TransactionOptions,
  type Retries,
  runTransaction,
} from './database';
import { UnknownCommitError, databaseError, isConnectionLost } from './errors';

/** Connections of one process. */
export const POOL_CONNECTIONS = 16;
/** Prepared statements kept per connection: five sites on one server stay below its 16,382 for all connections. */
const STATEMENTS_KEPT_MAX = 200;
/** How long a statement waits for a row that another transaction holds, seconds. */
const LOCK_WAIT_S = 5;
/** How long a server may take to let a connection in, milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How long a process waits for another that migrates the same database, seconds. */
const MIGRATION_WAIT_S = 600;

type Callback<T> = (error: Error | null, result: T) => void;

/** mysql2's own promises cost a stack trace for every call; these cost a promise. */
export function promised<T>(
  call: (callback: Callback<T>) => unknown,
  thrown: (error: Error) => Error = (error) => error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error) reject(thrown(error));
      else resolve(result);
    });
  });
}

class Connection implements Statements {
  readonly engine = 'mariadb';

  constructor(private readonly raw: Pool | PoolConnection) {}

  async all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]> {
    return (await this.execute<RowDataPacket[]>(sql, parameters)) as Row[];
  }

  async get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    return (await this.all<Row>(sql, parameters))[0];
  }

  async run(sql: string, parameters?: SqlParameters): Promise<number> {
    return (await this.execute<ResultSetHeader>(sql, parameters)).affectedRows;
  }

  private execute<T extends QueryResult>(sql: string, parameters: SqlParameters = []): Promise<T> {
    return promised(
      (callback: Callback<T>) => this.raw.execute<T>(sql, parameters as SqlValue[], callback),
      (error) => databaseError(error, sql),
    );
  }
}

class MariaDatabase implements Database {
  readonly engine = 'mariadb';
  private readonly direct: Connection;

  constructor(
    private readonly pool: Pool,
    private readonly retries: Retries,
  ) {
    this.direct = new Connection(pool);
  }

  all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]> {
    return this.direct.all<Row>(sql, parameters);
  }

  get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    return this.direct.get<Row>(sql, parameters);
  }

  run(sql: string, parameters?: SqlParameters): Promise<number> {
    return this.direct.run(sql, parameters);
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions<T>): Promise<T> {
    const attempt: Attempt<T> = (attempted) => this.attemptOnce(attempted);
    return runTransaction(attempt, body, options, this.retries);
  }

  async snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T> {
    const connection = await takeConnection(this.pool);
    try {
      await query(connection, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await query(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      const result = await body(new Connection(connection));
      await query(connection, 'COMMIT');
      connection.release();
      return result;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await promised<void>((callback) => this.pool.end((error) => callback(error, undefined)));
  }

  private async attemptOnce<T>(body: (tx: Transaction) => Promise<T>): Promise<{ result: T; effects: (() => void)[] }> {
    const connection = await takeConnection(this.pool);
    try {
      await query(connection, 'START TRANSACTION');
      const effects: (() => void)[] = [];
      const statements = new Connection(connection);
      const result = await body({
        engine: 'mariadb',
        all: (sql, parameters) => statements.all(sql, parameters),
        get: (sql, parameters) => statements.get(sql, parameters),
        run: (sql, parameters) => statements.run(sql, parameters),
        afterCommit: (effect) => void effects.push(effect),
      });
      await commit(connection);
      connection.release();
      return { result, effects };
    } catch (error) {
      await rollback(connection, error);
      throw error;
    }
  }
}

function takeConnection(pool: Pool): Promise<PoolConnection> {
  return promised<PoolConnection>((callback) => pool.getConnection(callback));
}

function query(connection: PoolConnection, sql: string): Promise<QueryResult> {
  return promised<QueryResult>((callback) => connection.query(sql, callback));
}

async function commit(connection: PoolConnection): Promise<void> {
  try {
    await query(connection, 'COMMIT');
  } catch (error) {
    throw isConnectionLost(error) ? new UnknownCommitError(error) : error;
  }
}

async function rollback(connection: PoolConnection, cause: unknown): Promise<void> {
  if (cause instanceof UnknownCommitError || isConnectionLost(cause)) {
    connection.destroy();
    return;
  }
  try {
    await query(connection, 'ROLLBACK');
    connection.release();
  } catch {
    // The server rolls back what a broken connection leaves; the first error is the one worth passing on.
    connection.destroy();
  }
}

/** The name of the database in a `mysql://user:password@host:port/name` URL. */
export function databaseName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** Opens an existing database by its URL, `mysql://user:password@host:port/name`. */
export function openMariadb(url: string, retries: Retries): Database {
  const pool = mysql.createPool({
    uri: url,
    connectionLimit: POOL_CONNECTIONS,
    maxPreparedStatements: STATEMENTS_KEPT_MAX,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
    timezone: 'Z',
    decimalNumbers: true,
  });
  pool.on('connection', (connection) => {
    // Guarded UPDATEs need no gap locks, and a retried transaction should see what made it retry.
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connection.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S}`);
    connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES'");
  });
  return new MariaDatabase(pool, retries);
}

/** Makes the URL's database when it is missing; an error names the right that the user lacks. */
export async function createMariadbDatabase(url: string): Promise<void> {
  const name = databaseName(url);
  const server = new URL(url);
  server.pathname = '/';
  const connection = await createConnection({ uri: server.toString(), connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    const [rows] = await connection.query('SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?', [
      name,
    ]);
    if ((rows as unknown[]).length > 0) return;
    await connection.query(`CREATE DATABASE IF NOT EXISTS \`${name.replaceAll('`', '``')}\` CHARACTER SET utf8mb4`);
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno !== 1044 && errno !== 1045) throw error;
    const user = decodeURIComponent(server.username);
    throw new Error(
      `database user "${user}" may not make the database "${name}": grant it with ` +
        `GRANT ALL PRIVILEGES ON \`${name}\`.* TO '${user}'@'%'; or make the database by hand`,
      { cause: error },
    );
  } finally {
    await connection.end();
  }
}

/** Runs `work` while no other process runs its own on this database; a process that dies gives the lock up. */
export async function withMariadbMigrationLock<T>(url: string, work: () => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri: url, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    const [rows] = await connection.query(`SELECT GET_LOCK(CONCAT('entrepot-', MD5(DATABASE())), ?) AS got`, [
      MIGRATION_WAIT_S,
    ]);
    if ((rows as { got: number | null }[])[0]?.got !== 1)
      throw new Error(
        `another process has been migrating the database "${databaseName(url)}" for ${MIGRATION_WAIT_S} s: ` +
          `see what it does (SHOW PROCESSLIST), end it, and start again`,
      );
    return await work();
  } finally {
    await connection.end();
  }
}
