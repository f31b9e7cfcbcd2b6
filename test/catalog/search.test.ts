/** Searching: the same words find the same on both engines, in the same order, at one revision. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { copySqlite } from '../../db/backup';
import { EVERY_ITEM } from '../../db/catalog/browse';
import { draftItems, draftWithdrawals } from '../../db/catalog/drafts';
import { recordDelivery } from '../../db/catalog/deliveries';
import { moveHead, readHead } from '../../db/catalog/heads';
import {
  Indexing,
  IndexingTakenError,
  WALK_MS,
  catalogsToIndex,
  isPushedFirst,
  isStillSearched,
  searchedRevision,
  sweepTexts,
} from '../../db/catalog/indexing';
import { publishDraft } from '../../db/catalog/publication';
import { CANDIDATES_MAX, type SearchQuery, hasTooMany, searchItems } from '../../db/catalog/search';
import { Staging } from '../../db/catalog/staging';
import { type Database } from '../../db/database';
import { insertRows } from '../../db/dialect';
import { openDatabase } from '../../db/migrate';
import { PUBLIC } from '../../domain/audience';
import { type CatalogItem, NO_REVISION, formatRevision } from '../../domain/catalog';
import { parseAmount } from '../../domain/money';
import { ITEM_ORDERS, type ItemOrder, searchScope, searchedWords, wordsOf } from '../../domain/search';
import { batchOf } from '../support/catalog';
import { type FreshDatabase, engines, freshDatabase } from '../support/databases';

const STORE = 'shop';
const CATALOG = 'main';
const NAME = { store: STORE, catalog: CATALOG };
const DRAFT_BATCH = 250;

function item(sku: string, change: Partial<CatalogItem> = {}): CatalogItem {
  return {
    ...{ sku, description: `Item ${sku}`, price: 10_000, currency: 'GBP', unitOfMeasure: 'EA', leadTimeDays: 2 },
    ...{ classification: { domain: 'UNSPSC', code: '60000000' }, attributes: {}, audience: '' },
    ...change,
  };
}

/** What a real shop sells. */
function realItems(): CatalogItem[] {
  const file = join(__dirname, '..', '..', 'data', 'online-retail', 'catalog.csv');
  const rows = parse<{ sku: string; description: string; price_gbp: string }>(readFileSync(file), { columns: true });
  return rows.map((row) => item(row.sku, { description: row.description, price: parseAmount(row.price_gbp) ?? 0 }));
}

const TRAPS = [
  item('T1', {
    description: "The Children's T-Light of Zoë, 2.50 m²",
    attributes: { colour: 'Sky Blue' },
    price: 30_000,
  }),
  item('T2', { description: 'Childrens light', attributes: { note: 'a café at the Straße' }, price: 20_000 }),
  item('T3', { description: 'CAFE ZOE of and or not near', classification: { domain: 'UNSPSC', code: '60101001' } }),
  item('a/b-c', { description: '東京タワー', currency: 'USD', classification: { domain: 'own', code: '6010' } }),
  item('85123A', { description: 'White hanging heart t-light holder', attributes: { alias: 'DCGS0004' } }),
  item('85123a', { description: 'White hanging heart holder for T-lights, in two sizes' }),
  item('DCGS0004', { description: 'Haynes camper shoulder bag' }),
  item('LONG', { description: `${'x'.repeat(120)} tail` }),
];

async function publish(db: Database, items: readonly CatalogItem[], gone: readonly string[] = []): Promise<number> {
  for (let start = 0; start < items.length; start += DRAFT_BATCH) {
    await db.transaction((tx) => draftItems(tx, STORE, CATALOG, items.slice(start, start + DRAFT_BATCH), 1));
  }
  await db.transaction((tx) => draftWithdrawals(tx, STORE, CATALOG, gone, 1));
  const { revision } = await db.transaction((tx) =>
    publishDraft(tx, { ...NAME, epoch: 1, request: `${items.length} ${gone.join()} ${Math.random()}`, now: 1 }),
  );
  return revision;
}

async function index(db: Database, now = 1): Promise<number> {
  const indexing = await Indexing.begin(db, NAME, `indexer ${Math.random()}`, () => now);
  await indexing?.run();
  return searchedRevision(db, NAME);
}

