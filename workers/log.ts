/** A site's log: JSON, one line an event, with the fields of docs/operations.md. */
import pino, { type Logger } from 'pino';
import { type SiteConfig } from './config';

/**
 * Names under which personal data and secrets travel in this code. Nobody logs them; should somebody try, the log
 * leaves the value out. (pino's own `redact` with as many paths makes a line three times as dear.)
 */
const WITHHELD: ReadonlySet<string> = new Set([
  ...['authorization', 'cookie', 'key', 'keys', 'apikey', 'secret', 'password', 'token', 'carttoken', 'sealed'],
  ...[
    'buyer',
    'buyerid',
    'shipto',
    'billto',
    'deliverto',
    'street',
    'postalcode',
    'email',
    'phone',
    'payment',
    'comments',
  ],
  ...['document', 'xml', 'sql', 'parameters', 'body', 'headers', 'config'],
]);
const CENSOR = '[withheld]';
/** Objects within objects that a line shows. */
const DEPTH_MAX = 4;
/** Causes of causes that a line shows. */
const CAUSES_MAX = 5;

type Fields = Record<string, unknown>;

/** The fields without what must not be in a log. */
function withhold(fields: Fields, depth = 0): Fields {
  const shown: Fields = {};
  for (const name in fields) {
    const value = fields[name];
    if (WITHHELD.has(name.toLowerCase())) shown[name] = CENSOR;
    else shown[name] = typeof value === 'object' && value !== null ? inside(value, depth + 1) : value;
  }
  return shown;
}

function inside(value: object, depth: number): unknown {
  if (value instanceof Error) return value;
  if (ArrayBuffer.isView(value)) return CENSOR;
  if (depth > DEPTH_MAX) return CENSOR;
  if (Array.isArray(value)) {
    return value.map((entry: unknown) => (typeof entry === 'object' && entry !== null ? inside(entry, depth) : entry));
  }
  return withhold(value as Fields, depth);
}

/** An error with its code and its causes, and nothing else that a driver hung on it (statements, values). */
export function describeError(error: unknown, depth = 0): unknown {
  if (typeof error !== 'object' || error === null) return { type: typeof error, message: String(error) };
  const { name, message, code, errno, cause, stack, type } = error as Error & Fields;
  return {
    type: error.constructor.name === 'Error' ? name : error.constructor.name,
    message: typeof message === 'string' ? message : 'no error but something else was thrown',
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    // Of Temporal's failures: the activity's own name for what went wrong.
    ...(typeof type === 'string' ? { failure: type } : {}),
    ...(cause === undefined || depth >= CAUSES_MAX ? {} : { cause: describeError(cause, depth + 1) }),
    ...(depth === 0 && typeof stack === 'string' ? { stack } : {}),
  };
}

export function createLogger(config: Pick<SiteConfig, 'site' | 'log'>): Logger {
  const options: pino.LoggerOptions = {
    level: config.log.level,
    base: { site: config.site },
    serializers: { err: describeError },
    formatters: { log: withhold },
  };
  return config.log.file === undefined ? pino(options) : pino(options, pino.destination(config.log.file));
}
