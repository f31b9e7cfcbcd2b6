/**
 * Gives the scheduler what Node would decide: when timers fire, when the event loop turns, when a thread of zlib's is
 * done. Only for code that runs on behalf of a life of the simulation; all else has Node's own. To be imported before
 * anything of the product, which takes some of these functions at loading.
 */
import timersPromises from 'node:timers/promises';
import zlib from 'node:zlib';
import { foreign, lifeNow } from './scheduler';

interface Timer {
  readonly callOff: () => void;
  ref(): Timer;
  unref(): Timer;
}

function timer(callOff: () => void): Timer {
  const made: Timer = { callOff, ref: () => made, unref: () => made };
  return made;
}

const real = { setTimeout, clearTimeout, setInterval, clearInterval, turn: timersPromises.setImmediate };

function simulatedTimeout(run: (...values: unknown[]) => void, milliseconds = 0, ...values: unknown[]): unknown {
  const life = lifeNow.getStore();
  if (!life) return real.setTimeout(run, milliseconds, ...values);
  const fire = () => lifeNow.run(life, () => run(...values));
  return timer(life.scheduler.later(life, 'timer', milliseconds, fire));
}

/** Heartbeats are the one interval: a worker that lives shows it, see temporal/activity-tasks.ts. */
function simulatedInterval(run: (...values: unknown[]) => void, milliseconds = 0, ...values: unknown[]): unknown {
  return lifeNow.getStore() ? timer(() => undefined) : real.setInterval(run, milliseconds, ...values);
}

function clear(handle: unknown, otherwise: (handle: NodeJS.Timeout) => void): void {
  if (typeof handle === 'object' && handle !== null && 'callOff' in handle) (handle as Timer).callOff();
  else otherwise(handle as NodeJS.Timeout);
}

Object.assign(globalThis, {
  setTimeout: simulatedTimeout,
  setInterval: simulatedInterval,
  clearTimeout: (handle: unknown) => clear(handle, real.clearTimeout),
  clearInterval: (handle: unknown) => clear(handle, real.clearInterval),
});

Object.assign(timersPromises, {
  setImmediate: (value?: unknown) => {
    const life = lifeNow.getStore();
    // A process that was killed only unwinds: nobody draws its turns any more.
    return life ? life.scheduler.wait(life, 'turn', { whenKilled: 'go on' }).then(() => value) : real.turn(value);
  },
});

type ZlibCallback = (error: Error | null, result: Buffer) => void;

/** The same bytes, in this thread: when a thread of a pool is done is nobody's to reproduce. */
function inThisThread(work: (input: zlib.InputType, options?: zlib.BrotliOptions) => Buffer) {
  return (input: zlib.InputType, ...rest: [ZlibCallback] | [zlib.BrotliOptions, ZlibCallback]) => {
    const [options, callback] = rest.length === 1 ? [undefined, rest[0]] : rest;
    try {
      callback(null, work(input, options));
    } catch (error) {
      callback(error as Error, Buffer.alloc(0));
    }
  };
}

Object.assign(zlib, {
  brotliCompress: inThisThread(zlib.brotliCompressSync),
  brotliDecompress: inThisThread(zlib.brotliDecompressSync),
});

/** A limit on waiting is in the simulation's time. */
const realTimeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (milliseconds) => {
  const life = lifeNow.getStore();
  if (!life) return realTimeout(milliseconds);
  const controller = new AbortController();
  life.scheduler.later(life, 'time limit', milliseconds, () => controller.abort());
  return controller.signal;
};

/** Threads that sign: one thing after the other, in the order of asking; and no step ends before they are done. */
let signing: Promise<unknown> = Promise.resolve();
const subtle = globalThis.crypto.subtle as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
for (const name of ['importKey', 'sign', 'verify', 'digest']) {
  const work = subtle[name]?.bind(subtle);
  if (!work) throw new Error(`crypto.subtle has no ${name}`);
  Object.defineProperty(subtle, name, {
    value: (...values: unknown[]) => {
      const mine = signing.then(() => work(...values));
      signing = foreign(mine.catch(() => undefined));
      return mine;
    },
  });
}
