/** What operators see of the work: its log, its trace and its metrics. */
import pino, { type Logger } from 'pino';
import { type Random } from '../domain/runtime';
import { type TraceContext } from '../domain/trace';
import { SiteMetrics } from './metrics';
import { type Tracing, tracingOff } from './tracing';

export interface Observation {
  /** Names the request or the activity under way in every line. */
  readonly log: Logger;
  /** Of the request or the activity under way; null for what a site does by itself. */
  readonly trace: TraceContext | null;
  readonly tracing: Tracing;
  readonly metrics: SiteMetrics;
}

/** For work that nobody watches: measurements and tests. */
export function unobserved(random: Random): Observation {
  return {
    log: pino({ level: 'silent' }),
    trace: null,
    tracing: tracingOff(random),
    metrics: new SiteMetrics('unobserved'),
  };
}