type Asked = Partial<Omit<SearchQuery, 'words'>> & { readonly q?: string };

function queryOf(revision: number, { q = '', ...rest }: Asked): SearchQuery {
  const words = searchedWords(searchScope(STORE, CATALOG), q);
  const order: ItemOrder = words === null ? 'sku' : 'relevance';
  return { ...EVERY_ITEM, ...NAME, revision, viewer: PUBLIC, order, after: null, limit: 200, ...rest, words };
}

async function find(db: Database, asked: Asked | string): Promise<string[]> {
  const revision = (typeof asked === 'object' ? asked.revision : undefined) ?? (await searchedRevision(db, NAME));
  const query = queryOf(revision, typeof asked === 'string' ? { q: asked } : asked);
  return (await searchItems(db, query)).map((found) => found.item.sku);
}

/** Every page of a search, the way the API walks it. */
async function walk(db: Database, query: SearchQuery): Promise<CatalogItem[]> {
  const items: CatalogItem[] = [];
  for (let after = query.after; ;) {
    const page = await searchItems(db, { ...query, after });
    items.push(...page.map((found) => found.item));
    const last = page.at(-1);
    if (page.length < query.limit || last === undefined) return items;
    after = { key: last.key, sku: last.item.sku };
  }
}

/** Looks at every item, without an index. */
function matches({ sku, description, attributes }: CatalogItem, q: string): boolean {
  const words = [description, sku, ...Object.values(attributes)].flatMap(wordsOf);
  const asked = wordsOf(q);
  return asked.every((word, place) =>
    words.some((mine) => (place === asked.length - 1 && word.length > 1 ? mine.startsWith(word) : mine === word)),
  );
}

describe('a real shop and every trap, on all engines', () => {
  const items = [...realItems(), ...TRAPS.filter(({ sku }) => sku !== '85123A' && sku !== 'DCGS0004')];
  const databases: FreshDatabase[] = [];

  beforeAll(async () => {
    for (const engine of engines()) databases.push(await freshDatabase(engine));
    await Promise.all(
      databases.map(async ({ db }) => {
        const revision = await publish(db, items);
        expect(await index(db)).toBe(revision);
      }),
    );
  });

  afterAll(() => Promise.all(databases.map((fresh) => fresh.drop())));

  test.each([
    ...['white hanging', 'heart', 'of the', 'the', 'o', '2', '6', 't', 'set of 6', "children's", 'childrens umb'],
    ...['85123A', '85123', 'dcgs', 'DCGS0004', 'café', 'cafe zoe', 'strasse', '東京', 'タ', 'x'.repeat(100), '50s'],
    ...['t-light -white', '"white" OR heart', 'heart*', '+heart -white', 'NEAR(white heart)', 'words:heart', 'not and'],
    ...['no such thing', 'and or not', '^white', "'; DROP TABLE item_texts; --", 'white_hanging', 'q', '100%', 'blue'],
  ])('%j finds what a look at every item finds, in one order', async (q) => {
    const wanted = items.filter((candidate) => matches(candidate, q)).map(({ sku }) => sku);
    const found = await Promise.all(databases.map(({ db }) => walk(db, queryOf(formatRevision(1, 1), { q }))));
    for (const answer of found) expect(answer.map(({ sku }) => sku).sort()).toEqual(wanted.sort());
    expect(found).toEqual(found.map(() => found[0]));
  });

  test.each(ITEM_ORDERS)(
    'pages in the order %s hold every item once, and are in that order on every engine',
    async (order) => {
      const compared: Record<ItemOrder, (one: CatalogItem, other: CatalogItem) => number> = {
        relevance: () => 0,
        sku: () => 0,
        'price-asc': (one, other) => one.price - other.price,
        'price-desc': (one, other) => other.price - one.price,
        description: (one, other) => byText(wordsOf(one.description)[0] ?? '', wordsOf(other.description)[0] ?? ''),
      };
      for (const q of ['', 'set of']) {
        const query = queryOf(formatRevision(1, 1), { q, order, limit: q === '' ? 200 : 37 });
        const answers = await Promise.all(databases.map(({ db }) => walk(db, query)));
        const [first = []] = answers;
        const wanted = items.filter((candidate) => matches(candidate, q));
        expect(first.map(({ sku }) => sku).sort()).toEqual(wanted.map(({ sku }) => sku).sort());
        expect(answers).toEqual(answers.map(() => first));
        const ascii = first.filter(({ description }) => /^[ -~]*$/.test(description));
        const wrong = ascii.filter((one, place) => {
          const before = ascii[place - 1];
          return before !== undefined && compared[order](before, one) > 0;
        });
        expect(wrong).toEqual([]);
      }
    },
  );

  test('of three and a half thousand items no list is cut', async () => {
    for (const { db } of databases) expect(await hasTooMany(db, queryOf(formatRevision(1, 1), {}))).toBe(false);
  });
});

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

