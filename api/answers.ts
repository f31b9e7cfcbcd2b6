/** Errors of every kind as problems. */
import { type Request, type Response } from 'express';
import { type SiteContext } from '../activities/context';
import { isConnectionLost, isDiskFull, isRetryable, isUnknownCommit } from '../db/errors';
import { NotPrimaryError, loadTopology } from '../db/topology';
import { BODY_BYTES_MAX, RETRY_AFTER_S } from './limits';
import { PROBLEM_MEDIA_TYPE, Problem, tooLarge } from './problems';

export function answerProblem(response: Response, problem: Problem, requestId: string): void {
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
  response
    .status(problem.status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem.document(requestId)));
}

/** Nothing of an unknown error's inside is told; the log has it under the request's id. */
export async function toProblem(context: SiteContext, error: unknown, request: Request): Promise<Problem> {
  if (error instanceof Problem) return error;
  if (error instanceof NotPrimaryError) return misdirected(context, error, request);
  const refused = refusedByParser(error);
  if (refused) return refused;
  if (isRetryable(error) || isConnectionLost(error) || isUnknownCommit(error)) {
    const detail = "the site's database does not answer: nothing is known to be changed; try again";
    return new Problem(503, 'database-away', detail, {}, { 'Retry-After': String(RETRY_AFTER_S) });
  }
  if (isDiskFull(error)) {
    const detail = "the site's disk is full: nothing was changed; make room there, then try again";
    return new Problem(507, 'disk-full', detail, {}, { 'Retry-After': String(RETRY_AFTER_S) });
  }
  return new Problem(500, 'internal-error', "the request failed inside; its requestId names it in the site's log");
}

async function misdirected({ db }: SiteContext, error: NotPrimaryError, request: Request): Promise<Problem> {
  const { topology } = await loadTopology(db, error.store);
  const primary = topology.sites.find((site) => site.site === topology.primary);
  const url = `${primary?.url ?? ''}${request.originalUrl}`;
  return new Problem(421, 'wrong-site', `this is done at the primary, "${topology.primary}": ask ${url}`, { url });
}

interface ParserError extends Error {
  type?: string;
  status?: number;
  limit?: number;
}

function refusedByParser(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const { type, status } = error as ParserError;
  if (type === 'entity.too.large') {
    return tooLarge((error as ParserError).limit ?? BODY_BYTES_MAX);
  }
  if (type === 'entity.parse.failed') {
    return new Problem(400, 'malformed-json', `the body is not JSON${placeOf(error)}: mend it and send it again`);
  }
  if (type === 'charset.unsupported' || type === 'encoding.unsupported') {
    return new Problem(415, 'unsupported-media-type', `${error.message}: send UTF-8`);
  }
  if (status !== undefined && status >= 400 && status < 500) return new Problem(status, 'bad-request', error.message);
  if (error instanceof URIError) return new Problem(400, 'bad-request', 'the path holds a malformed percent-encoding');
  return null;
}

/** The parser's own message quotes the body, which may be a buyer's address: of it, the place is told. */
function placeOf({ message }: Error): string {
  const position = /position (\d+)/.exec(message)?.[1];
  return position === undefined ? '' : ` from position ${position} on`;
}
