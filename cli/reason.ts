/** Why something failed, in the words of the error that knows: fetch hides it in causes. */
export function reasonOf(error: unknown): string {
  // Told by its shape: an error may be of another realm's Error.
  if (typeof error !== 'object' || error === null) return String(error);
  const { message, cause, errors } = error as { message?: unknown; cause?: unknown; errors?: unknown };
  if (Array.isArray(errors)) return errors.map(reasonOf).join(', ');
  if (message === 'fetch failed' && cause !== undefined) return reasonOf(cause);
  return typeof message === 'string' ? message : JSON.stringify(error);
}
