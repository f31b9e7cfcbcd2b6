/**
 * What Temporal, and so every site and operator, is told of an activity that failed (docs/decisions/0019): what was
 * written to be told goes through; of any other error the class does, and the site's log has the rest.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { TellableError, typeOf } from '../domain/errors';

/** Without its cause, for nobody has looked at that one's message. */
export function failureToTell(error: unknown, site: string): unknown {
  if (error instanceof CancelledFailure) return error;
  if (error instanceof ApplicationFailure) {
    const { message, type, nonRetryable } = error;
    return ApplicationFailure.create({ message, nonRetryable: nonRetryable ?? false, ...(type ? { type } : {}) });
  }
  const type = typeOf(error);
  if (error instanceof TellableError) return ApplicationFailure.retryable(error.message, type);
  return ApplicationFailure.retryable(`an error inside site "${site}": its log has it, by workflow and attempt`, type);
}
