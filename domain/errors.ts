/**
 * What may be told of an error (docs/decisions/0019). Drivers, parsers and the runtime put what they were working on
 * into their messages: a buyer's name, a line of a document, a URL with its password. So an error's message leaves its
 * site, and reaches a log, only where somebody has seen to it that there is nothing of the kind in it.
 */

export interface TellableOptions extends ErrorOptions {
  /** More for the site's log, of the same harmless kind. */
  readonly facts?: Readonly<Record<string, string>>;
}

/**
 * Its message holds what the system itself is made of (stores, sites, ids, counts, names of fields and keys) and never
 * what a row, a document or a request holds, so it may be told to anyone: Temporal, a log, another site.
 */
export class TellableError extends Error {
  readonly facts: Readonly<Record<string, string>>;

  constructor(message: string, { facts = {}, ...options }: TellableOptions = {}) {
    super(message, options);
    this.facts = facts;
  }
}

/** An error as a log shows it. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly errno?: number;
  /** Where it came from, a frame a line. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  readonly [fact: string]: unknown;
}

/** Frames that one description shows. */
const FRAMES_MAX = 16;
/** Causes that one description follows. */
const CAUSES_MAX = 4;
const FRAME = /^ {4}at .*(:\d+:\d+\)?|\(<anonymous>\)|\(native\))$/;
/** From the first quotation mark to the last: what a message quotes may hold marks of its own. */
const QUOTED = /(['"`]).*['"`]/s;
const ELISION = '…';

/** An error without what it quotes: of its own fields, only those are shown that can't hold a value. */
export function describeError(error: unknown, causes = CAUSES_MAX): ErrorDescription {
  if (typeof error !== 'object' || error === null) return { type: typeof error, message: ELISION };
  const { code, errno, type, message, stack, cause } = error as Readonly<Record<string, unknown>>;
  const frames = typeof stack === 'string' ? framesOf(stack, String(message)) : '';
  return {
    type: typeOf(error),
    message: tellableMessage(error),
    ...(typeof code === 'number' || isWord(code) ? { code } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
    // Of Temporal's failures: the activity's own name for what went wrong.
    ...(isWord(type) ? { failure: type } : {}),
    ...(error instanceof TellableError ? error.facts : {}),
    ...(frames === '' ? {} : { stack: frames }),
    ...(cause !== undefined && causes > 0 ? { cause: describeError(cause, causes - 1) } : {}),
  };
}

/** The message, if it may be told as it is; else what is left of it without its quotations. */
export function tellableMessage(error: unknown): string {
  if (error instanceof TellableError) return error.message;
  return isErrorLike(error) ? error.message.replace(QUOTED, `$1${ELISION}$1`) : ELISION;
}

/** The name of its class. */
export function typeOf(error: unknown): string {
  const name = isErrorLike(error) ? error.constructor.name : typeof error;
  return isWord(name) ? name : 'Error';
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^\w+$/.test(value);
}

interface ErrorLike {
  readonly message: string;
}

/** Told by its shape: an error may be of another realm. */
function isErrorLike(error: unknown): error is ErrorLike {
  return typeof error === 'object' && error !== null && typeof (error as { message?: unknown }).message === 'string';
}

function framesOf(stack: string, message: string): string {
  const lines = stack.replace(message, '').split('\n');
  return lines
    .filter((line) => FRAME.test(line))
    .slice(0, FRAMES_MAX)
    .join('\n');
}
