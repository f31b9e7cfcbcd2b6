/** W3C trace context: names one request's way through every site (https://www.w3.org/TR/trace-context/). */
import { type Random } from './runtime';

export interface TraceContext {
  /** 32 hex digits: the whole way. */
  readonly traceId: string;
  /** 16 hex digits: the step that what follows is part of. */
  readonly spanId: string;
  /** Whoever began the trace wants it recorded. */
  readonly sampled: boolean;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** Version, trace, span, flags; a version after 00 may have more behind them. */
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?$/;
const SAMPLED = 1;

/** Reads a `traceparent`; null for one that is absent or not valid, which is as if there were none. */
export function parseTraceparent(text: string | null | undefined): TraceContext | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = FORM.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${sampled ? SAMPLED : 0}`;
}

/** The beginning of a trace that nobody records; its id joins the log's lines all the same. */
export function beginTrace(random: Random): TraceContext {
  const bytes = random.bytes(TRACE_ID_BYTES + SPAN_ID_BYTES).toString('hex');
  return { traceId: bytes.slice(0, 2 * TRACE_ID_BYTES), spanId: bytes.slice(2 * TRACE_ID_BYTES), sampled: false };
}

/** What carries a trace through Temporal: the one argument of every workflow and activity may have it. */
export interface Traced {
  /** A `traceparent`. */
  readonly traceContext?: string;
}

/**
 * Where a batch stands among the traces of its orders: a batch of one goes on in its order's trace; one of many has a
 * trace of its own that is linked to theirs, for a step can be part of one trace only.
 */
export function traceOfBatch(orders: readonly (TraceContext | null)[]): {
  readonly parent: TraceContext | null;
  readonly links: readonly TraceContext[];
} {
  const known = orders.filter((order) => order !== null);
  return orders.length === 1 ? { parent: known[0] ?? null, links: [] } : { parent: null, links: known };
}
