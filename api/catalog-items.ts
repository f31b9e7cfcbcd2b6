/** Browsing, searching and reading items. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type BrowsedItem, type ItemFilter, browseItems, findItems } from '../db/catalog/browse';
import { findRevision, readHead } from '../db/catalog/heads';
import { isStillSearched, searchedRevision } from '../db/catalog/indexing';
import { CANDIDATES_MAX, hasTooMany, searchItems } from '../db/catalog/search';
import { type StoreSettings } from '../activities/context';
import { type Database } from '../db/database';
import { type Viewer, maySee } from '../domain/audience';
import { NO_REVISION, SKU_LENGTH_MAX, showRevision } from '../domain/catalog';
import { type CentralItems, centralTest } from '../domain/inventory';
import { parseAmount } from '../domain/money';
import {
  ITEM_ORDERS,
  type ItemOrder,
  QUERY_LENGTH_MAX,
  QUERY_WORDS_MAX,
  type SearchedWords,
  searchScope,
  searchedWords,
} from '../domain/search';
import { RETRY_AFTER_S } from './limits';
import { itemShape, shownContent } from './catalog-schemas';
import { Problem, notFound } from './problems';
import { type Route, route } from './route';
import {
  amountSchema,
  currencySchema,
  flagSchema,
  nameSchema,
  noBody,
  pageOf,
  pageQuery,
  requireCursor,
  storeParams,
  writeCursor,
} from './schemas';
import { viewerHeader, viewerOf } from './viewer';

const itemSchema = z
  .object({
    ...itemShape,
    available: z
      .number()
      .int()
      .nullable()
      .describe('Units that this site may sell now; null: they are kept at the primary, which the checkout asks.'),
  })
  .meta({ id: 'Item' });

/** How items are shown in a store. */
function shownIn({ inventory: { central } }: StoreSettings): (found: BrowsedItem) => z.output<typeof itemSchema> {
  const isCentral = centralTest(central.items);
  return ({ item, available }) => ({ ...shownContent(item), available: isCentral(item.sku) ? null : available });
}

const labelSchema = z.string().max(255);

const listQuery = pageQuery.extend({
  q: z
    .string()
    .max(QUERY_LENGTH_MAX)
    .default('')
    .describe(
      `Words that must all be in description, sku or attributes, without regard to case, accents and punctuation; ` +
        `of the last one the beginning is enough. The first ${QUERY_WORDS_MAX} count.`,
    ),
  classification: labelSchema.optional().describe('The beginning of a classification code.'),
  classificationExact: flagSchema.describe('The classification code is a whole one.'),
  classificationDomain: labelSchema.optional().describe('For example UNSPSC.'),
  priceFrom: amountSchema.optional().describe('The lowest price.'),
  priceTo: amountSchema.optional().describe('The highest price.'),
  currency: currencySchema.optional(),
  available: flagSchema.describe('Only what can be bought here now.'),
  sort: z.enum(ITEM_ORDERS).optional().describe('By default relevance where there are words, else sku.'),
  catalog: nameSchema.optional(),
});
type ListQuery = z.output<typeof listQuery>;

const listSchema = pageOf(itemSchema).extend({
  revision: z.string().describe('Which all pages of the list show.'),
  complete: z
    .boolean()
    .describe(
      `False where more than ${CANDIDATES_MAX} items match: the list is of the first so many to be indexed. Narrow it down.`,
    ),
});

/** What a page of a list is made from. */
interface Listing {
  readonly db: Database;
  readonly store: string;
  readonly catalog: string;
  readonly viewer: Viewer;
  readonly filter: ItemFilter;
  readonly words: SearchedWords | null;
  readonly order: ItemOrder;
  readonly limit: number;
  readonly after: string | undefined;
}

interface Page {
  readonly items: readonly BrowsedItem[];
  readonly next: string | null;
  readonly revision: number;
  readonly complete: boolean;
}

function filterOf(query: ListQuery, central: CentralItems): ItemFilter {
  const amount = (text: string | undefined) => (text === undefined ? null : parseAmount(text));
  return {
    classification: {
      domain: query.classificationDomain ?? null,
      code: query.classification ?? null,
      exact: query.classificationExact,
    },
    price: { from: amount(query.priceFrom), to: amount(query.priceTo), currency: query.currency ?? null },
    availableOnly: query.available,
    central,
  };
}

function goneRevision(catalog: string, revision: number): Problem {
  return new Problem(
    410,
    'revision-gone',
    `the list was begun on revision ${showRevision(revision)} of catalogue "${catalog}", which this site does not have, ` +
      `or no longer: leave "after" out to begin anew`,
  );
}

const browseCursor = z.strictObject({ revision: z.number().int(), sku: z.string() });

