import { z } from 'zod';
import { loadTopology } from '../db/topology';
import { SITE_ROLES } from '../domain/sites';
import { type Route, route } from './route';
import { noBody, noQuery, storeParams } from './schemas';

const siteSchema = z.object({
  site: z.string(),
  role: z.enum(SITE_ROLES),
  parent: z.string().nullable(),
  url: z.string(),
  incarnation: z.number().int(),
});

const topologySchema = z
  .object({
    store: z.string(),
    version: z.number().int(),
    epoch: z.number().int(),
    primary: z.string(),
    answeredBy: z.string(),
    sites: z.array(siteSchema),
  })
  .meta({ id: 'Topology' });

export const siteRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/topology',
    tag: 'sites',
    operationId: 'getTopology',
    summary: 'The sites of the store as this site knows them',
    roles: ['integrator', 'operator', 'site'],
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The topology.', schema: topologySchema } },
    handle: async ({ context, store }) => {
      const { topology } = await loadTopology(context.db, store.store);
      return { status: 200, body: { ...topology, answeredBy: context.site } };
    },
  }),
];
