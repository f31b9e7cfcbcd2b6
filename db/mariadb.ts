/** MariaDB and MySQL through mysql2's prepared statements and a pool. */
import mysql, { type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise';
import {
  type Attempt,
  type Database,
  type SqlParameters,
  type Statements,
  type Transaction,
  type TransactionOptions,
  runTransaction,
} from './database';
import { UnknownCommitError, isConnectionLost } from './errors';

/** Connections of one process. */
export const POOL_CONNECTIONS = 16;
/** Prepared statements kept per connection. */
const STATEMENTS_KEPT_MAX = 500;
/** How long a statement waits for a row that another transaction holds, seconds. */
const LOCK_WAIT_S = 5;
/** How long a server may take to let a connection in, milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;

class Connection implements Statements {
  readonly engine = 'mariadb';

  constructor(private readonly raw: Pool | PoolConnection) {}

  async all<Row>(sql: string, parameters: SqlParameters = []): Promise<Row[]> {
    const [rows] = await this.raw.execute(sql, [...parameters]);
    return rows as Row[];
  }

  async get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    return (await this.all<Row>(sql, parameters))[0];
  }

  async run(sql: string, parameters: SqlParameters = []): Promise<number> {
    const [header] = await this.raw.execute<ResultSetHeader>(sql, [...parameters]);
    return header.affectedRows;
  }
}

class MariaDatabase implements Database {
  readonly engine = 'mariadb';
  private readonly direct: Connection;

  constructor(private readonly pool: Pool) {
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
    return runTransaction(attempt, body, options);
  }

  async snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T> {
    const connection = await this.pool.getConnection();
    try {
      await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      const result = await body(new Connection(connection));
      await connection.query('COMMIT');
      connection.release();
      return result;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async attemptOnce<T>(body: (tx: Transaction) => Promise<T>): Promise<{ result: T; effects: (() => void)[] }> {
    const connection = await this.pool.getConnection();
    try {
      await connection.query('START TRANSACTION');
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

async function commit(connection: PoolConnection): Promise<void> {
  try {
    await connection.query('COMMIT');
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
    await connection.query('ROLLBACK');
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
export function openMariadb(url: string): Database {
  const pool = mysql.createPool({
    uri: url,
    connectionLimit: POOL_CONNECTIONS,
    maxPreparedStatements: STATEMENTS_KEPT_MAX,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
    timezone: 'Z',
    decimalNumbers: true,
  });
  pool.pool.on('connection', (connection) => {
    // Guarded UPDATEs need no gap locks, and a retried transaction should see what made it retry.
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connection.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S}`);
    connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES'");
  });
  return new MariaDatabase(pool);
}

/** Makes the URL's database when it is missing; an error names the right that the user lacks. */
export async function createMariadbDatabase(url: string): Promise<void> {
  const name = databaseName(url);
  const server = new URL(url);
  server.pathname = '/';
  const connection = await mysql.createConnection({ uri: server.toString(), connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    const [rows] = await connection.query('SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?', [
      name,
    ]);
    if ((rows as unknown[]).length > 0) return;
    await connection.query(`CREATE DATABASE \`${name.replaceAll('`', '``')}\` CHARACTER SET utf8mb4`);
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
