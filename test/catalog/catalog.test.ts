/** Publication, and taking a revision at a site, on both engines. */
import { EVERY_ITEM, browseItems } from '../../db/catalog/browse';
import { countDraft, draftItems } from '../../db/catalog/drafts';
import { publishDraft } from '../../db/catalog/publication';
import { listConfirmations, recordDelivery } from '../../db/catalog/deliveries';
import { readHead } from '../../db/catalog/heads';
import { BatchQueue } from '../../db/catalog/batch-queue';
import { CatalogOrderError, Staging } from '../../db/catalog/staging';
import { type Database } from '../../db/database';
import { PUBLIC } from '../../domain/audience';
import { type CatalogItem, NO_REVISION, formatRevision } from '../../domain/catalog';
import { DRAFT_DEFAULT } from '../../domain/catalog-draft';
import { EMPTY_DIGEST, addToDigest, hashItem, hashed } from '../../domain/catalog-digest';
import { batchOf } from '../support/catalog';
import { type FreshDatabase, engines, freshDatabase } from '../support/databases';
import { seededRandom } from '../support/random';
import { World, itemsCsv } from '../support/world';
import { REAL_RUNTIME } from '../../workers/site';

const STORE = 'shop';
const CATALOG = 'main';
const DRAFT = { store: STORE, catalog: CATALOG, draft: DRAFT_DEFAULT };

function item(sku: string, price = 10_000): CatalogItem {
  return {
    ...{ sku, description: `Item ${sku}`, price, currency: 'GBP', unitOfMeasure: 'EA', leadTimeDays: 2 },
    ...{ classification: { domain: 'UNSPSC', code: '60000000' }, attributes: {}, audience: '' },
  };
}

async function read(db: Database, revision?: number): Promise<Record<string, number>> {
  const at = revision ?? (await readHead(db, STORE, CATALOG)).revision;
  const query = { ...EVERY_ITEM, store: STORE, catalog: CATALOG, revision: at, viewer: PUBLIC, after: '', limit: 200 };
  const found = await browseItems(db, query);
  return Object.fromEntries(found.map(({ item: { sku, price } }) => [sku, price]));
}

function begin(db: Database, target: number, base = NO_REVISION): ReturnType<typeof Staging.begin> {
  return Staging.begin(db, { store: STORE, catalog: CATALOG, base, target, partition: '' }, REAL_RUNTIME.ids.uuid(), 1);
}

/** Takes a full document's items as a site does. */
async function take(db: Database, target: number, items: readonly CatalogItem[], batch = 2): Promise<void> {
  const { staging } = await begin(db, target);
  if (!staging) return;
  const batches = new BatchQueue();
  const taken = staging.takeAll(batches, true);
  for (let start = 0; start < items.length; start += batch)
    await batches.put({ items: items.slice(start, start + batch).map(hashed), withdrawn: [] });
  batches.end();
  await taken;
  await staging.replaceRest();
  await staging.flip({ now: 1, request: 'document', audience: '' });
}

