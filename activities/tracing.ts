/** Spans: the steps of a trace. Nothing is recorded unless configuration says where to (docs/configuration.md). */
import { type Random } from '../domain/runtime';
import { type TraceContext, beginTrace } from '../domain/trace';

export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  readonly kind: 'server' | 'producer' | 'consumer';
  /** The step that this one is part of; null begins a trace. */
  readonly parent: TraceContext | null;
  /** Steps of other traces that led to this one. */
  readonly links?: readonly TraceContext[];
  /** Ids and counts only: no personal data, no secrets. */
  readonly attributes?: SpanAttributes;
}

export interface Span {
  /** For what happens within this step, here and elsewhere. */
  readonly trace: TraceContext;
  /** Once; with the error where the step failed. */
  end(attributes?: SpanAttributes, error?: unknown): void;
}

export interface Tracing {
  start(name: string, options: SpanOptions): Span;
}

const nothing = () => undefined;

/** Records nothing, and passes on what came, so that others' spans keep their parents. */
export function tracingOff(random: Random): Tracing {
  return { start: (_name, { parent }) => ({ trace: parent ?? beginTrace(random), end: nothing }) };
}
