/** One declared route as an Express handler: who, what, once, answer. */
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { type ZodType } from 'zod';
import { type SiteContext, type StoreSettings } from '../activities/context';
import { type Authentication, type Credentials } from './auth';
import { isOfTemporalUi, readSession } from './browser-session';
import { type PlainAnswer, onceByKey } from './idempotency';
import { BODY_BYTES_MAX, STREAMED_BYTES_MAX } from './limits';
import { Problem, notFound, tooLarge } from './problems';
import { enterRoute, scopeOf } from './request-scope';
import { type Caller, type Reply, type Route, mediaType } from './route';

/** The caller of routes that are open to anyone. */
const NOBODY: Caller = { role: 'nobody', id: 'nobody' };

/** Most faults that one answer lists. */
const FAULTS_MAX = 20;

export function routeHandler(context: SiteContext, authentication: Authentication, route: Route): RequestHandler[] {
  const authenticate = async (request: Request, response: Response, next: NextFunction) => {
    const stores = storesOf(context, route, request);
    enterRoute(context, route, stores[0].store, request, response);
    const open = route.roles.length === 0;
    const { store, caller } = open
      ? { store: stores[0], caller: NOBODY }
      : await authentication.require(stores, credentialsOf(request, route), route.roles).catch((error: unknown) => {
          if (mayBeNobody(context, route, request) && isUnauthorized(error))
            return { store: stores[0], caller: NOBODY };
          throw error;
        });
    response.locals['store'] = store;
    response.locals['caller'] = caller;
    next();
  };
  // Who calls is settled before a byte of the body is read.
  return [authenticate, ...bodyReader(route), (request, response) => handle(route, request, response)];
}

/** The `Authorization` header; for a browser that has none, its session. */
function credentialsOf(request: Request, { browser }: Route): Credentials {
  const authorization = request.get('authorization');
  return authorization === undefined && browser !== undefined
    ? { session: readSession(request.get('cookie')) }
    : { authorization };
}

/** A page of the Temporal UI whose user has no session: refused, it would show nobody anything any more. */
function mayBeNobody({ temporalUi }: SiteContext, { browser }: Route, request: Request): boolean {
  return browser === 'or-nobody' && request.get('authorization') === undefined && isOfTemporalUi(temporalUi, request);
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}

/** The store of the path; for a route without one, every store of the site: the key says which. */
function storesOf(context: SiteContext, route: Route, request: Request): [StoreSettings, ...StoreSettings[]] {
  if (!route.path.startsWith('/v1/stores/{store}')) {
    return [...context.stores.values()] as [StoreSettings, ...StoreSettings[]];
  }
  const name = String(request.params['store']);
  const store = context.stores.get(name);
  // An unknown store looks as a known one does to a stranger.
  if (!store)
    throw new Problem(401, 'unauthorized', 'send an API key of this store', {}, { 'WWW-Authenticate': 'Bearer' });
  return [store];
}

function bodyReader(route: Route): RequestHandler[] {
  const limit = limitOf(route);
  if (route.streamBody) return [requireMediaType(Object.keys(route.streamBody)), refuseBeyond(limit)];
  const keepBytes = (_request: unknown, response: unknown, bytes: Buffer) => {
    (response as Response).locals['bodyBytes'] = bytes;
  };
  return [
    (request, _response, next) => {
      const type = request.get('content-type');
      const empty = request.get('content-length') === '0' || (type === undefined && !request.get('transfer-encoding'));
      if (empty || (type !== undefined && /^application\/(.+\+)?json\b/i.test(type))) return next();
      return next(unsupported(type, ['application/json']));
    },
    express.json({ limit, type: () => true, verify: keepBytes }),
  ];
}

function limitOf({ streamBody, bodyBytesMax }: Route): number {
  return bodyBytesMax ?? (streamBody ? STREAMED_BYTES_MAX : BODY_BYTES_MAX);
}

/** A body that says itself that it is too large need not be sent: the connection ends with the answer. */
function refuseBeyond(limit: number): RequestHandler {
  return (request, response, next) => {
    if (Number(request.get('content-length') ?? 0) <= limit) return next();
    response.setHeader('Connection', 'close');
    return next(tooLarge(limit));
  };
}