describe.each(engines())('a catalogue on %s', (engine) => {
  let fresh: FreshDatabase;
  let db: Database;

  beforeEach(async () => {
    fresh = await freshDatabase(engine);
    db = fresh.db;
  });

  afterEach(() => fresh.drop());

  const publish = (request: string, epoch = 1) =>
    db.transaction((tx) => publishDraft(tx, { store: STORE, catalog: CATALOG, epoch, request, now: 1 }));
  const draft = (items: readonly CatalogItem[]) => db.transaction((tx) => draftItems(tx, STORE, CATALOG, items, 1));

  test('a publication makes one revision a request, and none without changes', async () => {
    await draft([item('A'), item('B')]);
    expect(await countDraft(db, DRAFT, 1)).toMatchObject({ added: 2, changed: 0, withdrawn: 0 });
    const first = await publish('r1');
    expect(first).toMatchObject({ revision: formatRevision(1, 1), itemCount: 2, added: 2 });
    expect((await publish('r1')).revision).toBe(first.revision);
    expect((await publish('r2')).revision).toBe(first.revision);
    expect(await draft([item('A'), item('B', 20_000)])).toEqual({ changed: 1, unchanged: 1 });
    expect(await publish('r3')).toMatchObject({ revision: formatRevision(1, 2), itemCount: 2, added: 0, changed: 1 });
    expect(await read(db)).toEqual({ A: 10_000, B: 20_000 });
    expect(await read(db, first.revision)).toEqual({ A: 10_000, B: 10_000 });
    expect((await readHead(db, STORE, CATALOG)).digest).toBe(
      addToDigest(EMPTY_DIGEST, [hashItem(item('A')), hashItem(item('B', 20_000))]),
    );
  });

  test('a change that is taken back before publication leaves the draft', async () => {
    await draft([item('A')]);
    await publish('r1');
    await draft([item('A', 20_000)]);
    await draft([item('A')]);
    expect(await countDraft(db, DRAFT, 1)).toMatchObject({ added: 0, changed: 0, withdrawn: 0 });
  });

  test('a new primacy numbers from its epoch', async () => {
    await draft([item('A')]);
    await publish('r1');
    await draft([item('A', 20_000)]);
    expect((await publish('r2', 2)).revision).toBe(formatRevision(2, 1));
  });

  test('a site has exactly what the document holds, whatever it had', async () => {
    const random = seededRandom(42);
    const skus = Array.from({ length: 30 }, (_, index) => `S${String(index).padStart(2, '0')}`);
    let wanted: CatalogItem[] = [];
    for (let n = 1; n <= 12; n++) {
      wanted = skus.filter(() => random() < 0.6).map((sku) => item(sku, 10_000 + Math.floor(random() * 3)));
      await take(db, formatRevision(1, n), wanted, 1 + Math.floor(random() * 7));
      expect(await read(db)).toEqual(Object.fromEntries(wanted.map(({ sku, price }) => [sku, price])));
      const head = await readHead(db, STORE, CATALOG);
      expect(head).toMatchObject({ itemCount: wanted.length, digest: addToDigest(EMPTY_DIGEST, wanted.map(hashItem)) });
    }
  });

  test('a reader sees the old revision until the flip, and a dead stager leaves nothing behind', async () => {
    await take(db, formatRevision(1, 1), [item('A'), item('B')]);
    const { staging: dead } = await begin(db, formatRevision(1, 2));
    await dead?.takeAll(batchOf([item('A', 99), item('C', 99)]), true);
    expect(await read(db)).toEqual({ A: 10_000, B: 10_000 });
    await take(db, formatRevision(1, 3), [item('A', 30_000), item('B')]);
    expect(await read(db)).toEqual({ A: 30_000, B: 10_000 });
    await expect(dead?.flip({ now: 1, request: 'late', audience: '' })).rejects.toThrow(/staged by a later attempt/);
    expect(await read(db)).toEqual({ A: 30_000, B: 10_000 });
    expect((await readHead(db, STORE, CATALOG)).digest).toBe(
      addToDigest(EMPTY_DIGEST, [hashItem(item('A', 30_000)), hashItem(item('B'))]),
    );
  });

  test('a revision never goes back', async () => {
    await take(db, formatRevision(1, 2), [item('A', 20_000)]);
    await take(db, formatRevision(1, 1), [item('A')]);
    expect(await read(db)).toEqual({ A: 20_000 });
  });

  test('items out of order are refused, for the ranges between them would be wrong', async () => {
    const { staging } = await begin(db, formatRevision(1, 1));
    await expect(staging?.takeAll(batchOf([item('B'), item('A')]), true)).rejects.toThrow(CatalogOrderError);
    await expect(staging?.takeAll(batchOf([item('A'), item('A')]), true)).rejects.toThrow(/each sku once/);
  });

  test('the order is that of the database, of characters beyond U+FFFF too', async () => {
    const skus = ['A', 'B\u{ff5e}', 'B\u{1f600}', 'C'];
    await take(
      db,
      formatRevision(1, 1),
      skus.map((sku) => item(sku)),
    );
    const rows = await db.all<{ sku: string }>('SELECT sku FROM item_versions WHERE store = ? ORDER BY sku', [STORE]);
    expect(rows.map(({ sku }) => sku)).toEqual(skus);
    await expect(
      take(
        db,
        formatRevision(1, 2),
        ['B\u{1f600}', 'B\u{ff5e}'].map((sku) => item(sku)),
      ),
    ).rejects.toThrow(CatalogOrderError);
  });

  test('whoever reads a document hears that it is refused, and waits for no room', async () => {
    const { staging } = await begin(db, formatRevision(1, 1));
    const batches = new BatchQueue();
    const taken = expect(staging?.takeAll(batches, true)).rejects.toThrow(CatalogOrderError);
    const put = async () => {
      for (;;) await batches.put({ items: [hashed(item('A'))], withdrawn: [] });
    };
    await expect(put()).rejects.toThrow(CatalogOrderError);
    await taken;
  });

  test('the confirmation table never falls, however late a record comes', async () => {
    const entry = { store: STORE, catalog: CATALOG, partition: '', site: 'north', workflowId: 'w', payloadID: 'p' };
    const record = (change: object) =>
      db.transaction((tx) => recordDelivery(tx, { ...entry, ...change } as Parameters<typeof recordDelivery>[1], 5));
    await record({ state: 'delivering', target: 2 });
    await record({ state: 'held', target: 2, heldSince: 3, reason: 'away' });
    await record({ state: 'confirmed', target: 3, revision: 3, payloadID: 'p3' });
    await record({ state: 'held', target: 2, heldSince: 3 });
    const [row] = await listConfirmations(db, STORE);
    expect(row).toMatchObject({ state: 'confirmed', revision: 3, targetRevision: 3, heldSince: null, reason: null });
  });
});

describe.each(engines())('reading while revisions are taken, on %s', (engine) => {
  test('every page walk sees one published revision', async () => {
    const world = await World.start(engine, ['north']);
    const csv = (price: string) =>
      itemsCsv(
        Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`S${String(index).padStart(3, '0')}`, price])),
      );
    try {
      await world.pushItems(csv('1.00'), ['north']);
      let walking = true;
      const seen: Set<string>[] = [];
      const walk = async () => {
        while (walking) {
          const prices = new Set<string>();
          let after = '';
          do {
            const { body } = await world.call('north', 'GET', `/items?limit=50${after}`);
            for (const found of body.items ?? []) prices.add((found['price'] as { amount: string }).amount);
            after = typeof body['next'] === 'string' ? `&after=${encodeURIComponent(body['next'])}` : '';
          } while (after !== '');
          seen.push(prices);
        }
      };
      const readers = [walk(), walk(), walk()];
      for (const price of ['2.00', '3.00', '4.00']) await world.pushItems(csv(price), ['north']);
      walking = false;
      await Promise.all(readers);
      expect(seen.length).toBeGreaterThan(20);
      expect(seen.filter((prices) => prices.size !== 1)).toEqual([]);
      expect(new Set(seen.flatMap((prices) => [...prices])).size).toBeGreaterThan(1);
    } finally {
      await world.stop();
    }
  });
});
