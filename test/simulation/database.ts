/**
 * A site's database as the simulation gives it: the real one, on a file in memory, and before each of its statements,
 * before each COMMIT and after it the scheduler decides who goes on, and whether anybody does.
 */
import {
  type Attempt,
  type Database,
  type SqlParameters,
  type Statements,
  type Transaction,
  type TransactionOptions,
  noRetries,
  runTransaction,
} from '../../db/database';
import { UnknownCommitError, databaseError } from '../../db/errors';
import { type Counters } from './counters';
import { KilledError, type Life } from './scheduler';
import { type Weather } from './weather';

export interface DatabaseFaults {
  readonly weather: Weather;
  readonly counters: Counters;
  /** Ends the process that the database belongs to. */
  readonly crash: (where: string) => void;
}

/** Somebody who stands still does so for up to this long, milliseconds: beyond every time limit of a small document. */
const STALL_MS_MAX = 45_000;

const never = () => new Promise<never>(() => undefined);

export class SimulatedDatabase implements Database {
  readonly engine;
  private readonly retries = noRetries();
  private openTransactions = 0;

  constructor(
    private readonly real: Database,
    private readonly life: Life,
    private readonly faults: DatabaseFaults,
  ) {
    this.engine = real.engine;
  }

  async all<Row>(sql: string, parameters?: SqlParameters): Promise<Row[]> {
    await this.before('read');
    return this.real.all<Row>(sql, parameters);
  }

  async get<Row>(sql: string, parameters?: SqlParameters): Promise<Row | undefined> {
    await this.before('read');
    return this.real.get<Row>(sql, parameters);
  }

  run(sql: string, parameters?: SqlParameters): Promise<number> {
    return this.transaction((tx) => tx.run(sql, parameters));
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions<T>): Promise<T> {
    const attempt: Attempt<T> = (attempted) => this.attempt(attempted);
    return runTransaction(attempt, body, options, this.retries);
  }

  async snapshot<T>(body: (reads: Statements) => Promise<T>): Promise<T> {
    await this.before('snapshot');
    return this.real.snapshot((reads) => body(this.gated(reads)));
  }

  close(): Promise<void> {
    return this.real.close();
  }

  private async attempt<T>(body: (tx: Transaction) => Promise<T>) {
    await this.before('begin');
    let effects: (() => void)[] = [];
    if (this.openTransactions > 0) this.faults.counters.happened('transactions in one COMMIT');
    this.openTransactions++;
    let result: T;
    try {
      result = await this.real.transaction(async (tx) => {
        effects = [];
        const result = await body({ ...this.gated(tx), afterCommit: (effect) => void effects.push(effect) });
        await this.beforeCommit();
        return result;
      });
    } finally {
      this.openTransactions--;
    }
    await this.afterCommit();
    return { result, effects };
  }

  private gated(statements: Statements): Statements {
    return {
      engine: statements.engine,
      all: async (sql, parameters) => {
        await this.before('statement', sql);
        return statements.all(sql, parameters);
      },
      get: async (sql, parameters) => {
        await this.before('statement', sql);
        return statements.get(sql, parameters);
      },
      run: async (sql, parameters) => {
        await this.before('change', sql);
        return statements.run(sql, parameters);
      },
    };
  }

  /** Where a statement waits for its turn, and may meet what it meets. */
  private async before(what: string, sql?: string): Promise<void> {
    const { weather, counters, crash } = this.faults;
    const { dice } = this.life.scheduler;
    const stalls = dice.chance(weather.stall);
    if (stalls) counters.happened('stall');
    await this.turn(what, stalls ? dice.below(STALL_MS_MAX) : 0);
    if (dice.chance(weather.crashAtStatement)) {
      counters.happened('crash at a statement');
      crash(`before a statement (${sql?.slice(0, 40) ?? what})`);
      await this.ended();
    }
    if (sql === undefined) return;
    if (dice.chance(weather.busy)) {
      counters.happened('engine busy');
      throw engineError('SQLITE_BUSY', 'database is locked', sql);
    }
    if (dice.chance(weather.diskFull)) {
      counters.happened('disk full');
      throw engineError('SQLITE_FULL', 'database or disk is full', sql);
    }
  }

  private async beforeCommit(): Promise<void> {
    const { weather, counters, crash } = this.faults;
    const { dice } = this.life.scheduler;
    await this.turn('commit', 0);
    if (dice.chance(weather.crashBeforeCommit)) {
      counters.happened('crash before COMMIT');
      crash('before COMMIT');
      await this.ended();
    }
    if (dice.chance(weather.commitUndone)) {
      counters.happened('COMMIT without an answer, undone');
      throw new UnknownCommitError(new Error('the connection broke before COMMIT was heard'));
    }
  }

  private async afterCommit(): Promise<void> {
    const { weather, counters, crash } = this.faults;
    const { dice } = this.life.scheduler;
    if (!this.life.alive) return never();
    if (dice.chance(weather.crashAfterCommit)) {
      counters.happened('crash after COMMIT');
      crash('after COMMIT');
      return never();
    }
    if (dice.chance(weather.commitDone)) {
      counters.happened('COMMIT without an answer, done');
      throw new UnknownCommitError(new Error('the connection broke after COMMIT was done'));
    }
  }

  /** Killed in it, the transaction is rolled back by this error; nobody is left to hear of it. */
  private turn(what: string, delay: number): Promise<void> {
    return this.life.scheduler.wait(this.life, what, { delay, whenKilled: 'fail' });
  }

  private ended(): Promise<never> {
    return Promise.reject(new KilledError(`${this.life.name} was killed`));
  }
}

function engineError(code: string, message: string, sql: string): unknown {
  return databaseError(Object.assign(new Error(message), { code }), sql);
}
