/** Why Temporal did not answer, in as few words as its client allows. */
export function grpcReason(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { details, message } = error as { details?: unknown; message?: unknown };
  const text = typeof details === 'string' && details !== '' ? details : message;
  return typeof text === 'string' ? text.replace(/\.?\s*Resolution note:\s*$/, '') : JSON.stringify(error);
}

/** gRPC's code for what is not there. */
const NOT_FOUND = 5;

/** The server answered, and what was asked for is not there. */
export function isNotThere(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === NOT_FOUND;
}
