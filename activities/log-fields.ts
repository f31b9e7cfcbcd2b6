/** Fields that a logger adds to all its lines. */
import { type Logger } from 'pino';

type Fields = Readonly<Record<string, unknown>>;

const fieldsByLogger = new WeakMap<object, Fields>();

/**
 * A logger that adds `fields` to each line, and what a line says itself stands instead of them. (pino's own bindings stand
 * beside: a line that names one of them, too, has that name twice, which readers of JSON take in different ways.)
 */
export function withFields(log: Logger, fields: Fields): Logger {
  const named = log.child({});
  fieldsByLogger.set(named, { ...fieldsOf(log), ...fields });
  return named;
}

/** What `withFields` has given a logger. */
export function fieldsOf(log: object): Record<string, unknown> {
  return { ...fieldsByLogger.get(log) };
}
