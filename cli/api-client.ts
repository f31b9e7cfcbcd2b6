/** A site's HTTP API as the command line calls it. */
import { type Readable } from 'node:stream';
import { CommandFailure, unreachable } from './exit-codes';
import { reasonOf } from './reason';

/** How long one answer may take, milliseconds; an import of a large file is given its own. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Largest page that the API gives. */
const PAGE_LIMIT = 200;

/** An RFC 9457 problem that a site answered. */
export class ApiProblem extends CommandFailure {
  constructor(
    readonly status: number,
    readonly problem: Readonly<Record<string, unknown>>,
    message: string,
  ) {
    super(1, message);
  }

  /** The last part of the problem's stable type, for example `not-enough-stock`. */
  get slug(): string {
    return typeof this.problem['type'] === 'string' ? (this.problem['type'].split('/').at(-1) ?? '') : '';
  }
}

export interface ApiTarget {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string;
  readonly store: string;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly stream?: Readable;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly timeoutMs?: number;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export class ApiClient {
  constructor(readonly target: ApiTarget) {}

  /** Calls a path below `/v1/stores/{store}`. */
  store<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    return this.call<T>(`/v1/stores/${encodeURIComponent(this.target.store)}${path}`, call);
  }

  /** Any path; throws ApiProblem for an answer of 400 and above, an `unreachable` failure for none. */
  async call<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    const response = await this.send(path, call);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const body = (isJson && text !== '' ? JSON.parse(text) : text) as T;
    if (response.ok) return { status: response.status, headers: response.headers, body };
    const problem = isJson ? (body as Record<string, unknown>) : {};
    throw new ApiProblem(response.status, problem, this.describe(response, problem, text));
  }

  /** All pages of a list, up to `limit` items. */
  async list<T>(path: string, query: Call['query'] = {}, limit = Number.MAX_SAFE_INTEGER): Promise<T[]> {
    const items: T[] = [];
    let after: string | undefined;
    do {
      const page = { ...query, after, limit: Math.min(PAGE_LIMIT, limit - items.length) };
      const { body } = await this.store<Page<T>>(path, { query: page });
      items.push(...body.items);
      after = body.next ?? undefined;
    } while (after !== undefined && items.length < limit);
    return items;
  }

  private async send(path: string, call: Call): Promise<Response> {
    const url = new URL(this.target.url + path);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = call.stream ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const contentType = call.contentType ?? (call.body === undefined ? undefined : 'application/json');
    const init = {
      method: call.method ?? 'GET',
      headers: {
        ...(this.target.key === '' ? {} : { authorization: `Bearer ${this.target.key}` }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body, duplex: 'half' }),
      signal: AbortSignal.timeout(call.timeoutMs ?? ANSWER_TIMEOUT_MS),
    };
    try {
      return await fetch(url, init as unknown as RequestInit);
    } catch (error) {
      throw unreachable(
        `no answer from ${this.target.url} (${reasonOf(error)}): is the site running there? ` +
          `"entrepot start" starts a trial system; --url or ENTREPOT_API_URL names another site`,
        error,
      );
    }
  }

  private describe(response: Response, problem: Readonly<Record<string, unknown>>, text: string): string {
    const say = (name: string) => (typeof problem[name] === 'string' ? problem[name] : undefined);
    const detail = [say('title'), say('detail')].filter((part) => part !== undefined).join(': ');
    const hint =
      response.status === 401 || response.status === 403 ? ' (--key or ENTREPOT_API_KEY names the key to use)' : '';
    return `${this.target.url} answered ${response.status}: ${detail || text.replace(/\s+/g, ' ').slice(0, 200) || response.statusText}${hint}`;
  }
}
