/** The revisions that a site has had: listed, looked at, compared, brought back. */
import { z } from 'zod';
import { restoreRevision } from '../activities/catalog/restoration';
import { type Span, itemsAt, touchedSkus, versionsAtBoth } from '../db/catalog/changes';
import { groupNames } from '../db/catalog/groups';
import { findRevision, listRevisions, readHead } from '../db/catalog/heads';
import { type Statements } from '../db/database';
import { describeAudience } from '../domain/audience';
import { NO_REVISION, OPEN_REVISION, readRevision, showRevision } from '../domain/catalog';
import { draftSchema, shownDraft } from './catalog-drafts';
import { catalogParams, itemChangeSchema, keptItem, keptItemSchema, shownItemChange } from './catalog-schemas';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { notFound } from './problems';
import { STAFF, type Route, route } from './route';
import { noBody, noQuery, pageOf, pageQuery, requireCursor, time, writeCursor } from './schemas';

const CATALOG = '/v1/stores/{store}/catalogs/{catalog}';

const revisionText = z
  .string()
  .refine((text) => readRevision(text) !== null, 'must be a revision: epoch and number, for example 1.7')
  .meta({ example: '1.1' });
const revisionParams = catalogParams.extend({ revision: revisionText });

const revisionSchema = z
  .object({
    revision: z.string(),
    base: z.string(),
    items: z.number().int(),
    digest: z.string(),
    audience: z.string().describe('Whom the whole catalogue is for; empty for everyone.'),
    publishedAt: z.iso.datetime(),
    request: z.string(),
  })
  .meta({ id: 'CatalogRevision' });

/** Throws 404 for one that this site has not had; 0.0 is before the first. */
async function requireRevision(reads: Statements, store: string, catalog: string, text: string): Promise<number> {
  const revision = readRevision(text) ?? NO_REVISION;
  if (revision !== NO_REVISION && !(await findRevision(reads, store, catalog, revision))) {
    throw notFound(`catalogue "${catalog}" has had no revision ${text} here: GET …/revisions lists those that it had`);
  }
  return revision;
}

const skuCursor = z.string();

export const catalogRevisionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: `${CATALOG}/revisions`,
    tag: 'catalog',
    operationId: 'listRevisions',
    summary: 'The revisions that this site has had, newest first',
    roles: STAFF,
    params: catalogParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of revisions.', schema: pageOf(revisionSchema) } },
    handle: async ({ context, store, params, query }) => {
      const before = query.after === undefined ? OPEN_REVISION : requireCursor(query.after, z.number().int());
      const records = await listRevisions(context.db, store.store, params.catalog, query.limit, before);
      const names = await groupNames(context.db, store.store);
      const items = records.map(({ revision, baseRevision, itemCount, digest, audience, publishedAt, request }) => ({
        ...{ revision: showRevision(revision), base: showRevision(baseRevision), items: itemCount, digest, request },
        audience: describeAudience(audience, names),
        publishedAt: time(publishedAt),
      }));
      const next = records.length === query.limit ? writeCursor(records.at(-1)?.revision) : null;
      return { status: 200, body: { items, next } };
    },
  }),
  route({
    method: 'get',
    path: `${CATALOG}/revisions/{revision}/items`,
    tag: 'catalog',
    operationId: 'listRevisionItems',
    summary: 'The items of a revision that this site has had',
    roles: STAFF,
    params: revisionParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'A page of items, by sku.', schema: pageOf(keptItemSchema) },
      404: { description: 'This site has not had that revision.' },
    },
    handle: async ({ context, store, params, query }) => {
      const { catalog } = params;
      const revision = await requireRevision(context.db, store.store, catalog, params.revision);
      const after = query.after === undefined ? '' : requireCursor(query.after, skuCursor);
      const versions = await itemsAt(context.db, { store: store.store, catalog, revision }, after, query.limit);
      const names = await groupNames(context.db, store.store);
      const items = versions.map(({ item }) => keptItem(item, names));
      const next = versions.length === query.limit ? writeCursor(versions.at(-1)?.item.sku) : null;
      return { status: 200, body: { items, next } };
    },
  }),
  route({
    method: 'post',
    path: `${CATALOG}/revisions/{revision}/restorations`,
    tag: 'catalog',
    operationId: 'restoreRevision',
    summary: 'Draft what brings a revision back, in a draft of its own: look at its changes, then push it',
    roles: STAFF,
    params: revisionParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'The draft, filled anew.', schema: draftSchema },
      404: { description: 'This site has not had that revision.' },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, store, params } = request;
      const revision = await requireRevision(context.db, store.store, params.catalog, params.revision);
      const draft = await restoreRevision(context, { store: store.store, catalog: params.catalog, revision });
      return { status: 200, body: shownDraft(draft) };
    },
  }),
  route({
    method: 'get',
    path: `${CATALOG}/diff`,
    tag: 'catalog',
    operationId: 'compareRevisions',
    summary: 'What differs between two revisions that this site has had; a page may hold fewer items than its limit',
    roles: STAFF,
    params: catalogParams,
    query: pageQuery.extend({
      from: revisionText.describe('0.0 is before the first.'),
      to: revisionText.optional().describe('The newest unless given; an earlier one than `from` shows the way back.'),
    }),
    body: noBody,
    idempotent: false,
    responses: {
      200: {
        description: 'A page of items, by sku.',
        schema: pageOf(itemChangeSchema).extend({ from: z.string(), to: z.string() }),
      },
      404: { description: 'This site has not had one of the revisions.' },
    },
    handle: async ({ context, store, params, query }) => {
      const { catalog } = params;
      const from = await requireRevision(context.db, store.store, catalog, query.from);
      const to =
        query.to === undefined
          ? (await readHead(context.db, store.store, catalog)).revision
          : await requireRevision(context.db, store.store, catalog, query.to);
      const after = query.after === undefined ? '' : requireCursor(query.after, skuCursor);
      const { items, last } = await differences(context.db, { store: store.store, catalog }, from, to, {
        ...{ after, limit: query.limit },
      });
      const next = last === null ? null : writeCursor(last);
      return { status: 200, body: { items, next, from: showRevision(from), to: showRevision(to) } };
    },
  }),
];

/** `last` is the sku to go on from; null at the end. */
async function differences(
  reads: Statements,
  { store, catalog }: Pick<Span, 'store' | 'catalog'>,
  from: number,
  to: number,
  { after, limit }: { after: string; limit: number },
): Promise<{ items: ReturnType<typeof shownItemChange>[]; last: string | null }> {
  const span = { store, catalog, base: Math.min(from, to), target: Math.max(from, to) };
  const touched = await touchedSkus(reads, span, limit, after);
  const versions = await versionsAtBoth(reads, span, touched);
  const names = await groupNames(reads, store);
  const changes = versions.map(({ sku, before, after: since }) => {
    const [old, fresh] = from <= to ? [before, since] : [since, before];
    return shownItemChange(sku, old?.item ?? null, fresh?.item ?? null, names);
  });
  const last = touched.length === limit ? (touched.at(-1) ?? null) : null;
  return { items: changes.filter(({ change }) => change !== 'unchanged'), last };
}
