/** Drafts: what gathers in one is published by itself, at its time, and shown before; revisions come back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { editItem } from '../../activities/catalog/draft-item';
import { restoreRevision } from '../../activities/catalog/restoration';
import { countDraft, discardDraft, listDrafts } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { requirePrimacy } from '../../db/topology';
import { type CatalogItem } from '../../domain/catalog';
import { EMPTY_DIGEST, addToDigest, hashItem } from '../../domain/catalog-digest';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { KeptCatalog } from './keeping';

const CATALOG_FILE = join(__dirname, '../../data/online-retail/catalog.csv');
const CSV = 'sku,description,price\nA,Apple,1.00\nB,Bread,2.00\nC,Cake,3.00\n';
const DAY_MS = 86_400_000;

describe.each(engines())('drafts on %s', (engine) => {
  let kept: KeptCatalog;

  beforeEach(async () => {
    kept = await KeptCatalog.selling(engine, CSV);
  });
  afterEach(() => kept.site.drop());

  const patch = (sku: string, fields: Record<string, string>, draft?: string) =>
    editItem(kept.context, kept.key(draft), sku, { kind: 'patch', texts: { fields, attributes: {} } });
  const tomorrow = () => new Date(kept.now + DAY_MS).toISOString();

  test('a publication of one draft leaks nothing of another, and an idle change is none', async () => {
    await patch('A', { price: '1.50' }, 'spring');
    await patch('B', { price: '2.50' }, 'spring');
    await patch('B', { price: '2.50' });
    await kept.import('sku,withdraw\nC,true\n', { draft: 'winter' });
    expect((await listDrafts(kept.site.db, STORE, 'main', kept.now)).map(({ draft }) => draft)).toEqual([
      'next',
      'spring',
      'winter',
    ]);
    expect(await kept.publish()).toMatchObject({ changed: 1, added: 0, withdrawn: 0 });
    expect(await kept.prices()).toEqual({ A: 10_000, B: 25_000, C: 30_000 });
    expect(await kept.preview('spring')).toEqual({ A: 'changed price 1.00 -> 1.50', B: 'unchanged' });
    expect(await kept.publish('spring')).toMatchObject({ changed: 1 });
    expect(await kept.prices()).toEqual({ A: 15_000, B: 25_000, C: 30_000 });
    expect(await kept.publish('winter')).toMatchObject({ withdrawn: 1, itemCount: 2 });
    expect(await listDrafts(kept.site.db, STORE, 'main', kept.now)).toEqual([]);
    const hashes = (await kept.items()).map(hashItem);
    expect((await readHead(kept.site.db, STORE, 'main')).digest).toBe(addToDigest(EMPTY_DIGEST, hashes));
  });

  test('a draft that is thrown away changes nothing', async () => {
    await patch('A', { price: '9.00' }, 'spring');
    await patch('A', { price: '9.50', priceFrom: tomorrow() }, 'spring');
    const discarded = await kept.site.db.transaction(async (tx) => {
      await requirePrimacy(tx, STORE, 1);
      return discardDraft(tx, kept.key('spring'));
    });
    expect(discarded).toBe(2);
    const { revision } = await readHead(kept.site.db, STORE, 'main');
    expect((await kept.publish('spring')).revision).toBe(revision);
  });

  test('a price that holds from a date waits for it, whatever else is published meanwhile', async () => {
    await patch('A', { price: '1.20', priceFrom: tomorrow() });
    await patch('A', { description: 'Red apple' });
    const day = kept.now;
    kept.now = day + DAY_MS - 1;
    expect(await kept.preview()).toEqual({ A: 'changed description Apple -> Red apple, waiting 1' });
    expect(await kept.publish()).toMatchObject({ changed: 1 });
    expect(await kept.prices()).toMatchObject({ A: 10_000 });
    expect(await kept.publish()).toMatchObject({ changed: 0 });
    await patch('A', { description: 'Green apple' }, 'other');
    await kept.publish('other');
    kept.now = day + DAY_MS;
    expect(await countDraft(kept.site.db, kept.key(), kept.now)).toMatchObject({ due: 1, waiting: 0 });
    expect(await kept.preview()).toEqual({ A: 'changed price 1.00 -> 1.20' });
    expect(await kept.publish()).toMatchObject({ changed: 1 });
    expect((await kept.items())[0]).toMatchObject({ description: 'Green apple', price: 12_000 });
  });

  test('of several dates that have come the last holds; a new item waits whole; a withdrawn one comes back by none', async () => {
    const day = kept.now;
    const from = (days: number) => new Date(day + days * DAY_MS).toISOString();
    for (const [days, price] of [
      [3, '1.30'],
      [1, '1.10'],
      [2, '1.20'],
    ] as const) {
      await patch('A', { price, priceFrom: from(days) });
    }
    await patch('B', { price: '2.90', priceFrom: from(1) });
    await kept.import(`sku,description,price,price_from\nN,New,5.00,${from(2)}\nM,More,6.00,${from(-1)}\n`);
    expect(await kept.preview()).toEqual({
      ...{ A: 'unchanged, waiting 3', B: 'unchanged, waiting 1', M: 'added', N: 'unchanged, waiting 1' },
    });
    await kept.import('sku,withdraw\nB,true\n', { draft: 'other' });
    expect(await kept.publish('other')).toMatchObject({ withdrawn: 1 });
    kept.now = day + 2.5 * DAY_MS;
    expect(await kept.publish()).toMatchObject({ changed: 1, added: 2, withdrawn: 0 });
    expect(await kept.prices()).toEqual({ A: 12_000, C: 30_000, M: 60_000, N: 50_000 });
    kept.now = day + 4 * DAY_MS;
    await kept.publish();
    expect(await kept.prices()).toMatchObject({ A: 13_000 });
  });

  test('a withdrawal takes with it what waited for the item', async () => {
    await patch('A', { price: '1.20', priceFrom: tomorrow() });
    expect(await editItem(kept.context, kept.key(), 'A', { kind: 'withdraw' })).toMatchObject({ outcome: 'drafted' });
    kept.now += 2 * DAY_MS;
    expect(await kept.publish()).toMatchObject({ withdrawn: 1, changed: 0 });
    expect(await editItem(kept.context, kept.key(), 'A', { kind: 'withdraw' })).toEqual({ outcome: 'absent' });
    expect(await patch('A', { price: '1.00' })).toEqual({ outcome: 'absent' });
  });

  test('what a process of the release before drafted beside this one is published with the next draft', async () => {
    const columns = `store, catalog, sku, withdrawn, description, price_amount, currency, unit_of_measure,
      classification_domain, classification_code, lead_time_days, attributes, audience, content_hash, updated_at`;
    const [apple] = (await kept.items()) as [CatalogItem];
    const dearer = { ...apple, price: 11_000 };
    await kept.site.db.run(
      `INSERT INTO catalog_drafts (${columns}) VALUES (?, 'main', 'A', 0, 'Apple', 11000, 'GBP', 'EA', 'UNSPSC', '60000000', 2, '{}', '', ?, 1)`,
      [STORE, hashItem(dearer)],
    );
    await patch('B', { price: '2.10' }, 'spring');
    await kept.publish('spring');
    expect(await kept.prices()).toMatchObject({ A: 10_000, B: 21_000 });
    expect(await kept.publish()).toMatchObject({ changed: 1 });
    expect((await kept.items())[0]).toEqual(dearer);
  });

  test('a full load withdraws what it does not name, and a revision comes back item by item', async () => {
    const lines = readFileSync(CATALOG_FILE, 'utf8').trim().split('\n');
    expect(await kept.import(lines.join('\n'), { mode: 'full' })).toMatchObject({ changed: 3514, withdrawn: 3 });
    const first = await kept.publish();
    const before = await kept.items();
    expect(before).toHaveLength(3514);
    const half = lines.filter((_line, index) => index === 0 || index % 2 === 1);
    const cheaper = half.map((line) => line.replace(/^(\d+[A-Z]*,Jumbo.*,)[\d.]+$/i, '$10.99'));
    await kept.import(cheaper.join('\n'), { mode: 'full' });
    const second = await kept.publish();
    expect(second).toMatchObject({ withdrawn: 3514 - (half.length - 1), itemCount: half.length - 1 });
    const restored = await restoreRevision(kept.context, { store: STORE, catalog: 'main', revision: first.revision });
    expect(restored).toMatchObject({
      draft: 'restore-1-2',
      added: second.withdrawn,
      changed: second.changed,
      withdrawn: 0,
    });
    const third = await kept.publish('restore-1-2');
    expect(await kept.items()).toEqual(before);
    expect(await kept.items(second.revision)).toHaveLength(half.length - 1);
    expect(third.itemCount).toBe(3514);
    const heads = await readHead(kept.site.db, STORE, 'main');
    expect(heads.digest).toBe(addToDigest(EMPTY_DIGEST, before.map(hashItem)));
  });
});
