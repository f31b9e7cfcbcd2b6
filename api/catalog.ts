/** Publishing and pushing, and which site has what. */
import { z } from 'zod';
import { viewOfSite } from '../activities/catalog/views';
import { workflowPage } from '../activities/context';
import { listConfirmations } from '../db/catalog/deliveries';
import { groupNames } from '../db/catalog/groups';
import { listHeads, readHead } from '../db/catalog/heads';
import { searchedRevisions } from '../db/catalog/indexing';
import { describeAudience, groupsIn, maySee } from '../domain/audience';
import { NO_REVISION, showRevision } from '../domain/catalog';
import { catalogContentRoutes } from './catalog-content';
import { catalogDraftRoutes } from './catalog-drafts';
import { catalogImportRoutes } from './catalog-import';
import { catalogItemRoutes } from './catalog-items';
import { startPush } from './catalog-push';
import { catalogRevisionRoutes } from './catalog-revisions';
import { catalogParams, draftQuery } from './catalog-schemas';
import { catalogTriggerRoutes } from './catalog-triggers';
import { groupRoutes } from './groups';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { type Route, route } from './route';
import { noBody, noQuery, pageOf, storeParams, time, timeOrNull } from './schemas';
import { acceptedSchema } from './workflow-requests';

const catalogSchema = z
  .object({
    catalog: z.string(),
    revision: z.string(),
    searchable: z.string().describe('The revision that searches see: its words are indexed.'),
    items: z.number().int(),
    digest: z.string(),
    audience: z.string().describe('Whom the whole catalogue is for; empty for everyone.'),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Catalog' });

const confirmationSchema = z
  .object({
    catalog: z.string(),
    site: z.string(),
    revision: z.string(),
    target: z.string(),
    state: z.enum(['delivering', 'held', 'confirmed', 'parked']),
    document: z.string().nullable(),
    tries: z.number().int(),
    heldSince: z.iso.datetime().nullable(),
    reason: z.string().nullable(),
    confirmedAt: z.iso.datetime().nullable(),
    updatedAt: z.iso.datetime(),
    workflowId: z.string().nullable(),
    temporalUi: z.url().nullable(),
  })
  .meta({ id: 'CatalogConfirmation' });

const managementRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/catalogs',
    tag: 'catalog',
    operationId: 'listCatalogs',
    summary: 'The catalogues of this site and their revisions',
    roles: ['integrator', 'operator', 'site'],
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The catalogues.', schema: pageOf(catalogSchema) } },
    handle: async ({ context, store, caller }) => {
      const all = await listHeads(context.db, store.store);
      // Another site hears of no catalogue that is not for it.
      const served = caller.role === 'site' ? (await viewOfSite(context.db, store.store, caller.id)).partition : null;
      const heads = all.filter(({ audience }) => served === null || maySee(groupsIn(served), audience));
      const searched = await searchedRevisions(context.db, store.store);
      const names = await groupNames(context.db, store.store);
      const items = heads.map(({ catalog, revision, itemCount, digest, audience, updatedAt }) => ({
        ...{ catalog, revision: showRevision(revision), items: itemCount, digest, updatedAt: time(updatedAt) },
        audience: describeAudience(audience, names),
        searchable: showRevision(searched.get(catalog) ?? NO_REVISION),
      }));
      return { status: 200, body: { items, next: null } };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/catalogs/{catalog}/pushes',
    tag: 'catalog',
    operationId: 'pushCatalog',
    summary: 'Publish a draft and push the newest revision to the sites (workflow catalogPush)',
    roles: ['integrator', 'operator'],
    params: catalogParams,
    query: draftQuery,
    body: noBody,
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      const topology = await requirePrimaryHere(request);
      return startPush(request, { catalog: request.params.catalog, draft: request.query.draft, topology });
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/catalogs/{catalog}/status',
    tag: 'catalog',
    operationId: 'getCatalogStatus',
    summary: 'Which site has confirmed which revision, and what is held or parked, at the parent',
    roles: ['integrator', 'operator'],
    params: catalogParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: {
        description: 'The confirmation table.',
        schema: pageOf(confirmationSchema).extend({ revision: z.string(), itemCount: z.number().int() }),
      },
    },
    handle: async ({ context, store, params }) => {
      const head = await readHead(context.db, store.store, params.catalog);
      const items = (await listConfirmations(context.db, store.store, params.catalog)).map((row) => ({
        ...{ catalog: row.catalog, site: row.site, state: row.state, tries: row.tries, reason: row.reason },
        revision: showRevision(row.revision),
        target: showRevision(row.targetRevision),
        document: row.payloadId,
        heldSince: timeOrNull(row.heldSince),
        confirmedAt: timeOrNull(row.confirmedAt),
        updatedAt: time(row.updatedAt),
        workflowId: row.workflowId,
        temporalUi: row.workflowId === null ? null : workflowPage(context, row.workflowId),
      }));
      const { revision, itemCount } = head;
      return { status: 200, body: { items, next: null, revision: showRevision(revision), itemCount } };
    },
  }),
];

export const catalogRoutes: readonly Route[] = [
  ...catalogItemRoutes,
  ...catalogImportRoutes,
  ...catalogDraftRoutes,
  ...managementRoutes,
  ...catalogRevisionRoutes,
  ...catalogTriggerRoutes,
  ...catalogContentRoutes,
  ...groupRoutes,
];
