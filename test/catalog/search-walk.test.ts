/** Searching through the API: a walk sees one published revision, and its cursor is good for nothing else. */
import { addRevision, lockHead, moveHead } from '../../db/catalog/heads';
import { searchedRevision } from '../../db/catalog/indexing';
import { Staging } from '../../db/catalog/staging';
import { insertRows } from '../../db/dialect';
import { NO_REVISION, formatRevision, showRevision } from '../../domain/catalog';
import { EMPTY_DIGEST } from '../../domain/catalog-digest';
import { writeCursor } from '../../api/schemas';
import { batchOf } from '../support/catalog';
import { engines } from '../support/databases';
import { runEntrepot } from '../support/command';
import { until } from '../support/until';
import { CATALOG, World } from '../support/world';

const ITEMS = 120;
const COLOURS = ['red', 'blue', 'green', 'grey', 'pink'] as const;
const READS_MIN = 300;

/** Every item is of the colour, which is in its price, too. */
function items(colour: (typeof COLOURS)[number]): string {
  const price = COLOURS.indexOf(colour) + 1;
  const rows = Array.from({ length: ITEMS }, (_, number) => {
    const sku = `S${String(number).padStart(3, '0')}`;
    return `${sku},"Lamp ${number}, ${colour}",${price}.${String(number).padStart(3, '0')}`;
  });
  return ['sku,description,price_gbp', ...rows].join('\n');
}

