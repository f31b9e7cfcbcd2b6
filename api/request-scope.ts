/** What one request has of its own: an id, a trace, a logger; and what is told of it when it is over. */
import { type Request, type RequestHandler, type Response } from 'express';
import { type SiteContext } from '../activities/context';
import { withFields } from '../activities/log-fields';
import { type Span } from '../activities/tracing';
import { parseTraceparent } from '../domain/trace';
import { type Route } from './route';

const REQUEST_ID_FORM = /^[\x21-\x7e]{1,128}$/;

interface RequestScope {
  readonly requestId: string;
  /** The site's context, with the request's own logger and trace once its route is known. */
  context: SiteContext;
  store?: string;
  route?: Route;
  span?: Span;
}

export function scopeOf(response: Response): RequestScope {
  return response.locals['scope'] as RequestScope;
}

/** Gives each request its id: the caller's, if it is of a form that a log can bear. */
export function identifyRequest(context: SiteContext): RequestHandler {
  const { clock, ids } = context.runtime;
  return (request, response, next) => {
    const given = request.get('x-request-id');
    const requestId = given !== undefined && REQUEST_ID_FORM.test(given) ? given : ids.uuid();
    const startedAt = clock.now();
    response.locals['scope'] = { requestId, context } satisfies RequestScope;
    response.setHeader('X-Request-Id', requestId);
    response.once('close', () => tellOf(request, response, clock.now() - startedAt));
    next();
  };
}

/** The request has found its route: from here on its log lines and spans name it. Answers its own context. */
export function enterRoute(context: SiteContext, route: Route, store: string, request: Request, response: Response) {
  const scope = scopeOf(response);
  const span = context.tracing.start(`${route.method.toUpperCase()} ${route.path}`, {
    kind: 'server',
    parent: parseTraceparent(request.get('traceparent')),
    attributes: { 'entrepot.store': store, 'entrepot.request_id': scope.requestId },
  });
  const { traceId } = span.trace;
  const log = withFields(context.log, { store, requestId: scope.requestId, traceId });
  scope.store = store;
  scope.route = route;
  scope.span = span;
  scope.context = { ...context, log, trace: span.trace };
}

function tellOf(request: Request, response: Response, durationMs: number): void {
  const { context, store, route, span, requestId } = scopeOf(response);
  const { statusCode: status } = response;
  // The path itself may name a buyer's things; the route does not.
  context.log.debug({ requestId, method: request.method, route: route?.path ?? null, status, durationMs }, 'request');
  if (route && store !== undefined) context.metrics.of(store).answered(route.method, route.path, status, durationMs);
  else context.metrics.strayed();
  span?.end({ 'http.response.status_code': status }, status >= 500 ? new Error(`answered ${status}`) : undefined);
}
