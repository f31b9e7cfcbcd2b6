/**
 * Statements of two connections in an order that a schedule decides: what SQLite's single writer serialises away, and
 * what chance hardly ever shows on MariaDB. Each actor has a pool of its own on the same database; before every
 * statement, every BEGIN and every COMMIT it waits for its turn. An actor that waits for a lock is passed over, and
 * goes on by itself when it gets it; deadlocks are the server's to break and the actor's to retry.
 */
import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type Connection } from 'mysql2/promise';
import { type Database, type SqlParameters, type Statements, type Transaction } from '../../db/database';
import { openDatabase } from '../../db/migrate';

/** How long a statement may run before the server is asked whether it waits for a lock, milliseconds. */
const LOCK_PROBE_MS = 2;
/** No run takes this many turns: one that does is going round in circles. */
const TURNS_MAX = 2_000;

/** Which of the actors that could go on goes on; `ready` is never empty, and in ascending order. */
export type Schedule = (turn: number, ready: readonly number[]) => number;

/**
 * The first actor takes `turns` turns, then the other `back` of its own (or as many as it can), then the first the rest.
 */
export function switchAfter(first: 0 | 1, turns: number, back = Infinity): Schedule {
  return (turn, ready) => {
    const wanted = turn < turns || turn >= turns + back ? first : 1 - first;
    return ready.includes(wanted) ? wanted : (ready[0] as number);
  };
}

export interface Interleaved<T> {
  readonly results: PromiseSettledResult<T>[];
  /** Turns that each actor took. */
  readonly turns: readonly number[];
  /** Turns at which an actor was passed over because it waited for a lock. */
  readonly blocked: number;
  /** Transactions that were begun again. */
  readonly retried: number;
}

/** One connection's side: what it waits for, and what it has done. */
class Actor {
  turns = 0;
  retried = 0;
  done = false;
  private proceed: (() => void) | undefined;
  private wake: () => void = () => undefined;

  constructor(
    readonly db: Database,
    readonly connectionId: number,
  ) {}

  get waits(): boolean {
    return this.proceed !== undefined;
  }

  begin(): void {
    this.turns = 0;
    this.retried = 0;
    this.done = false;
  }

  end(): void {
    this.done = true;
    this.wake();
  }

  /** Resolves when it is this actor's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.proceed = resolve;
      this.wake();
    });
  }

  go(): void {
    this.turns++;
    const proceed = this.proceed;
    this.proceed = undefined;
    proceed?.();
  }

  /** Resolves when the actor waits for its turn or is done; true when that came within the time. */
  async rests(milliseconds: number): Promise<boolean> {
    if (this.waits || this.done) return true;
    const change = new Promise<void>((resolve) => (this.wake = resolve));
    const stop = new AbortController();
    await Promise.race([change, delay(milliseconds, undefined, { signal: stop.signal }).catch(() => undefined)]);
    stop.abort();
    return this.waits || this.done;
  }

  /** The actor's database, whose statements take turns. */
  database(): Database {
    const { db } = this;
    return {
      ...this.statements(db),
      transaction: (body, options) => {
        let begun = false;
        return db.transaction(async (tx) => {
          if (begun) this.retried++;
          begun = true;
          await this.turn();
          const result = await body(this.transaction(tx));
          await this.turn();
          return result;
        }, options);
      },
      snapshot: (body) => db.snapshot((reads) => body(this.statements(reads))),
      close: () => db.close(),
    };
  }

  private transaction(tx: Transaction): Transaction {
    return { ...this.statements(tx), afterCommit: (effect) => tx.afterCommit(effect) };
  }

  private statements(inner: Statements): Statements {
    const inTurn = async <T>(statement: () => Promise<T>): Promise<T> => {
      await this.turn();
      return statement();
    };
    return {
      engine: inner.engine,
      all: <Row>(sql: string, parameters?: SqlParameters) => inTurn(() => inner.all<Row>(sql, parameters)),
      get: <Row>(sql: string, parameters?: SqlParameters) => inTurn(() => inner.get<Row>(sql, parameters)),
      run: (sql: string, parameters?: SqlParameters) => inTurn(() => inner.run(sql, parameters)),
    };
  }
}

export class Interleaver {
  private constructor(
    private readonly actors: readonly Actor[],
    private readonly observer: Connection,
  ) {}

  /** Two actors on the MariaDB database at `location`. */
  static async open(location: string): Promise<Interleaver> {
    const actors: Actor[] = [];
    for (let count = 0; count < 2; count++) {
      const db = openDatabase(location);
      const row = await db.get<{ id: number }>('SELECT CONNECTION_ID() AS id');
      actors.push(new Actor(db, row?.id ?? 0));
    }
    return new Interleaver(actors, await mysql.createConnection({ uri: location }));
  }

  async close(): Promise<void> {
    for (const { db } of this.actors) await db.close();
    await this.observer.end();
  }

  /** Runs one act on each actor's database, and answers when both are done. */
  async run<T>(acts: readonly ((db: Database) => Promise<T>)[], schedule: Schedule): Promise<Interleaved<T>> {
    for (const actor of this.actors) actor.begin();
    const running = this.actors.map(async (actor, index) => {
      try {
        await actor.turn();
        return await (acts[index] as (db: Database) => Promise<T>)(actor.database());
      } finally {
        actor.end();
      }
    });
    const outcome = Promise.allSettled(running);
    let blocked = 0;
    for (let turn = 0; ; turn++) {
      const ready = await this.settled();
      if (this.actors.every(({ done }) => done)) break;
      if (turn > TURNS_MAX) throw new Error(`two connections took more than ${TURNS_MAX} turns: they never end`);
      blocked += this.actors.filter(({ done, waits }) => !done && !waits).length;
      this.actors[schedule(turn, ready)]?.go();
    }
    const results = await outcome;
    const retried = this.actors.reduce((sum, actor) => sum + actor.retried, 0);
    return { results, turns: this.actors.map(({ turns }) => turns), blocked, retried };
  }

  /** Waits until each actor waits for its turn, waits for a lock, or is done; answers who could go on. */
  private async settled(): Promise<number[]> {
    for (;;) {
      let moving = false;
      for (const actor of this.actors) {
        if (!(await actor.rests(LOCK_PROBE_MS)) && !(await this.waitsForLock(actor))) moving = true;
      }
      if (moving) continue;
      const ready = this.actors.flatMap(({ waits }, index) => (waits ? [index] : []));
      if (ready.length > 0 || this.actors.every(({ done }) => done)) return ready;
    }
  }

  /** As the server itself says: its tables of locks are refreshed too rarely. */
  private async waitsForLock({ connectionId }: Actor): Promise<boolean> {
    const [rows] = await this.observer.query('SHOW ENGINE INNODB STATUS');
    const status = (rows as { Status: string }[])[0]?.Status ?? '';
    const own = status
      .split('---TRANSACTION ')
      .find((part) => new RegExp(`^MariaDB thread id ${connectionId},`, 'm').test(part));
    return own !== undefined && /^LOCK WAIT /m.test(own);
  }
}