/** The body, cut off with a problem where it grows beyond the limit. */
function limited(request: Request, response: Response, limit: number): Readable {
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limit) done(tooLarge(limit));
      else done(null, chunk);
    },
  });
  request.once('error', (error) => counting.destroy(error));
  request.once('aborted', () => counting.destroy(new Problem(400, 'bad-request', 'the body broke off')));
  // What an early answer left unread must not stand before the connection's next request.
  response.once('finish', () => request.unpipe(counting).resume());
  return request.pipe(counting);
}

function requireMediaType(allowed: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const type = mediaType(request.get('content-type'));
    if (type !== undefined && allowed.includes(type)) next();
    else next(unsupported(type, allowed));
  };
}

function unsupported(type: string | undefined, allowed: readonly string[]): Problem {
  return new Problem(
    415,
    'unsupported-media-type',
    `Content-Type is ${type ?? 'missing'}: this takes ${allowed.join(', ')}`,
  );
}

async function handle(route: Route, request: Request, response: Response): Promise<void> {
  const { role } = response.locals['caller'] as Caller;
  if (role !== 'buyer') return answer(route, request, response);
  const leave = scopeOf(response).context.buyers.enter();
  try {
    await answer(route, request, response);
  } finally {
    leave();
  }
}

async function answer(route: Route, request: Request, response: Response): Promise<void> {
  const { context, requestId } = scopeOf(response);
  const store = response.locals['store'] as StoreSettings;
  const reply = () =>
    route.handle({
      context,
      store,
      caller: response.locals['caller'] as Caller,
      params: checked(route.params, request.params, 'path', 404),
      query: checked(route.query, request.query, 'query', 400),
      body: route.streamBody ? undefined : checked(route.body, request.body, 'body', 400),
      header: (name) => request.get(name),
      stream: route.streamBody ? limited(request, response, limitOf(route)) : request,
      requestId,
    });
  const key = request.get('idempotency-key');
  if (!route.idempotent || key === undefined) return sendReply(response, await reply());
  const bytes = requestBytes(route, request, response);
  const name = `${route.method} ${request.path}`;
  sendPlain(response, await onceByKey(context, store.store, key, name, bytes, async () => toPlain(await reply())));
}

/**
 * What makes a request the same one: who sends it, with which of the headers that the route reads, and its body. A kept
 * answer holds what a cart's token opens, and is given to nobody who would not have got it himself.
 */
function requestBytes(route: Route, request: Request, response: Response): Buffer {
  const { role, id } = response.locals['caller'] as Caller;
  const read = Object.keys(route.headers ?? {}).map((name) => request.get(name) ?? null);
  const body = (response.locals['bodyBytes'] as Buffer | undefined) ?? Buffer.alloc(0);
  return Buffer.concat([Buffer.from(JSON.stringify([role, id, read])), body]);
}

function checked(schema: ZodType, value: unknown, where: string, status: number): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, FAULTS_MAX).map((issue) => {
    const path = [where, ...issue.path.map(String)].join('.');
    return { path, problem: issue.message };
  });
  if (status === 404)
    throw notFound(`there is nothing here: ${faults.map(({ path, problem }) => `${path}: ${problem}`).join('; ')}`);
  const detail = faults.map(({ path, problem }) => `${path}: ${problem}`).join('; ');
  throw new Problem(status, 'invalid-request', detail, { faults });
}

function toPlain({ status, headers = {}, body, contentType, stream }: Reply): PlainAnswer {
  if (stream) throw new Error('a route with an Idempotency-Key may not stream its answer');
  if (contentType !== undefined)
    return { status, headers: { ...headers, 'Content-Type': contentType }, body: String(body) };
  if (body === undefined) return { status, headers, body: '' };
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}

function sendPlain(response: Response, { status, headers, body }: PlainAnswer): void {
  response.status(status).set(headers);
  if (body === '') response.end();
  else response.send(body);
}

async function sendReply(response: Response, reply: Reply): Promise<void> {
  if (!reply.stream) {
    if (Buffer.isBuffer(reply.body)) {
      response
        .status(reply.status)
        .set({ ...reply.headers, 'Content-Type': reply.contentType })
        .send(reply.body);
    } else sendPlain(response, toPlain(reply));
    return;
  }
  response.status(reply.status).set({ ...reply.headers, 'Content-Type': reply.contentType });
  await stream(reply.stream, response);
}

/** A reader that goes away ends the source too. */
async function stream(source: Readable, response: Response): Promise<void> {
  await pipeline(source, response);
}