/** A catalogue that the viewer may not see is one that is not there. */
function nothing(): Promise<Page> {
  return Promise.resolve({ items: [], next: null, revision: NO_REVISION, complete: true });
}

/** In the order of the skus, at the newest revision. */
async function browse({ db, store, catalog, viewer, filter, limit, after }: Listing): Promise<Page> {
  const cursor = after === undefined ? null : requireCursor(after, browseCursor);
  const revision = cursor?.revision ?? (await readHead(db, store, catalog)).revision;
  if (cursor && !(await findRevision(db, store, catalog, revision))) throw goneRevision(catalog, revision);
  const items = await browseItems(db, { ...filter, store, catalog, revision, viewer, limit, after: cursor?.sku ?? '' });
  const last = items.length === limit ? items.at(-1) : undefined;
  const next = last ? writeCursor({ revision, sku: last.item.sku }) : null;
  return { items, next, revision, complete: true };
}

const searchCursor = z.strictObject({
  revision: z.number().int(),
  /** What was asked for, so that a cursor goes on with nothing else. */
  of: z.string(),
  key: z.union([z.string(), z.number().int()]),
  sku: z.string(),
  complete: z.boolean(),
});

/** By words or in another order, at the newest revision whose words are indexed. */
async function search({ db, store, catalog, viewer, filter, words, order, limit, after }: Listing): Promise<Page> {
  const of = createHash('sha256')
    .update(JSON.stringify([filter, words, order, viewer]))
    .digest('hex')
    .slice(0, 16);
  const cursor = after === undefined ? null : requireCursor(after, searchCursor.extend({ of: z.literal(of) }));
  const revision = cursor?.revision ?? (await newestSearched(db, store, catalog));
  if (cursor === null && revision === NO_REVISION) return { items: [], next: null, revision, complete: true };
  const query = { ...filter, store, catalog, revision, viewer, words, order, limit, after: cursor };
  const items = await searchItems(db, query);
  const complete = cursor?.complete ?? !(await hasTooMany(db, query));
  // Asked last: what a page was made from was there all the while.
  if (!(await isStillSearched(db, { store, catalog }, revision))) throw goneRevision(catalog, revision);
  const last = items.length === limit ? items.at(-1) : undefined;
  const next = last ? writeCursor({ revision, of, key: last.key, sku: last.item.sku, complete }) : null;
  return { items, next, revision, complete };
}

/** 0 for a catalogue in which there is nothing yet. */
async function newestSearched(db: Database, store: string, catalog: string): Promise<number> {
  const searched = await searchedRevision(db, { store, catalog });
  if (searched !== NO_REVISION) return searched;
  const { revision } = await readHead(db, store, catalog);
  if (revision === NO_REVISION) return NO_REVISION;
  throw new Problem(
    503,
    'search-not-ready',
    `the words of catalogue "${catalog}" are being indexed for the first time: ask again in ${RETRY_AFTER_S} s, ` +
      `or browse without words by sku`,
    {},
    { 'Retry-After': String(RETRY_AFTER_S) },
  );
}

export const catalogItemRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/items',
    tag: 'catalog',
    operationId: 'listItems',
    summary: 'Browse and search what this site sells; all pages of one list show one revision',
    roles: ['buyer', 'integrator', 'operator'],
    params: storeParams,
    query: listQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'A page of items.', schema: listSchema },
      410: { description: 'The revision on which the list was begun is not here: begin anew.' },
      503: { description: 'The words are being indexed for the first time.' },
    },
    headers: viewerHeader,
    handle: async (request) => {
      const { context, store, query } = request;
      const catalog = query.catalog ?? store.catalog;
      const words = searchedWords(searchScope(store.store, catalog), query.q);
      const order = query.sort ?? (words === null ? 'sku' : 'relevance');
      const { limit, after } = query;
      const viewer = await viewerOf(request);
      const filter = filterOf(query, store.inventory.central.items);
      const listing = { db: context.db, store: store.store, catalog, viewer, filter, words, order };
      const byIndex = words !== null || order !== 'sku';
      const { audience } = await readHead(context.db, store.store, catalog);
      const list = !maySee(viewer, audience) ? nothing : byIndex ? search : browse;
      const page = await list({ ...listing, limit, after });
      const { items, next, revision, complete } = page;
      const shown = items.map(shownIn(store));
      return { status: 200, body: { items: shown, next, revision: showRevision(revision), complete } };
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
    headers: viewerHeader,
    handle: async (request) => {
      const { context, store, params, query } = request;
      const catalog = query.catalog ?? store.catalog;
      const wanted = { store: store.store, catalog, viewer: await viewerOf(request) };
      const [found] = await findItems(context.db, wanted, [params.sku]);
      if (!found) throw notFound(`catalogue "${catalog}" has no item "${params.sku}"`);
      return { status: 200, body: shownIn(store)(found) };
    },
  }),
];
