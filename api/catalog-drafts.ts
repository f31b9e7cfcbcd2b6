/** Drafts: changes of items one by one, and what a publication would make of them. */
import { z } from 'zod';
import { type ItemEdit, editItem, itemInDraft } from '../activities/catalog/draft-item';
import {
  type DraftSummary,
  countDraft,
  discardDraft,
  itemsInDraft,
  listDrafts,
  skusInDraft,
} from '../db/catalog/drafts';
import { groupNames } from '../db/catalog/groups';
import { requirePrimacy } from '../db/topology';
import { type ItemInDraft, publishedAt } from '../domain/catalog-draft';
import { type ItemTexts } from '../domain/catalog-import';
import { jsonTexts } from '../domain/catalog-json';
import {
  catalogParams,
  draftChangeSchema,
  draftItemParams,
  draftItemSchema,
  draftParams,
  keptItem,
  partialItemSchema,
  shownDraftChange,
  wholeItemSchema,
} from './catalog-schemas';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { Problem, notFound } from './problems';
import { STAFF, type Reply, type Route, type RouteRequest, route } from './route';
import { noBody, noQuery, pageOf, pageQuery, requireCursor, timeOrNull, writeCursor } from './schemas';

const DRAFTS = '/v1/stores/{store}/catalogs/{catalog}/drafts';

export const draftSchema = z
  .object({
    draft: z.string(),
    ...{ added: z.number().int(), changed: z.number().int(), withdrawn: z.number().int() },
    due: z.number().int().describe('Changes from a date on whose time has come: the next publication takes them, too.'),
    waiting: z.number().int().describe('Changes that wait for their time.'),
    updatedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Draft' });

export function shownDraft({ updatedAt, ...summary }: DraftSummary): z.output<typeof draftSchema> {
  return { ...summary, updatedAt: timeOrNull(updatedAt) };
}

const draftCursor = z.string();

const readingRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: DRAFTS,
    tag: 'catalog',
    operationId: 'listDrafts',
    summary: 'The drafts of a catalogue that hold something, at the primary',
    roles: STAFF,
    params: catalogParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The drafts.', schema: pageOf(draftSchema) }, ...AT_THE_PRIMARY },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, store, params } = request;
      const drafts = await listDrafts(context.db, store.store, params.catalog, context.runtime.clock.now());
      return { status: 200, body: { items: drafts.map(shownDraft), next: null } };
    },
  }),
  route({
    method: 'get',
    path: `${DRAFTS}/{draft}`,
    tag: 'catalog',
    operationId: 'getDraft',
    summary: 'How much a publication of this draft would change now',
    roles: STAFF,
    params: draftParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'Counts; a draft in which there is nothing has none.', schema: draftSchema },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, params } = request;
      return { status: 200, body: shownDraft(await countDraft(context.db, params, context.runtime.clock.now())) };
    },
  }),
  route({
    method: 'get',
    path: `${DRAFTS}/{draft}/changes`,
    tag: 'catalog',
    operationId: 'listDraftChanges',
    summary: 'What a publication of this draft would change now: added, changed with old and new values, withdrawn',
    roles: STAFF,
    params: draftParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'A page of items, by sku.', schema: pageOf(draftChangeSchema) },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, params, query } = request;
      const now = context.runtime.clock.now();
      const after = query.after === undefined ? '' : requireCursor(query.after, draftCursor);
      const skus = await skusInDraft(context.db, params, { after, limit: query.limit });
      const names = await groupNames(context.db, params.store);
      const entries = await itemsInDraft(context.db, params, skus);
      const changes = entries.map((entry) => shownDraftChange(entry, now, names));
      // Another draft may have been published that made it so already.
      const items = changes.filter(({ change, waiting }) => change !== 'unchanged' || waiting.length > 0);
      const next = skus.length === query.limit ? writeCursor(skus.at(-1)) : null;
      return { status: 200, body: { items, next } };
    },
  }),
  route({
    method: 'get',
    path: `${DRAFTS}/{draft}/items/{sku}`,
    tag: 'catalog',
    operationId: 'getDraftItem',
    summary: 'One item as a publication of this draft would make it',
    roles: STAFF,
    params: draftItemParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'The item.', schema: draftItemSchema },
      404: { description: 'No such item.' },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, params } = request;
      const entry = await itemInDraft(context.db, params, params.sku);
      const { published, drafted, dated } = entry;
      if (published === null && drafted === undefined && dated.length === 0) throw noSuchItem(params);
      return { status: 200, body: await shownDraftItem(request, entry, []) };
    },
  }),
];

