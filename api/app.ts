/** The HTTP API from its declared routes: every route is closed unless it says who may call. */
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { type SiteContext } from '../activities/context';
import { Authentication } from './auth';
import { answerProblem, toProblem } from './answers';
import { isOfTemporalUi } from './browser-session';
import { serveDescription } from './docs';
import { RATE_WINDOW_MS, REQUESTS_PER_WINDOW_MAX } from './limits';
import { Problem } from './problems';
import { identifyRequest, scopeOf } from './request-scope';
import { type Route } from './route';
import { routeHandler } from './route-handler';

/** How long a browser remembers that the Temporal UI may call, seconds. */
const PREFLIGHT_MAX_AGE_S = 600;

export function createApp(context: SiteContext, routes: readonly Route[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(helmet());
  app.use(identifyRequest(context));
  app.use(
    rateLimit({
      windowMs: RATE_WINDOW_MS,
      limit: REQUESTS_PER_WINDOW_MAX,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      validate: false,
      keyGenerator: (request: Request) => request.get('authorization') ?? request.socket.remoteAddress ?? 'unknown',
      handler: (_request, _response, next) =>
        next(
          new Problem(429, 'too-many-requests', `more than ${REQUESTS_PER_WINDOW_MAX} requests in a minute: slow down`),
        ),
    }),
  );
  serveDescription(app, routes, context.url);
  const authentication = new Authentication(context);
  const forBrowsers = routes.filter(({ browser }) => browser).map(({ path }) => path);
  for (const path of new Set(forBrowsers)) app.all(expressPath(path), allowTemporalUi(context));
  for (const route of routes) app[route.method](expressPath(route.path), routeHandler(context, authentication, route));
  for (const path of new Set(routes.map((route) => route.path))) app.all(expressPath(path), refuseMethod(routes, path));
  app.use((request, _response, next) => {
    next(new Problem(404, 'not-found', `there is nothing at ${request.path}: see /openapi.json for what there is`));
  });
  app.use(answerErrors(context));
  return app;
}

/** Cross-origin calls are for the Temporal UI's own pages only; without these headers a browser makes none. */
function allowTemporalUi({ temporalUi }: SiteContext): express.RequestHandler {
  const { origin } = new URL(temporalUi.url);
  return (request, response, next) => {
    response.vary('Origin');
    if (isOfTemporalUi(temporalUi, request)) {
      response.set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Allow-Methods': 'POST',
        'Access-Control-Allow-Headers': 'Authorization, Authorization-Extras, Content-Type, X-Namespace',
        'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_S),
      });
    }
    next();
  };
}

/** `/items/{sku}` as Express writes it. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function refuseMethod(routes: readonly Route[], path: string): express.RequestHandler {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
  const allow = (methods.includes('GET') ? [...methods, 'HEAD'] : methods).concat('OPTIONS').join(', ');
  return (request, response, next) => {
    response.setHeader('Allow', allow);
    if (request.method === 'OPTIONS') response.status(204).end();
    else next(new Problem(405, 'method-not-allowed', `${request.method} is not for ${path}: it takes ${allow}`));
  };
}

function answerErrors(site: SiteContext): ErrorRequestHandler {
  return async (err: unknown, request: Request, response: Response, next) => {
    const { context, requestId } = scopeOf(response);
    if (response.headersSent) {
      context.log.warn({ requestId, err }, 'an answer broke off');
      next(err);
      return;
    }
    const problem = await toProblem(site, err, request);
    if (problem.status >= 500) context.log.error({ requestId, problem: problem.slug, err }, 'request failed');
    answerProblem(response, problem, requestId);
  };
}
