/** The OpenAPI 3.1 document, made from the schemas that validate. */
import { OpenAPIRegistry, OpenApiGeneratorV31, extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { PROBLEM_TYPES } from './problem-types';
import { PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_BASE } from './problems';
import { type Route } from './route';
import { problemSchema } from './schemas';

extendZodWithOpenApi(z);

export const API_VERSION = '1';

/** Problems that any route may answer. */
const COMMON_PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not of the form that this route takes.',
  413: 'The body is too large.',
  415: 'The media type is not one that this route takes.',
  429: 'Too many requests.',
  431: 'The request line and headers are too large.',
  503: 'The database is away; nothing is known to be changed.',
  507: 'The disk is full; nothing was changed.',
};
const AUTH_PROBLEMS: Readonly<Record<number, string>> = {
  401: 'No key, or not one of this store and site.',
  403: 'The key may not do this.',
};

/** Of routes that name a thing in their path. */
const NAMED_PROBLEMS: Readonly<Record<string, string>> = { 404: 'There is no such thing here.' };
/** Of routes that take an Idempotency-Key. */
const ONCE_PROBLEMS: Readonly<Record<string, string>> = {
  409: 'The first request with this Idempotency-Key is under way.',
  422: 'The Idempotency-Key was used with another body.',
};

/** What the capabilities are about, in the order in which a reader meets them. */
const TAGS: Readonly<Record<string, string>> = {
  catalog: 'Browsing and searching what a site sells; importing, publishing and pushing it.',
  carts: 'From an empty cart to an order. A cart is reached with its token, and written with its newest ETag.',
  orders: 'What was sold here, and at the primary what was sold everywhere.',
  inventory: 'Units that a site may sell or grant: received, shared out, on their way.',
  deliveries: 'What this site has for others and has no answer to yet.',
  workflows: 'What was asked for and goes on by itself: it survives the death of any site.',
  sites: 'The sites of the store, and how this one is.',
  keys: 'Who may call this site.',
  metrics: 'For Prometheus.',
  health: 'For load balancers.',
};

export function openApiDocument(routes: readonly Route[]): object {
  const registry = new OpenAPIRegistry();
  const keyScheme = registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'ek_<key id>_<secret>',
    description: 'An API key, scoped to store, site and role; between sites a short-lived token.',
  });
  for (const route of routes) register(registry, route, keyScheme.name);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Entrepot',
      version: API_VERSION,
      description: 'One site of a commerce system that runs on many servers in many places.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    'x-problem-types': Object.entries(PROBLEM_TYPES).map(([slug, meaning]) => ({
      type: PROBLEM_TYPE_BASE + slug,
      meaning,
    })),
  });
}

function register(registry: OpenAPIRegistry, route: Route, keyScheme: string): void {
  const problems: Readonly<Record<string, string>> = {
    ...COMMON_PROBLEMS,
    ...(route.roles.length > 0 ? AUTH_PROBLEMS : {}),
    ...(/\{(?!store\})/.test(route.path) ? NAMED_PROBLEMS : {}),
    ...(route.idempotent ? ONCE_PROBLEMS : {}),
  };
  const headers = requestHeaders(route);
  registry.registerPath({
    method: route.method,
    path: route.path,
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: route.roles.length > 0 ? `Roles: ${route.roles.join(', ')}.` : 'Open to anyone.',
    'x-roles': route.roles,
    security: route.roles.length > 0 ? [{ [keyScheme]: [] }] : [],
    request: {
      ...objectPart('params', route.params),
      ...objectPart('query', route.query),
      ...(headers ? { headers } : {}),
      ...requestBody(route),
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          status,
          { description, 'x-common': true, content: problemContent },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, shape]) => [status, response(Number(status), shape)]),
      ),
    },
  });
}

function objectPart(name: 'params' | 'query', schema: z.ZodType): object {
  return schema instanceof z.ZodObject && Object.keys(schema.shape).length > 0 ? { [name]: schema } : {};
}

function requestHeaders(route: Route): z.ZodObject | null {
  const declared = Object.entries(route.headers ?? {}).map(([name, { description, required }]) => {
    const value = z.string().describe(description);
    return [name, required ? value : value.optional()] as const;
  });
  const all = route.idempotent
    ? [
        ...declared,
        [
          'Idempotency-Key',
          z.string().min(1).max(255).optional().describe('Sent again, the request is done once.'),
        ] as const,
      ]
    : declared;
  return all.length > 0 ? z.object(Object.fromEntries(all)) : null;
}

function requestBody(route: Route): object {
  if (route.streamBody) {
    const content = Object.fromEntries(Object.entries(route.streamBody).map(([type, schema]) => [type, { schema }]));
    return { body: { required: true, content } };
  }
  // No body is as good as an empty object.
  const required = !route.body.safeParse({}).success;
  const schema = route.body instanceof z.ZodOptional ? (route.body.unwrap() as z.ZodType) : route.body;
  if (!(schema instanceof z.ZodObject) || Object.keys(schema.shape).length === 0) return {};
  return { body: { required, content: { 'application/json': { schema } } } };
}

const problemContent = { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } };
const FIRST_PROBLEM_STATUS = 400;

function response(status: number, shape: Route['responses'][number]): object & { description: string } {
  const type = shape.contentType ?? (shape.schema ? 'application/json' : null);
  return {
    description: shape.description,
    ...(shape.headers
      ? {
          headers: Object.fromEntries(
            Object.entries(shape.headers).map(([name, description]) => [
              name,
              { description, schema: { type: 'string' } },
            ]),
          ),
        }
      : {}),
    ...(type === null ? {} : { content: { [type]: { schema: shape.schema ?? z.string() } } }),
    ...(type === null && status >= FIRST_PROBLEM_STATUS ? { content: problemContent } : {}),
  };
}
