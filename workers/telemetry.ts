/** Spans by OpenTelemetry's OTLP over HTTP, where configuration says so; its packages are loaded only then. */
import type * as OpenTelemetry from '@opentelemetry/api';
import { type Logger } from 'pino';
import { type Span, type SpanOptions, type Tracing, tracingOff } from '../activities/tracing';
import { type Random } from '../domain/runtime';
import { type TraceContext } from '../domain/trace';
import { type SiteConfig } from './config';
import { BATCH_ORDERS_MAX } from '../activities/orders/batch';

/** Where an OTLP receiver takes traces, below the endpoint. */
const TRACES_PATH = '/v1/traces';
/** Spans that wait for the receiver; what comes on top while it is away is lost, and the log says so. */
const SPANS_WAITING_MAX = 8_192;
const EXPORT_INTERVAL_MS = 1_000;
/** How long one export may take. */
const EXPORT_TIMEOUT_MS = 10_000;
/** How long a stopping site waits for its last spans to leave. */
const LAST_EXPORT_TIMEOUT_MS = 2_000;

export interface Telemetry {
  readonly tracing: Tracing;
  /** Sends what is left. */
  close(): Promise<void>;
}

type Settings = Pick<SiteConfig, 'site' | 'telemetry'>;

export async function openTelemetry(settings: Settings, random: Random, log: Logger): Promise<Telemetry> {
  const { otlpEndpoint } = settings.telemetry;
  if (otlpEndpoint === undefined) return { tracing: tracingOff(random), close: () => Promise.resolve() };
  return exportTo(`${otlpEndpoint}${TRACES_PATH}`, settings, log);
}

type Api = typeof OpenTelemetry;

async function exportTo(url: string, { site, telemetry }: Settings, log: Logger): Promise<Telemetry> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const warn = (text: string) => log.warn({ source: 'opentelemetry', url, problem: reasonOf(text) }, 'spans are lost');
  const quiet = () => undefined;
  const logger = { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
  api.diag.setLogger(logger, { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'entrepot', 'entrepot.site': site }),
    // Whoever began a trace has decided whether it is recorded; the ratio is for those that begin here.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(telemetry.sampleRatio) }),
    spanLimits: { linkCountLimit: BATCH_ORDERS_MAX },
    spanProcessors: [
      new sdk.BatchSpanProcessor(exporter, {
        ...{ maxQueueSize: SPANS_WAITING_MAX, scheduledDelayMillis: EXPORT_INTERVAL_MS },
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('entrepot');
  return {
    tracing: { start: (name, options) => started(api, tracer, name, options) },
    close: () => Promise.race([provider.shutdown(), patience()]),
  };
}

/** OpenTelemetry tells of errors as JSON with a stack. */
function reasonOf(text: string): string {
  try {
    const { message, code } = JSON.parse(text) as { message?: string; code?: string };
    return message || code || text;
  } catch {
    return text;
  }
}

/** A receiver that is away must not keep a site from stopping. */
function patience(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, LAST_EXPORT_TIMEOUT_MS).unref());
}

function started(api: Api, tracer: ReturnType<Api['trace']['getTracer']>, name: string, options: SpanOptions): Span {
  const { parent, links = [], attributes = {} } = options;
  const kind = { server: api.SpanKind.SERVER, producer: api.SpanKind.PRODUCER, consumer: api.SpanKind.CONSUMER };
  const remote = ({ traceId, spanId, sampled }: TraceContext) => {
    const traceFlags = sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE;
    return { traceId, spanId, traceFlags, isRemote: true };
  };
  const within = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, remote(parent)) : api.ROOT_CONTEXT;
  const linked = links.map((link) => ({ context: remote(link) }));
  const span = tracer.startSpan(name, { kind: kind[options.kind], attributes, links: linked }, within);
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    trace: { traceId, spanId, sampled: (traceFlags & api.TraceFlags.SAMPLED) !== 0 },
    end(more = {}, error) {
      span.setAttributes(more);
      if (error !== undefined) {
        // Its kind only: a message may quote what it is about.
        span.setAttribute('error.type', error instanceof Error ? error.constructor.name : typeof error);
        span.setStatus({ code: api.SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}
