/** Errors as problem documents (RFC 9457) with a stable `type`. */
import { type ProblemSlug } from './problem-types';

export const PROBLEM_TYPE_BASE = 'https://entrepot.dev/problems/';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly [member: string]: unknown;
}

/** Thrown by a route to answer with a problem; `members` are added to the document. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    /** The last part of the type's URI, for example `insufficient-stock`. */
    readonly slug: ProblemSlug,
    /** What was wrong, with which value, and what to do. */
    readonly detail: string,
    readonly members: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }

  document(requestId: string): ProblemDocument {
    return {
      type: `${PROBLEM_TYPE_BASE}${this.slug}`,
      title: titleOf(this.slug),
      status: this.status,
      detail: this.detail,
      ...this.members,
      requestId,
    };
  }
}

function titleOf(slug: string): string {
  const words = slug.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function notFound(detail: string): Problem {
  return new Problem(404, 'not-found', detail);
}

export function tooLarge(limit: number): Problem {
  return new Problem(413, 'body-too-large', `the body is larger than the ${limit} bytes that this route takes`);
}
