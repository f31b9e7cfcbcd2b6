/** A site's log: JSON, one line an event, with the fields of docs/operations.md. */
import pino, { type Logger } from 'pino';
import { fieldsOf } from '../activities/log-fields';
import { describeError } from '../domain/errors';
import { type SiteConfig } from './config';
import { LogFile } from './log-file';

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

export function createLogger(config: Pick<SiteConfig, 'site' | 'log'>): Logger {
  const options: pino.LoggerOptions = {
    level: config.log.level,
    base: { site: config.site },
    serializers: { err: describeError },
    mixin: (_line, _level, logger) => fieldsOf(logger),
    formatters: { log: withhold },
  };
  return config.log.file === undefined ? pino(options) : pino(options, new LogFile(config.log.file));
}
