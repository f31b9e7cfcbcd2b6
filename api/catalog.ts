/** Browsing and searching items, publishing and pushing, and which site has what. */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { type BrowsedItem, browseItems, findItems } from '../db/catalog/browse';
import { listConfirmations } from '../db/catalog/deliveries';
import { listHeads, readHead } from '../db/catalog/heads';
import { SKU_LENGTH_MAX, showRevision } from '../domain/catalog';
import { catalogContentRoutes } from './catalog-content';
import { catalogDraftRoutes } from './catalog-drafts';
import { catalogImportRoutes } from './catalog-import';
import { startPush } from './catalog-push';
import { catalogRevisionRoutes } from './catalog-revisions';
import { catalogParams, draftQuery, itemShape, shownContent } from './catalog-schemas';
import { requirePrimaryHere } from './primary';
import { Problem, notFound } from './problems';
import { type Route, route } from './route';
import {
  flagSchema,
  nameSchema,
  noBody,
  noQuery,
  pageOf,
  pageQuery,
  readCursor,
  storeParams,
  time,
  timeOrNull,
  writeCursor,
} from './schemas';
import { acceptedSchema } from './workflow-requests';

/** Longest search text, characters. */
const SEARCH_LENGTH_MAX = 200;
const WORDS_MAX = 10;

const itemSchema = z
  .object({ ...itemShape, available: z.number().int().describe('Units that this site may sell now.') })
  .meta({ id: 'Item' });

function shownItem({ item, available }: BrowsedItem): z.output<typeof itemSchema> {
  return { ...shownContent(item), available };
}

const itemCursor = z.strictObject({ revision: z.number().int(), sku: z.string() });

const browseRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/items',
    tag: 'catalog',
    operationId: 'listItems',
    summary: 'Browse and search what this site sells; all pages of one listing show one revision',
    roles: ['buyer', 'integrator', 'operator'],
    params: storeParams,
    query: pageQuery.extend({
      q: z.string().max(SEARCH_LENGTH_MAX).default('').describe('Words that must all be in sku or description.'),
      classification: z.string().max(255).optional().describe('The beginning of a classification code.'),
      available: flagSchema.describe('Only what can be bought here now.'),
      catalog: nameSchema.optional(),
    }),
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'A page of items.', schema: pageOf(itemSchema).extend({ revision: z.string() }) },
    },
    handle: async ({ context, store, query }) => {
      const catalog = query.catalog ?? store.catalog;
      const cursor = query.after === undefined ? null : readCursor(query.after, itemCursor);
      if (query.after !== undefined && cursor === null) {
        throw new Problem(
          400,
          'invalid-cursor',
          `"${query.after}" is no cursor of this list: leave it out to begin anew`,
        );
      }
      const revision = cursor?.revision ?? (await readHead(context.db, store.store, catalog)).revision;
      const items = await browseItems(context.db, {
        ...{ store: store.store, catalog, revision, limit: query.limit, after: cursor?.sku ?? '' },
        words: query.q.split(/\s+/).filter(Boolean).slice(0, WORDS_MAX),
        classification: query.classification ?? null,
        availableOnly: query.available,
      });
      const last = items.length === query.limit ? items.at(-1) : undefined;
      const next = last ? writeCursor({ revision, sku: last.item.sku }) : null;
      return { status: 200, body: { items: items.map(shownItem), next, revision: showRevision(revision) } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/items/{sku}',
    tag: 'catalog',
    operationId: 'getItem',
    summary: 'One item of what this site sells',
    roles: ['buyer', 'integrator', 'operator'],
    params: z.strictObject({ store: nameSchema, sku: z.string().min(1).max(SKU_LENGTH_MAX) }),
    query: z.strictObject({ catalog: nameSchema.optional() }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The item.', schema: itemSchema }, 404: { description: 'No such item.' } },
    handle: async ({ context, store, params, query }) => {
      const catalog = query.catalog ?? store.catalog;
      const [found] = await findItems(context.db, store.store, catalog, [params.sku]);
      if (!found) throw notFound(`catalogue "${catalog}" has no item "${params.sku}"`);
      return { status: 200, body: shownItem(found) };
    },
  }),
];

const catalogSchema = z
  .object({
    catalog: z.string(),
    revision: z.string(),
    items: z.number().int(),
    digest: z.string(),
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
    handle: async ({ context, store }) => {
      const items = (await listHeads(context.db, store.store)).map(
        ({ catalog, revision, itemCount, digest, updatedAt }) => ({
          ...{ catalog, revision: showRevision(revision), items: itemCount, digest, updatedAt: time(updatedAt) },
        }),
      );
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
      421: { description: 'This is done at the primary.' },
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
  ...browseRoutes,
  ...catalogImportRoutes,
  ...catalogDraftRoutes,
  ...managementRoutes,
  ...catalogRevisionRoutes,
  ...catalogContentRoutes,
];