const writingRoutes: readonly Route[] = [
  route({
    method: 'delete',
    path: `${DRAFTS}/{draft}`,
    tag: 'catalog',
    operationId: 'discardDraft',
    summary: 'Throw a draft away with all that waits in it',
    roles: STAFF,
    params: draftParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'How many changes it held.', schema: z.object({ discarded: z.number().int() }) },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      const { epoch } = await requirePrimaryHere(request);
      const { context, params } = request;
      const discarded = await context.db.transaction(async (tx) => {
        await requirePrimacy(tx, params.store, epoch);
        return discardDraft(tx, params);
      });
      return { status: 200, body: { discarded } };
    },
  }),
  route({
    method: 'put',
    path: `${DRAFTS}/{draft}/items/{sku}`,
    tag: 'catalog',
    operationId: 'putDraftItem',
    summary: 'Add an item, or change all of it, with the next publication',
    roles: STAFF,
    params: draftItemParams,
    query: noQuery,
    body: wholeItemSchema,
    idempotent: false,
    responses: {
      200: { description: 'The item as drafted.', schema: draftItemSchema },
      422: { description: 'A value of the item is wrong; nothing was changed.' },
      ...AT_THE_PRIMARY,
    },
    handle: (request) => edit(request, { kind: 'put', texts: textsOfBody(request.params.sku, request.body) }),
  }),
  route({
    method: 'patch',
    path: `${DRAFTS}/{draft}/items/{sku}`,
    tag: 'catalog',
    operationId: 'changeDraftItem',
    summary: 'Change some values of an item with the next publication; the others stay as the draft has them',
    roles: STAFF,
    params: draftItemParams,
    query: noQuery,
    body: partialItemSchema,
    idempotent: false,
    responses: {
      200: { description: 'The item as drafted.', schema: draftItemSchema },
      404: { description: 'There is no such item to be changed.' },
      422: { description: 'A value of the item is wrong; nothing was changed.' },
      ...AT_THE_PRIMARY,
    },
    handle: (request) => {
      const { sku } = request.params;
      const attributes = Object.entries(request.body.attributes ?? {}).map(([name, value]) => [name, value ?? '']);
      const body = { ...request.body, attributes: Object.fromEntries(attributes) as Record<string, string> };
      return edit(request, { kind: 'patch', texts: textsOfBody(sku, body) });
    },
  }),
  route({
    method: 'delete',
    path: `${DRAFTS}/{draft}/items/{sku}`,
    tag: 'catalog',
    operationId: 'withdrawDraftItem',
    summary: 'Withdraw an item with the next publication',
    roles: STAFF,
    params: draftItemParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'The item as drafted: not there.', schema: draftItemSchema },
      404: { description: 'There is no such item to be withdrawn.' },
      ...AT_THE_PRIMARY,
    },
    handle: (request) => edit(request, { kind: 'withdraw' }),
  }),
];

type ItemRequest = RouteRequest<z.output<typeof draftItemParams>, unknown, unknown>;

async function edit(request: ItemRequest, change: ItemEdit): Promise<Reply> {
  await requirePrimaryHere(request);
  const { context, params } = request;
  const edited = await editItem(context, params, params.sku, change);
  if (edited.outcome === 'absent') throw noSuchItem(params);
  if (edited.outcome === 'bad') throw badItem(params.sku, edited.faults);
  return { status: 200, body: await shownDraftItem(request, edited.entry, edited.defaults) };
}

interface BodyFault {
  readonly column: string;
  readonly reason: string;
}

function textsOfBody(sku: string, body: object): ItemTexts {
  const texts = jsonTexts({ ...body, sku });
  if ('faults' in texts) throw badItem(sku, texts.faults);
  return texts;
}

function badItem(sku: string, found: readonly BodyFault[]): Problem {
  const faults = found.map(({ column, reason }) => ({ column, reason }));
  const detail = faults.map(({ column, reason }) => `"${column}" ${reason}`).join('; ');
  return new Problem(422, 'bad-item', `item "${sku}" was not changed: ${detail}`, { faults });
}

function noSuchItem({ catalog, draft, sku }: z.output<typeof draftItemParams>): Problem {
  return notFound(`neither draft "${draft}" of catalogue "${catalog}" nor its newest revision has an item "${sku}"`);
}

async function shownDraftItem(
  { context, params }: ItemRequest,
  entry: ItemInDraft,
  defaults: readonly string[],
): Promise<z.output<typeof draftItemSchema>> {
  const names = await groupNames(context.db, params.store);
  const now = context.runtime.clock.now();
  const item = publishedAt(entry, now);
  const shown = { draft: params.draft, item: item && keptItem(item, names), defaults: [...defaults] };
  return { ...shownDraftChange(entry, now, names), ...shown };
}

export const catalogDraftRoutes: readonly Route[] = [...readingRoutes, ...writingRoutes];
