/** How a site is, for operators: from its database, and from what its process knows. */
import { z } from 'zod';
import { listHeads } from '../db/catalog/heads';
import { countOpenTransfers, sumRights } from '../db/inventory';
import { loadTopology } from '../db/topology';
import { showRevision } from '../domain/catalog';
import { SITE_ROLES, findSite } from '../domain/sites';
import { countDeliveries, deliveryCountsSchema } from './delivery-counts';
import { type Route, route } from './route';
import { noBody, noQuery, storeParams, time } from './schemas';

const statusSchema = z
  .object({
    site: z.string(),
    role: z.enum(SITE_ROLES),
    at: z.iso.datetime().describe("The site's clock."),
    topology: z.object({
      version: z.number().int().describe("0 until the topology's authority has spoken."),
      epoch: z.number().int(),
      primary: z.string(),
    }),
    incarnation: z.number().int().describe("0 until the topology's authority has given one."),
    database: z.object({ engine: z.enum(['sqlite', 'mariadb']) }),
    temporal: z.object({
      reached: z.boolean(),
      reason: z.string().nullable().describe('Why it is not reached.'),
      namespace: z.string(),
    }),
    catalogs: z.array(z.object({ catalog: z.string(), revision: z.string(), items: z.number().int() })),
    deliveries: deliveryCountsSchema,
    units: z.object({
      own: z.number().int().describe('What the site may sell.'),
      pool: z.number().int().describe('What it keeps to grant.'),
      inFlight: z.number().int().describe('Given, and not known to be credited.'),
    }),
  })
  .meta({ id: 'SiteStatus' });

export const statusRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/status',
    tag: 'sites',
    operationId: 'getStatus',
    summary: 'How this site is: Temporal, epoch, catalogues, what waits, units',
    roles: ['operator'],
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The status; its database answered for it.', schema: statusSchema } },
    handle: async (request) => {
      const { context, store } = request;
      const { db, runtime } = context;
      const { topology, site, incarnation } = await loadTopology(db, store.store);
      const { version, epoch, primary } = topology;
      const now = runtime.clock.now();
      const { before } = await countOpenTransfers(db, store.store, site, Number.MAX_SAFE_INTEGER);
      const body: z.output<typeof statusSchema> = {
        ...{ site, role: findSite(topology, site).role, at: time(now) },
        ...{ topology: { version, epoch, primary }, incarnation, database: { engine: db.engine } },
        temporal: { ...(await context.temporalReach()), namespace: context.temporalUi.namespace },
        catalogs: (await listHeads(db, store.store)).map(({ catalog, revision, itemCount }) => ({
          ...{ catalog, revision: showRevision(revision), items: itemCount },
        })),
        deliveries: await countDeliveries(request),
        units: { ...(await sumRights(db, store.store)), inFlight: before.units },
      };
      return { status: 200, body };
    },
  }),
];