describe.each(engines())('the API of a site on %s', (engine) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(engine, ['north']);
    await world.pushItems(items('red'), ['north']);
    await searchable(1);
  });

  afterAll(() => world.stop());

  /** North searches the revision of that number. */
  async function searchable(n: number): Promise<void> {
    await until(`revision ${n} to be searchable`, async () => {
      const { body } = await world.call('north', 'GET', '/catalogs');
      return body.items?.[0]?.['searchable'] === showRevision(formatRevision(1, n));
    });
  }

  const get = (query: Record<string, string>) =>
    world.call('north', 'GET', `/items?${new URLSearchParams(query).toString()}`);

  test('every walk of a search sees one published revision, while revisions are taken', async () => {
    let taking = true;
    let reads = 0;
    const walks: { words: Set<string>; revisions: Set<unknown>; skus: string[] }[] = [];
    const walk = async (query: Record<string, string>) => {
      while (taking) {
        const seen = { words: new Set<string>(), revisions: new Set<unknown>(), skus: [] as string[] };
        for (let next: unknown = ''; next !== null;) {
          const after: Record<string, string> = typeof next === 'string' && next !== '' ? { after: next } : {};
          const { status, body } = await get({ ...query, limit: '25', ...after });
          expect(status).toBe(200);
          reads++;
          seen.revisions.add(body['revision']);
          for (const item of body.items ?? []) {
            const price = Math.floor(Number((item['price'] as { amount: string }).amount));
            seen.words.add(`${String(item['description']).split(' ').at(-1)} ${price}`);
            seen.skus.push(String(item['sku']));
          }
          next = body['next'];
        }
        walks.push(seen);
      }
    };
    const walkers = [
      walk({ q: 'lam' }),
      walk({ q: 'lamp', sort: 'price-desc' }),
      walk({ sort: 'description' }),
      walk({ sort: 'sku' }),
    ];
    for (const colour of COLOURS.slice(1)) await world.pushItems(items(colour), ['north']);
    await searchable(COLOURS.length);
    taking = false;
    await Promise.all(walkers);
    expect(reads).toBeGreaterThan(READS_MIN);
    const published = COLOURS.map((colour, index) => `${colour} ${index + 1}`);
    const torn = walks.filter(
      ({ words, revisions, skus }) =>
        words.size !== 1 || revisions.size !== 1 || skus.length !== ITEMS || new Set(skus).size !== ITEMS,
    );
    expect(torn).toEqual([]);
    const seen = new Set(walks.flatMap(({ words }) => [...words]));
    expect([...seen].filter((words) => !published.includes(words))).toEqual([]);
    expect(seen.size).toBeGreaterThan(1);
  });

  test('a cursor goes on with the search that it is of, and never to a revision that is not here', async () => {
    const { body } = await get({ q: 'lamp', limit: '2' });
    const after = String(body['next']);
    expect((await get({ q: 'lamp', limit: '5', after })).status).toBe(200);
    for (const other of [{ q: 'pink' }, { q: 'lamp', sort: 'sku' }, { q: 'lamp', priceTo: '2' }, {}]) {
      expect((await get({ ...other, after })).body['type']).toMatch(/invalid-cursor$/);
    }
    const { db } = world.site('north').context;
    const newest = await searchedRevision(db, { store: world.store, catalog: CATALOG });
    const ahead = newest + 1;
    const { staging } = await Staging.begin(
      db,
      { store: world.store, catalog: CATALOG, base: NO_REVISION, target: ahead, partition: '' },
      'stager',
      1,
    );
    const secret = { sku: 'SECRET', description: 'Secret lamp', price: 1, currency: 'GBP', unitOfMeasure: 'EA' };
    const rest = { classification: { domain: 'UNSPSC', code: '1' }, leadTimeDays: 1, attributes: {}, audience: '' };
    await staging?.takeAll(batchOf([{ ...secret, ...rest }]), true);
    const search = JSON.parse(Buffer.from(after, 'base64url').toString()) as object;
    for (const revision of [ahead, newest + 7, NO_REVISION]) {
      for (const [query, cursor] of [
        [{ q: 'lamp' }, { ...search, revision }],
        [{}, { revision, sku: '' }],
      ] as const) {
        const answer = await get({ ...query, after: writeCursor(cursor) });
        expect([answer.status, answer.body['type']]).toEqual([410, expect.stringMatching(/revision-gone$/)]);
      }
    }
    expect((await get({ q: 'secret' })).body.items).toEqual([]);
  });

  test('a catalogue without items is searched in vain; one whose words are not there yet says so', async () => {
    const none = await get({ q: 'lamp', catalog: 'none' });
    expect(none.body).toEqual({ items: [], next: null, revision: '0.0', complete: true });
    const { db } = world.site('north').context;
    const name = [world.store, 'new'];
    // Another process is at it.
    await insertRows(
      db,
      'catalog_indexes',
      ['store', 'catalog', 'revision', 'oldest_revision', 'indexer', 'beat_at'],
      [[...name, 0, 0, 'other', Date.now() + 3_600_000]],
    );
    await db.transaction(async (tx) => {
      await lockHead(tx, world.store, 'new', 0);
      const revision = { revision: 1, itemCount: 0, digest: EMPTY_DIGEST, audience: '', partition: '' };
      await moveHead(tx, world.store, { catalog: 'new', ...revision, updatedAt: 0 });
      await addRevision(tx, world.store, 'new', { ...revision, baseRevision: 0, publishedAt: 0, request: 'r' });
    });
    const early = await get({ q: 'lamp', catalog: 'new' });
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '2']);
    expect(early.body['type']).toMatch(/search-not-ready$/);
    expect((await get({ catalog: 'new' })).status).toBe(200);
    // It has died.
    await db.run('UPDATE catalog_indexes SET beat_at = 0 WHERE store = ? AND catalog = ?', name);
    await until('the words to be there', async () => (await get({ q: 'lamp', catalog: 'new' })).status === 200);
    await db.run('DELETE FROM catalogs WHERE store = ? AND catalog = ?', name);
  });

  test('what is asked is checked: prices, currency, length, order', async () => {
    for (const wrong of [{ priceFrom: '1,50' }, { currency: 'XXZ' }, { q: 'x'.repeat(201) }, { sort: 'random' }]) {
      expect((await get(wrong as Record<string, string>)).status).toBe(400);
    }
    const { body } = await get({ q: 'lamp', priceFrom: '5.1', priceTo: '5.103', currency: 'GBP', sort: 'price-desc' });
    expect(body.items?.map((item) => item['sku'])).toEqual(['S103', 'S102', 'S101', 'S100']);
  });

  test('the command line finds the same', async () => {
    const where = ['--site', 'north', '--data', world.trialDirectory()];
    const run = (...words: string[]) => runEntrepot(['catalog', 'search', ...words, ...where], { cwd: world.folder });
    const lamps = await run('Lamp', '11', '--sort', 'price-desc', '--limit', '12');
    expect(
      lamps.stdout
        .split('\n')
        .slice(2, 5)
        .map((line) => line.split('  ')[0]),
    ).toEqual(['S119', 'S118', 'S117']);
    const none = await run('lamp', '--price-from', '99', '--available');
    expect([none.code, none.stdout]).toEqual([0, 'nothing is found\n']);
    expect((await run('--sort', 'random')).stderr).toContain('allowed: relevance, sku');
  });
});
