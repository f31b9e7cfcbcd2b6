/** What operators see of the work: its log and its trace. */
import pino, { type Logger } from 'pino';
import { type Random } from '../domain/runtime';
import { type TraceContext } from '../domain/trace';
import { type Tracing, tracingOff } from './tracing';

export interface Observation {
  /** Names the request or the activity under way in every line. */
  readonly log: Logger;
  /** Of the request or the activity under way; null for what a site does by itself. */
  readonly trace: TraceContext | null;
  readonly tracing: Tracing;
}

/** For work that nobody watches: measurements and tests. */
export function unobserved(random: Random): Observation {
  return { log: pino({ level: 'silent' }), trace: null, tracing: tracingOff(random) };
}
