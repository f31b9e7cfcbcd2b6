/** SQLite through better-sqlite3: one connection that writes, one that reads, both in WAL mode. */
import Sqlite from 'better-sqlite3';
import {
  type Attempt,
  type Database,
  type SqlParameters,
  type Statements,
  type Transaction,
  type TransactionOptions,
  runTransaction,
} from './database';

/** Short, because it blocks the event loop; a busy database is tried again without blocking. */
const BUSY_TIMEOUT_MS = 20;
/** Prepared statements kept per connection. */
const STATEMENTS_KEPT_MAX = 500;
/** Page cache of one connection, KiB. */
export const CACHE_KIB = 4_096;

class Connection implements Statements {
  readonly engine = 'sqlite';
  private readonly prepared = new Map<string, Sqlite.Statement>();

  constructor(readonly raw: Sqlite.Database) {}

  async all<Row>(sql: string, parameters: SqlParameters = []): Promise<Row[]> {
    return this.prepare(sql).all(...parameters) as Row[];
  }

  async get<Row>(sql: string, parameters: SqlParameters = []): Promise<Row | undefined> {
    return this.prepare(sql).get(...parameters) as Row | undefined;
  }

  async run(sql: string, parameters: SqlParameters = []): Promise<number> {
    return this.prepare(sql).run(...parameters).changes;
  }

  private prepare(sql: string): Sqlite.Statement {
    let statement = this.prepared.get(sql);
    if (!statement) {
      if (this.prepared.size >= STATEMENTS_KEPT_MAX) this.prepared.clear();
      statement = this.raw.prepare(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }
}

/** Lets one holder at a time in, in the order of asking. */
class Turnstile {
  private last: Promise<unknown> = Promise.resolve();

  enter<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work, work);
    this.last = mine;
    return mine;
  }
}

class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  private readonly writes = new Turnstile();
  private readonly snapshots = new Turnstile();

  constructor(
    private readonly writer: Connection,
    private readonly reader: Connection,
    private readonly snapshotReader: Connection,
  ) {}

  all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]> {
    return this.reader.all<Row>(sql, parameters);
  }

  get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    return this.reader.get<Row>(sql, parameters);
  }

  /** A change on its own is a transaction of one statement. */
  run(sql: string, parameters?: SqlParameters): Promise<number> {
    return this.transaction((tx) => tx.run(sql, parameters));
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions<T>): Promise<T> {
    const attempt: Attempt<T> = (attempted) => this.writes.enter(() => this.attemptOnce(attempted));
    return runTransaction(attempt, body, options);
  }

  snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T> {
    return this.snapshots.enter(async () => {
      this.snapshotReader.raw.exec('BEGIN');
      try {
        return await body(this.snapshotReader);
      } finally {
        this.snapshotReader.raw.exec('COMMIT');
      }
    });
  }

  async close(): Promise<void> {
    await this.writes.enter(async () => this.writer.raw.close());
    await this.snapshots.enter(async () => this.snapshotReader.raw.close());
    this.reader.raw.close();
  }

  private async attemptOnce<T>(body: (tx: Transaction) => Promise<T>): Promise<{ result: T; effects: (() => void)[] }> {
    const { raw } = this.writer;
    const effects: (() => void)[] = [];
    raw.exec('BEGIN IMMEDIATE');
    try {
      const result = await body(transactionOn(this.writer, effects));
      raw.exec('COMMIT');
      return { result, effects };
    } catch (error) {
      if (raw.inTransaction) raw.exec('ROLLBACK');
      throw error;
    }
  }
}

function transactionOn(connection: Statements, effects: (() => void)[]): Transaction {
  return {
    engine: connection.engine,
    all: (sql, parameters) => connection.all(sql, parameters),
    get: (sql, parameters) => connection.get(sql, parameters),
    run: (sql, parameters) => connection.run(sql, parameters),
    afterCommit: (effect) => void effects.push(effect),
  };
}

function connect(file: string, readonly: boolean): Connection {
  const raw = new Sqlite(file, { readonly, timeout: BUSY_TIMEOUT_MS });
  raw.pragma(`cache_size = -${CACHE_KIB}`);
  raw.pragma('foreign_keys = ON');
  if (!readonly) {
    raw.pragma('journal_mode = WAL');
    // A told order must survive the loss of power, so every COMMIT reaches the disk.
    raw.pragma('synchronous = FULL');
  }
  return new Connection(raw);
}

/** Opens (and makes, if need be) the database in `file`. */
export function openSqlite(file: string): Database {
  const writer = connect(file, false);
  return new SqliteDatabase(writer, connect(file, true), connect(file, true));
}