describe.each(engines())('a search on %s', (engine) => {
  let fresh: FreshDatabase;
  let db: Database;

  beforeEach(async () => {
    fresh = await freshDatabase(engine);
    db = fresh.db;
  });

  afterEach(() => fresh.drop());

  const texts = async () => (await db.get<{ texts: number }>('SELECT COUNT(*) AS texts FROM item_texts'))?.texts;

  test('the typed sku comes first, then what says the words itself, then the shorter description', async () => {
    await publish(db, TRAPS);
    await index(db);
    expect(await find(db, '85123a')).toEqual(['85123A', '85123a']);
    expect(await find(db, 'DCGS0004')).toEqual(['DCGS0004', '85123A']);
    expect(await find(db, 'a/b-c')).toEqual(['a/b-c']);
    expect(await find(db, 't light')).toEqual(['85123A', 'T1', '85123a']);
    expect(await find(db, 'cafe')).toEqual(['T3', 'T2']);
  });

  test('classification, prices, currency and availability narrow it down', async () => {
    await publish(db, TRAPS);
    await index(db);
    await insertRows(
      db,
      'stock_levels',
      ['store', 'sku', 'account', 'rights'],
      [
        [STORE, 'T1', 'own', 3],
        [STORE, 'T2', 'own', 0],
        [STORE, 'T3', 'pool', 5],
      ],
    );
    const classified = (classification: Partial<SearchQuery['classification']>) =>
      find(db, { classification: { ...EVERY_ITEM.classification, ...classification }, order: 'price-asc' });
    expect(await classified({ code: '6010' })).toEqual(['T3', 'a/b-c']);
    expect(await classified({ code: '6010', domain: 'UNSPSC' })).toEqual(['T3']);
    expect(await classified({ code: '6010', exact: true })).toEqual(['a/b-c']);
    expect(await classified({ code: '60%' })).toEqual([]);
    const priced = (price: Partial<SearchQuery['price']>, q = '') =>
      find(db, { q, price: { ...EVERY_ITEM.price, ...price }, order: 'price-desc' });
    expect(await priced({ from: 20_000 })).toEqual(['T1', 'T2']);
    expect(await priced({ from: 10_001, to: 29_999 })).toEqual(['T2']);
    expect(await priced({ currency: 'USD' })).toEqual(['a/b-c']);
    expect(await priced({ to: 20_000 }, 'zoe')).toEqual(['T3']);
    expect(await find(db, { availableOnly: true, order: 'price-asc' })).toEqual(['T1']);
    expect(await find(db, { availableOnly: true, q: 'light' })).toEqual(['T1']);
  });

  test("another catalogue's items, another store's and those of a user group are not found", async () => {
    await publish(db, [item('A'), item('B', { audience: 'staff' })]);
    await index(db);
    const other = { store: 'other', catalog: CATALOG };
    await db.transaction((tx) => draftItems(tx, other.store, other.catalog, [item('C')], 1));
    await db.transaction((tx) => publishDraft(tx, { ...other, epoch: 1, request: 'r', now: 1 }));
    await (await Indexing.begin(db, other, 'indexer', () => 1))?.run();
    expect(await find(db, 'item')).toEqual(['A']);
    expect(await find(db, { order: 'price-asc' })).toEqual(['A']);
    const foreign = { ...queryOf(formatRevision(1, 1), { q: 'item' }), ...other };
    expect(await searchItems(db, foreign)).toEqual([]);
  });

  test('what is staged is never found; a walk that began on a revision goes on there', async () => {
    await publish(db, [item('A', { description: 'red lamp' }), item('B', { description: 'red chair' })]);
    const first = await index(db);
    const target = formatRevision(1, 2);
    const { staging } = await Staging.begin(db, { ...NAME, base: NO_REVISION, target, partition: '' }, 'stager', 1);
    const items = [item('A', { description: 'blue lamp' }), item('C', { description: 'red bowl' })];
    await staging?.takeAll(batchOf(items), true);
    await staging?.replaceRest();
    expect([await find(db, 'red'), await find(db, 'blue'), await find(db, 'bowl')]).toEqual([['A', 'B'], [], []]);
    expect(await catalogsToIndex(db)).toEqual([]);
    await staging?.flip({ now: 2, request: 'document', audience: '' });
    // Readers see it; searches do once its words are there.
    expect((await readHead(db, STORE, CATALOG)).revision).toBe(target);
    expect([await find(db, 'red'), await find(db, 'blue')]).toEqual([['A', 'B'], []]);
    expect(await catalogsToIndex(db)).toEqual([NAME]);
    expect(await index(db)).toBe(target);
    expect([await find(db, 'red'), await find(db, 'blue'), await find(db, 'chair')]).toEqual([['C'], ['A'], []]);
    expect(await find(db, { q: 'red', revision: first })).toEqual(['A', 'B']);
    expect(await find(db, { q: 'lamp', revision: first })).toEqual(['A']);
  });

  test('the words of a large catalogue wait for its push; for a held site, and a small one, they do not', async () => {
    await publish(db, [item('A')]);
    const { stagingRevision: _staging, stager: _stager, ...head } = await readHead(db, STORE, CATALOG);
    const sized = (itemCount: number) =>
      db.transaction((tx) => moveHead(tx, STORE, { ...head, itemCount, updatedAt: 1_000 }));
    const site = { ...NAME, partition: '', site: 'north', target: head.revision, payloadID: 'p', workflowId: 'w' };
    const becomes = (state: 'delivering' | 'held' | 'confirmed') =>
      db.transaction((tx) => recordDelivery(tx, { ...site, state }, 1_000));
    const waits = (now: number) => isPushedFirst(db, NAME, now);
    expect(await waits(1_000)).toBe(false);
    await sized(10_001);
    expect([await waits(1_000), await waits(3_500), await waits(3_501)]).toEqual([true, true, false]);
    await becomes('delivering');
    expect([await waits(3_501), await waits(60_999), await waits(61_000)]).toEqual([true, true, false]);
    await becomes('held');
    expect(await waits(3_501)).toBe(false);
    await becomes('delivering');
    await becomes('confirmed');
    expect(await waits(3_501)).toBe(false);
  });

  test('a new price writes no words, and comes in its place', async () => {
    await publish(db, [item('A'), item('B')]);
    const first = await index(db);
    await publish(db, [item('A', { price: 30_000 })]);
    await index(db);
    expect(await texts()).toBe(2);
    const prices = { q: 'item', order: 'price-asc' } as const;
    expect([await find(db, prices), await find(db, { ...prices, revision: first })]).toEqual([
      ['B', 'A'],
      ['A', 'B'],
    ]);
  });

  test('revisions are skipped, and what an attempt left half-done is mended by the next, whatever came between', async () => {
    const colours = (colour: string) => ['A', 'B', 'C'].map((sku) => item(sku, { description: `${colour} item` }));
    await publish(db, colours('red'));
    const first = await index(db);
    await publish(db, colours('blue'));
    const dead = await Indexing.begin(db, NAME, 'dead', () => 1_000);
    // While it may be alive nobody else begins.
    expect(await Indexing.begin(db, NAME, 'other', () => 2_000)).toBeNull();
    // It dies when all of its words are written, and before they are seen.
    await publish(db, colours('green'), ['C']);
    const half = await Indexing.begin(db, NAME, 'half', () => 60_000);
    await db.run(`UPDATE catalog_indexes SET indexer = 'dead' WHERE store = ?`, [STORE]);
    await expect(half?.run()).rejects.toThrow(IndexingTakenError);
    const writing = dead?.run(() => false);
    await expect(writing).resolves.toBe(true);
    expect(await index(db)).toBe(formatRevision(1, 3));
    expect([await find(db, 'green'), await find(db, 'blue'), await find(db, 'red')]).toEqual([['A', 'B'], [], []]);
    expect(await find(db, { q: 'red', revision: first })).toEqual(['A', 'B', 'C']);
    expect(await find(db, { q: 'blue', revision: formatRevision(1, 2) })).toEqual(['A', 'B', 'C']);
  });

  test('an attempt that is stopped lets the next begin at once', async () => {
    await publish(db, [item('A')]);
    const stopped = await Indexing.begin(db, NAME, 'stopped', () => 1);
    expect(await stopped?.run(() => true)).toBe(false);
    expect(await index(db)).toBe(formatRevision(1, 1));
  });

  test('words that were written for a revision that was never searched are replaced', async () => {
    await publish(db, [item('A', { description: 'red' })]);
    await index(db);
    const second = await publish(db, [item('A', { description: 'blue' })]);
    await index(db);
    // As if the process had died before the last step, and the rules for words had changed with the release after it.
    await db.run('UPDATE catalog_indexes SET revision = ? WHERE store = ?', [formatRevision(1, 1), STORE]);
    await db.run('UPDATE catalog_revisions SET indexed_at = NULL WHERE revision = ?', [second]);
    await db.run('UPDATE item_texts SET from_revision = ? WHERE words LIKE ? AND from_revision = ?', [
      ...[second, '%blue%', second],
    ]);
    expect(await index(db)).toBe(second);
    expect([await find(db, 'blue'), await find(db, 'red')]).toEqual([['A'], []]);
  });

  test('texts that no walk can come to are forgotten, and such a walk is told', async () => {
    await publish(db, [item('A', { description: 'red' }), item('B', { description: 'red too' })]);
    const first = await index(db, 1_000);
    await publish(db, [item('A', { description: 'blue' })], ['B']);
    const second = await index(db, 2_000);
    await sweepTexts(db, 1_500 + WALK_MS);
    expect([await texts(), await isStillSearched(db, NAME, first)]).toEqual([3, true]);
    await sweepTexts(db, 2_000 + WALK_MS);
    expect([await texts(), await isStillSearched(db, NAME, first)]).toEqual([1, false]);
    expect([await isStillSearched(db, NAME, second), await find(db, 'blue')]).toEqual([true, ['A']]);
  });

  if (engine === 'sqlite') {
    test('a backup finds what its database found, with an index that fits its texts', async () => {
      await publish(db, TRAPS);
      await index(db);
      await publish(db, [item('T1', { description: 'gone lamp' })], ['T2']);
      await index(db, 2);
      await sweepTexts(db, 2 + WALK_MS);
      const copy = `${fresh.location}.copy`;
      copySqlite(fresh.location, copy);
      const restored = openDatabase(copy);
      try {
        for (const q of ['light', 'lamp', 'zoe', 'dcgs']) expect(await find(restored, q)).toEqual(await find(db, q));
        await publish(restored, [item('T9', { description: 'a lamp of the copy' })], ['T1']);
        await index(restored);
        expect(await find(restored, 'lamp')).toEqual(['T9']);
        await restored.run(`INSERT INTO item_words (item_words, rank) VALUES ('integrity-check', 1)`);
      } finally {
        await restored.close();
      }
    });
  }

  test(`of more than ${CANDIDATES_MAX} matching items the first so many are sorted, and it is told`, async () => {
    const many = Array.from({ length: CANDIDATES_MAX + 5 }, (_, number) =>
      item(`S${String(number).padStart(6, '0')}`, { price: 100_000 - number }),
    );
    await publish(db, many);
    await index(db);
    const query = queryOf(formatRevision(1, 1), { q: 'item', order: 'price-asc', limit: 1 });
    expect(await hasTooMany(db, query)).toBe(true);
    const [cheapest] = await searchItems(db, query);
    expect(cheapest?.item.sku).toBe(many[CANDIDATES_MAX - 1]?.sku);
    const narrow = { ...query, price: { ...EVERY_ITEM.price, to: 100_000 - 5 } };
    expect(await hasTooMany(db, narrow)).toBe(false);
    expect((await searchItems(db, narrow))[0]?.item.sku).toBe(many.at(-1)?.sku);
  });
});
