import { ServiceError } from '@temporalio/client';

/** Why Temporal did not answer, in as few words as its client allows. */
export function grpcReason(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { details, message } = error as { details?: unknown; message?: unknown };
  const text = typeof details === 'string' && details !== '' ? details : message;
  return typeof text === 'string' ? text.replace(/\.?\s*Resolution note:\s*$/, '') : JSON.stringify(error);
}

/** Of gRPC's status codes. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/** The server answered, and what was asked for is not there. */
export function isNotThere(error: unknown): boolean {
  return codeOf(error) === NOT_FOUND;
}

/** The server answered, and will not take this one however often it is tried: too large, or too much of it. */
export function isRefused(error: unknown): boolean {
  return codeOf(error instanceof ServiceError ? error.cause : error) === INVALID_ARGUMENT;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
