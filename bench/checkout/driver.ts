/** The same statements as a checkout's, with the same values, on nothing but the driver: what it is measured against. */
import Sqlite from 'better-sqlite3';
import mysql, { type PoolConnection, type QueryResult } from 'mysql2';
import { type Database, type SqlParameters, type SqlValue, type Statements, type Transaction } from '../../db/database';
import { POOL_CONNECTIONS, promised } from '../../db/mariadb';
import { CACHE_KIB } from '../../db/sqlite';

export interface RecordedStatement {
  readonly sql: string;
  readonly parameters: SqlParameters;
  readonly kind: 'read' | 'write';
}

/** A checkout's statements: those before its transaction, and those in it. */
export interface Script {
  readonly before: readonly RecordedStatement[];
  readonly inside: readonly RecordedStatement[];
}

class Undone extends Error {}

/** Runs on the real database, writes every statement down, and takes every transaction back at its end. */
export class ScriptRecorder implements Database {
  private before: RecordedStatement[] = [];
  private inside: RecordedStatement[] = [];

  constructor(private readonly db: Database) {}

  get engine() {
    return this.db.engine;
  }

  all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]> {
    return recorded(this.db, this.before).all<Row>(sql, parameters);
  }

  get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    return recorded(this.db, this.before).get<Row>(sql, parameters);
  }

  run(sql: string, parameters?: SqlParameters): Promise<number> {
    return recorded(this.db, this.before).run(sql, parameters);
  }

  async transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    let result: { value: T } | undefined;
    try {
      await this.db.transaction(async (tx) => {
        result = { value: await body({ ...recorded(tx, this.inside), afterCommit: () => undefined }) };
        throw new Undone();
      });
    } catch (error) {
      if (!(error instanceof Undone)) throw error;
    }
    if (!result) throw new Error('the transaction had no result');
    return result.value;
  }

  snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T> {
    return this.db.snapshot(body);
  }

  close(): Promise<void> {
    return this.db.close();
  }

  /** What was written down since the last call. */
  take(): Script {
    const script = { before: this.before, inside: this.inside };
    this.before = [];
    this.inside = [];
    return script;
  }
}

function recorded(statements: Statements, into: RecordedStatement[]): Statements {
  const note = (kind: RecordedStatement['kind'], sql: string, parameters: SqlParameters = []) => {
    into.push({ sql, parameters, kind });
  };
  return {
    engine: statements.engine,
    all: (sql, parameters) => (note('read', sql, parameters), statements.all(sql, parameters)),
    get: (sql, parameters) => (note('read', sql, parameters), statements.get(sql, parameters)),
    run: (sql, parameters) => (note('write', sql, parameters), statements.run(sql, parameters)),
  };
}

/** The bare driver, with the product's isolation, durability and pool. */
export interface BareDriver {
  run(script: Script): Promise<void>;
  close(): Promise<void>;
}

export function bareMariadb(url: string): BareDriver {
  const pool = mysql.createPool({
    uri: url,
    connectionLimit: POOL_CONNECTIONS,
    charset: 'utf8mb4',
    timezone: 'Z',
  });
  pool.on('connection', (connection) => {
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES'");
  });
  return {
    async run({ before, inside }) {
      for (const { sql, parameters } of before) {
        await promised<QueryResult>((done) => pool.execute(sql, parameters as SqlValue[], done));
      }
      const connection = await promised<PoolConnection>((done) => pool.getConnection(done));
      await promised<QueryResult>((done) => connection.query('START TRANSACTION', done));
      for (const { sql, parameters } of inside) {
        await promised<QueryResult>((done) => connection.execute(sql, parameters as SqlValue[], done));
      }
      await promised<QueryResult>((done) => connection.query('COMMIT', done));
      connection.release();
    },
    close: () => promised<void>((done) => pool.end((error) => done(error, undefined))),
  };
}

export function bareSqlite(file: string): BareDriver {
  const writer = new Sqlite(file);
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  const reader = new Sqlite(file, { readonly: true });
  for (const raw of [writer, reader]) raw.pragma(`cache_size = -${CACHE_KIB}`);
  const executorOf = (raw: Sqlite.Database) => {
    const prepared = new Map<string, Sqlite.Statement>();
    return ({ sql, parameters, kind }: RecordedStatement) => {
      const statement = prepared.get(sql) ?? raw.prepare(sql);
      prepared.set(sql, statement);
      if (kind === 'read') statement.all(...parameters);
      else statement.run(...parameters);
    };
  };
  const [read, write] = [executorOf(reader), executorOf(writer)];
  return {
    async run({ before, inside }) {
      for (const statement of before) read(statement);
      writer.exec('BEGIN IMMEDIATE');
      for (const statement of inside) write(statement);
      writer.exec('COMMIT');
    },
    async close() {
      reader.close();
      writer.close();
    },
  };
}

/** What a COMMIT survives, as the engine states it. */
export async function durability(db: Database): Promise<string> {
  if (db.engine === 'sqlite') return 'journal_mode=WAL, synchronous=FULL';
  const rows = await db.all<{ name: string; value: string }>(
    `SELECT LOWER(VARIABLE_NAME) AS name, VARIABLE_VALUE AS value FROM information_schema.GLOBAL_VARIABLES
     WHERE VARIABLE_NAME IN ('INNODB_FLUSH_LOG_AT_TRX_COMMIT', 'LOG_BIN', 'SYNC_BINLOG', 'INNODB_DOUBLEWRITE') ORDER BY 1`,
  );
  return rows.map(({ name, value }) => `${name}=${value}`).join(', ');
}
