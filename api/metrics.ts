/** Metrics for Prometheus: `GET /metrics`, of the store that the key is for. */
import { z } from 'zod';
import { storeGauges } from '../activities/gauges';
import { SiteMetrics } from '../activities/metrics';
import { type Route, route } from './route';
import { noBody, noQuery } from './schemas';

export const metricsRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/metrics',
    tag: 'metrics',
    operationId: 'metrics',
    summary: "Metrics of the key's store at this site, for Prometheus",
    roles: ['monitor', 'operator'],
    params: z.strictObject({}),
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The metrics.', contentType: SiteMetrics.contentType } },
    handle: async ({ context, store }) => {
      const body = await context.metrics.text(store.store, [await storeGauges(context, store.store)]);
      return { status: 200, contentType: SiteMetrics.contentType, body };
    },
  }),
];
