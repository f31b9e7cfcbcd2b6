import { z } from 'zod';
import { type Route, route } from './route';
import { noBody, noQuery } from './schemas';

const healthSchema = z.object({ status: z.literal('ok'), site: z.string() });

const none = z.strictObject({});

export const healthRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/healthz',
    tag: 'health',
    operationId: 'health',
    summary: 'Is the process up?',
    roles: [],
    params: none,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'It is.', schema: healthSchema } },
    handle: async ({ context }) => ({ status: 200, body: { status: 'ok', site: context.site } }),
  }),
  route({
    method: 'get',
    path: '/readyz',
    tag: 'health',
    operationId: 'readiness',
    summary: 'Does the site serve: does its database answer?',
    roles: [],
    params: none,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'It serves.', schema: healthSchema } },
    handle: async ({ context }) => {
      await context.db.get('SELECT 1 AS one');
      return { status: 200, body: { status: 'ok', site: context.site } };
    },
  }),
];
