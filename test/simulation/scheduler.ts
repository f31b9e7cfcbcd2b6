/**
 * Who runs next, and what time it is. Everything that the simulated system waits for is an entry here; one entry goes
 * at a time, drawn by the seed among those that may, and the next is drawn when nothing is left to run. So the same seed
 * gives the same run, whatever the machine does meanwhile.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type Dice } from './dice';

/** Whoever does something: one boot of a site's process, or somebody outside. What its life waits for ends with it. */
export class Life {
  alive = true;

  constructor(
    readonly name: string,
    readonly scheduler: Scheduler,
  ) {}
}

/** The life on whose behalf code runs; nobody's, for the simulation's own. */
export const lifeNow = new AsyncLocalStorage<Life>();

/** Whoever waited was killed: what was open in the database is undone by this error. */
export class KilledError extends Error {}

interface Waiting {
  readonly life: Life;
  readonly label: string;
  readonly dueAt: number;
  readonly ready: () => boolean;
  readonly go: () => void | Promise<void>;
  readonly killed: () => void;
}

export interface WaitOptions {
  /** Milliseconds, at least. */
  readonly delay?: number;
  /** May it go now? */
  readonly ready?: () => boolean;
  /** What becomes of the wait when its life is ended: it is forgotten, ends by an error, or ends. */
  readonly whenKilled?: 'forget' | 'fail' | 'go on';
}

const always = () => true;
const nothing = () => undefined;
/** A step takes up to this long, milliseconds. */
const STEP_MS_MAX = 5;
/** When the simulation begins, milliseconds UTC. */
const BEGINNING = Date.UTC(2026, 0, 5, 8);

const realTurn = globalThis.setImmediate;

/** Work of other threads that a step is not over without. */
let foreignWork = 0;

export function foreign<T>(work: Promise<T>): Promise<T> {
  foreignWork++;
  return work.finally(() => void foreignWork--);
}

export class Scheduler {
  now = BEGINNING;
  steps = 0;
  private waiting: Waiting[] = [];
  private readonly hash = createHash('sha256');
  private failure: { readonly error: unknown } | undefined;

  constructor(
    readonly dice: Dice,
    /** Looked at after every step. */
    private readonly afterStep: (label: string) => void,
  ) {}

  /** Milliseconds since the simulation began. */
  get elapsed(): number {
    return this.now - BEGINNING;
  }

  /** Says what has happened, for the hash of the run. */
  trace(what: string): void {
    this.hash.update(`${what}\n`);
  }

  traceHash(): string {
    return this.hash.copy().digest('hex');
  }

  /** Waits for its turn. */
  wait(life: Life, label: string, { delay = 0, ready = always, whenKilled = 'forget' }: WaitOptions = {}) {
    return new Promise<void>((resolve, reject) => {
      const fail = () => reject(new KilledError(`${life.name} was killed`));
      const killed = { forget: nothing, fail, 'go on': resolve }[whenKilled];
      if (!life.alive) return killed();
      this.waiting.push({ life, label, dueAt: this.now + delay, ready, go: resolve, killed });
    });
  }

  /** Something to be done in its turn; answers how to call it off. */
  later(life: Life, label: string, delay: number, go: () => void | Promise<void>, ready = always): () => void {
    if (!life.alive) return nothing;
    const entry: Waiting = { life, label, dueAt: this.now + delay, ready, go, killed: nothing };
    this.waiting.push(entry);
    return () => void (this.waiting = this.waiting.filter((other) => other !== entry));
  }

  /** Runs something on a life's behalf, beside everything else; its end is told only while the life lasts. */
  spawn<T>(
    life: Life,
    label: string,
    run: () => Promise<T>,
    settled: (outcome: { value: T } | { error: unknown }) => void = ({ ...outcome }) => {
      if ('error' in outcome) throw outcome.error;
    },
  ): void {
    const tell = (outcome: { value: T } | { error: unknown }) => {
      if (!life.alive) return;
      try {
        settled(outcome);
      } catch (error) {
        this.fail(error);
      }
    };
    const begin = () =>
      lifeNow.run(life, () => {
        run().then(
          (value) => tell({ value }),
          (error: unknown) => tell({ error }),
        );
      });
    this.later(life, label, 0, begin);
  }

  /** Ends the whole run with an error. */
  fail(error: unknown): void {
    this.failure ??= { error };
  }

  /** Ends a life: what it waits for never comes. */
  kill(life: Life): void {
    life.alive = false;
    const gone = this.waiting.filter((entry) => entry.life === life);
    this.waiting = this.waiting.filter((entry) => entry.life !== life);
    for (const { killed } of gone) killed();
  }

  /** One step; false when nothing will ever go again. */
  async step(): Promise<boolean> {
    const next = this.draw();
    if (!next) return false;
    this.waiting.splice(this.waiting.indexOf(next), 1);
    this.now = Math.max(this.now, next.dueAt) + this.dice.below(STEP_MS_MAX + 1);
    this.steps++;
    this.trace(`${this.now} ${next.life.name} ${next.label}`);
    await next.go();
    // Promises settle, and whoever runs comes to its next wait, before the event loop turns.
    do await new Promise((resolve) => realTurn(resolve));
    while (foreignWork > 0);
    this.afterStep(`${next.life.name} ${next.label}`);
    if (this.failure) throw this.failure.error;
    return true;
  }

  private draw(): Waiting | undefined {
    const free = this.waiting.filter((entry) => entry.ready());
    const due = free.filter((entry) => entry.dueAt <= this.now);
    if (due.length > 0) return due[this.dice.below(due.length)];
    let first: Waiting | undefined;
    for (const entry of free) if (!first || entry.dueAt < first.dueAt) first = entry;
    return first;
  }
}
