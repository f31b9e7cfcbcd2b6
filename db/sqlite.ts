/** SQLite through better-sqlite3: one connection that writes, one that reads, both in WAL mode. */
import { setImmediate as turn } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  type Attempt,
  type Database,
  type SqlParameters,
  type Statements,
  type Transaction,
  type TransactionOptions,
  type Retries,
  runTransaction,
} from './database';
import { databaseError } from './errors';

/** Short, because it blocks the event loop; a busy database is tried again without blocking. */
const BUSY_TIMEOUT_MS = 20;
/** Prepared statements kept per connection. */
const STATEMENTS_KEPT_MAX = 500;
/** Transactions that share a COMMIT; the event loop has its turn after so many. */
const GROUP_TRANSACTIONS_MAX = 16;
/** Page cache of one connection, KiB. */
export const CACHE_KIB = 4_096;

class Connection implements Statements {
  readonly engine = 'sqlite';
  private readonly prepared = new Map<string, Sqlite.Statement>();

  constructor(readonly raw: Sqlite.Database) {}

  async all<Row>(sql: string, parameters: SqlParameters = []): Promise<Row[]> {
    return this.asked(sql, (statement) => statement.all(...parameters)) as Row[];
  }

  async get<Row>(sql: string, parameters: SqlParameters = []): Promise<Row | undefined> {
    return this.asked(sql, (statement) => statement.get(...parameters)) as Row | undefined;
  }

  async run(sql: string, parameters: SqlParameters = []): Promise<number> {
    return this.asked(sql, (statement) => statement.run(...parameters)).changes;
  }

  private asked<Result>(sql: string, run: (statement: Sqlite.Statement) => Result): Result {
    try {
      return run(this.prepare(sql));
    } catch (error) {
      throw databaseError(error, sql);
    }
  }

  /** A statement that only moves the transaction along. */
  execute(sql: string): void {
    this.prepare(sql).run();
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

interface WaitingWrite {
  readonly body: (tx: Transaction) => Promise<unknown>;
  readonly done: (outcome: { result: unknown; effects: (() => void)[] }) => void;
  readonly failed: (error: unknown) => void;
}

/** The transaction that carried a group is gone; each of the group runs again on its own. */
class GroupLostError extends Error {}

/**
 * The one writing connection. What waits for it goes in groups: each transaction of a group has a savepoint of its own
 * and they share one COMMIT, for a COMMIT waits for the disk and is most of a small transaction's time.
 */
class Writer {
  private readonly waiting: WaitingWrite[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly connection: Connection) {}

  run<T>(body: (tx: Transaction) => Promise<T>): Promise<{ result: T; effects: (() => void)[] }> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ body, done: resolve as WaitingWrite['done'], failed: reject });
      this.running ??= this.workOff();
    });
  }

  async close(): Promise<void> {
    await this.running;
    this.connection.raw.close();
  }

  private async workOff(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0, GROUP_TRANSACTIONS_MAX);
      const [first] = group;
      if (group.length === 1 && first) await this.alone(first);
      else await this.together(group);
      // Requests that came in meanwhile have their turn, and may join the next group.
      await turn();
    }
    this.running = undefined;
  }

  private async alone({ body, done, failed }: WaitingWrite): Promise<void> {
    const effects: (() => void)[] = [];
    try {
      this.connection.execute('BEGIN IMMEDIATE');
      const result = await body(transactionOn(this.connection, effects));
      this.connection.execute('COMMIT');
      done({ result, effects });
    } catch (error) {
      this.rollBack();
      failed(error);
    }
  }

  private async together(group: readonly WaitingWrite[]): Promise<void> {
    const settle: (() => void)[] = [];
    try {
      this.connection.execute('BEGIN IMMEDIATE');
      for (const write of group) settle.push(await this.atSavepoint(write));
      this.connection.execute('COMMIT');
    } catch {
      this.rollBack();
      // Nothing of the group was committed; alone, each meets its own error or none.
      for (const write of group) await this.alone(write);
      return;
    }
    for (const tell of settle) tell();
  }

  /** Runs one of a group; what to tell its caller once the group is committed. */
  private async atSavepoint({ body, done, failed }: WaitingWrite): Promise<() => void> {
    const effects: (() => void)[] = [];
    this.connection.execute('SAVEPOINT one');
    try {
      const result = await body(transactionOn(this.connection, effects));
      this.connection.execute('RELEASE one');
      return () => done({ result, effects });
    } catch (error) {
      // A full disk, for one, makes SQLite roll everything back by itself.
      if (!this.connection.raw.inTransaction) throw new GroupLostError('the group was rolled back', { cause: error });
      this.connection.execute('ROLLBACK TO one');
      this.connection.execute('RELEASE one');
      return () => failed(error);
    }
  }

  private rollBack(): void {
    if (this.connection.raw.inTransaction) this.connection.execute('ROLLBACK');
  }
}

class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  private readonly writer: Writer;
  private readonly snapshots = new Turnstile();

  constructor(
    writer: Connection,
    private readonly reader: Connection,
    private readonly snapshotReader: Connection,
    private readonly retries: Retries,
  ) {
    this.writer = new Writer(writer);
  }

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
    const attempt: Attempt<T> = (attempted) => this.writer.run(attempted);
    return runTransaction(attempt, body, options, this.retries);
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
    await this.writer.close();
    await this.snapshots.enter(async () => this.snapshotReader.raw.close());
    this.reader.raw.close();
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
export function openSqlite(file: string, retries: Retries): Database {
  const writer = connect(file, false);
  return new SqliteDatabase(writer, connect(file, true), connect(file, true), retries);
}
