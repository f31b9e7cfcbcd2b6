/**
 * What only some may see: items, prices and whole catalogues for user groups. A site has nothing of a group that is not
 * served there or below, and a buyer outside a group meets no sign of what is for it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readHead } from '../../db/catalog/heads';
import { type Database } from '../../db/database';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { type Answer, CATALOG, World, itemsCsv } from '../support/world';

const SITES = ['middle', 'plain', 'leaf'];
/** For nobody's description but an item's that is for gold buyers. */
const SECRET = 'Zanzibar';
const HEADER = 'sku,description,price_gbp,audience,group_prices';
const ITEMS = [
  HEADER,
  'P,Public lamp,10.00,,gold=8.00',
  `G,${SECRET} lamp,20.00,gold,gold=18.00`,
  `S,${SECRET} chair,30.00,"silver, gold",`,
  'N,New lamp,5.00,,',
].join('\n');

describe.each(engines())('audiences on %s', (engine) => {
  let world: World;
  let gold: string;
  const keys = new Map<string, string>();

  beforeAll(async () => {
    world = await World.create(engine, SITES, { parent: (site) => (site === 'leaf' ? 'middle' : 'hq') });
    for (const site of world.configs.keys()) await world.startSite(site);
    await world.registered();
    gold = String((await world.call('hq', 'PUT', '/groups/gold')).body['id']);
    await world.call('hq', 'PUT', '/groups/silver');
    for (const site of world.configs.keys()) {
      for (const [name, groups] of [
        ['gold', [gold]],
        ['nobody', []],
      ] as const) {
        const made = await world.call(site, 'POST', '/keys', { body: { role: 'buyer', label: name, groups } });
        keys.set(`${name}@${site}`, String(made.body['key']));
      }
    }
  });
  afterAll(() => world.stop());

  const dbOf = (site: string): Database => world.site(site).context.db;
  const as = (who: string, site: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    world.call(site, 'GET', path, {
      headers: { Authorization: `Bearer ${keys.get(`${who}@${site}`) ?? ''}`, ...headers },
    });
  /** `P 8.00, N 5.00` of a list. */
  const listed = ({ body }: Answer) =>
    (body.items as { sku: string; price: { amount: string } }[])
      .map(({ sku, price }) => `${sku} ${price.amount}`)
      .sort()
      .join(', ');
  const list = async (who: string, site: string, query = '') => listed(await as(who, site, `/items${query}`));
  const lists = (who: string, site: string, wanted: string) =>
    until(`${who} at ${site} to see ${wanted}`, async () => (await list(who, site)) === wanted);
  const put = async (path: string, groups: readonly string[]) => {
    const answer = await world.call('hq', 'PUT', path, { body: { groups } });
    expect([answer.status, answer.body['type']]).toEqual([200, undefined]);
  };
  const push = async (csv: string, catalog = CATALOG) => {
    const headers = { 'Content-Type': 'text/csv' };
    const imported = await world.call('hq', 'POST', `/catalogs/${catalog}/import`, { body: csv, headers });
    expect(imported.body).toMatchObject({ applied: true });
    const before = (await readHead(dbOf('hq'), world.store, catalog)).revision;
    await world.call('hq', 'POST', `/catalogs/${catalog}/pushes`);
    await until('the revision', async () => (await readHead(dbOf('hq'), world.store, catalog)).revision > before);
  };
  const caughtUp = (catalog = CATALOG, sites = SITES) =>
    until(`${catalog} everywhere`, async () => {
      const { revision } = await readHead(dbOf('hq'), world.store, catalog);
      const heads = await Promise.all(sites.map((site) => readHead(dbOf(site), world.store, catalog)));
      return heads.every((head) => head.revision === revision);
    });
  /** Everything that a site keeps, in its database and its documents, as one text. */
  const kept = async (site: string): Promise<string> => {
    const folder = world.config(site).documentsDir;
    let text = '';
    for (const table of [
      'item_versions',
      'item_texts',
      'catalogs',
      'catalog_revisions',
      'catalog_views',
      'site_groups',
    ]) {
      text += JSON.stringify(await dbOf(site).all(`SELECT * FROM ${table}`));
    }
    for (const file of readdirOf(folder)) text += brotliDecompressSync(readFileSync(join(folder, file))).toString();
    return text;
  };
  const searchable = (site: string) =>
    until(`the words at ${site}`, async () => {
      const { body } = await world.call(site, 'GET', '/catalogs');
      return body.items?.every((row) => row['searchable'] === row['revision']);
    });
  const audited = async () => expect(await world.violations()).toEqual([]);

  test('a group must be there before anything is for it, and only the primary knows names', async () => {
    const csv = [HEADER, 'X,X,1.00,platinum,', 'Y,Y,1.00,,platinum=2', 'Z,Z,1.00,,gold=cheap'].join('\n');
    const headers = { 'Content-Type': 'text/csv' };
    const refused = await world.call('hq', 'POST', `/catalogs/${CATALOG}/import`, { body: csv, headers });
    expect(refused.status).toBe(422);
    expect(refused.body['faults']).toMatchObject([
      {
        row: 1,
        column: 'audience',
        reason: 'names the user group "platinum", which there is not: known: gold, silver',
      },
      { row: 2, column: 'group_prices', reason: expect.stringContaining('"platinum"') as string },
      { row: 3, column: 'group_prices', reason: expect.stringContaining('"gold=cheap"') as string },
    ]);
    expect((await world.call('hq', 'PUT', '/groups/gold')).body).toEqual({ group: 'gold', id: gold });
    expect((await world.call('plain', 'GET', '/groups')).status).toBe(421);
    const unknown = await world.call('hq', 'PUT', '/sites/plain/groups', { body: { groups: ['platinum'] } });
    expect([unknown.status, unknown.body['detail']]).toEqual([422, expect.stringContaining('known: gold, silver')]);
    expect((await world.call('hq', 'PUT', '/sites/hq/groups', { body: { groups: [] } })).status).toBe(404);
  });

  test('a site gets what is for the groups that it serves, and others have no trace of it', async () => {
    await put('/sites/leaf/groups', ['gold']);
    await push(ITEMS);
    await caughtUp();
    expect(await list('gold', 'leaf')).toBe('G 18.00, N 5.00, P 8.00, S 30.00');
    expect(await list('nobody', 'leaf')).toBe('N 5.00, P 10.00');
    // The middle has it for its leaf, not for its own buyers.
    for (const site of ['middle', 'plain']) expect(await list('gold', site)).toBe('N 5.00, P 10.00');
    expect(await list('gold', 'hq')).toBe('G 18.00, N 5.00, P 8.00, S 30.00');
    for (const trace of [SECRET, gold, 'gold', 'silver', '|g']) expect(await kept('plain')).not.toContain(trace);
    expect(await kept('leaf')).toContain(SECRET);
    for (const site of ['leaf', 'middle'])
      for (const name of ['gold', 'silver']) expect(await kept(site)).not.toContain(name);
    await audited();
  });

  test('a buyer outside the group can neither list, search, fetch, buy nor guess', async () => {
    for (const site of ['leaf', 'hq']) {
      await searchable(site);
      const [none, some] = [keys.get(`nobody@${site}`) ?? '', keys.get(`gold@${site}`) ?? ''];
      expect(await list('nobody', site, `?q=${SECRET}`)).toBe('');
      expect(await list('gold', site, `?q=${SECRET}`)).toBe('G 18.00, S 30.00');
      expect(await list('gold', site, '?sort=price-asc&priceTo=9')).toBe('N 5.00, P 8.00');
      expect(await list('nobody', site, '?priceTo=9')).toBe('N 5.00');
      expect(await list('gold', site, '?sort=price-desc&priceFrom=18&priceTo=19')).toBe('G 18.00');
      const [there, nowhere] = [await as('nobody', site, '/items/G'), await as('nobody', site, '/items/Q')];
      expect([there.status, told(there)]).toEqual([404, told(nowhere, 'G')]);
      expect((await as('gold', site, '/items/G')).body).toMatchObject({ price: { amount: '18.00' } });
      expect(JSON.stringify((await as('gold', site, '/items/G')).body)).not.toContain(gold);
      const asNobody = await as('gold', site, '/items', { 'Buyer-Groups': '' });
      expect(listed(asNobody)).toBe('N 5.00, P 10.00');
      expect((await as('nobody', site, '/items', { 'Buyer-Groups': gold })).body['type']).toMatch(/not-your-group$/);
      const fill = async (key: string, sku: string) => {
        const auth = { Authorization: `Bearer ${key}` };
        const cart = await world.call(site, 'POST', '/carts', { body: {}, headers: auth });
        const token = { 'Cart-Token': String(cart.body['token']), 'If-Match': cart.headers.get('etag') ?? '' };
        const lines = [{ sku, quantity: 1 }];
        return world.call(site, 'POST', `/carts/${String(cart.body['cartId'])}/lines`, {
          body: { lines },
          headers: { ...auth, ...token },
        });
      };
      const [private_, unknown] = [await fill(none, 'G'), await fill(none, 'Q')];
      expect([private_.status, told(private_)]).toEqual([422, told(unknown, 'G')]);
      expect((await fill(some, 'G')).body['lines']).toMatchObject([{ sku: 'G', price: { amount: '18.00' } }]);
      expect((await fill(some, 'P')).body['lines']).toMatchObject([{ sku: 'P', price: { amount: '8.00' } }]);
    }
  });

  test('an item that leaves an audience goes where it may no longer be seen, by a delta', async () => {
    await push([HEADER, `G,${SECRET} lamp,20.00,silver,`, 'N,New lamp,6.00,gold,'].join('\n'));
    await caughtUp();
    expect(await list('gold', 'leaf')).toBe('N 6.00, P 8.00, S 30.00');
    expect(await list('nobody', 'plain')).toBe('P 10.00');
    await audited();
  });

  test('a site that serves another group gets what that may see, and one that serves none any more loses it, also held', async () => {
    await put('/sites/plain/groups', ['gold']);
    await lists('gold', 'plain', 'N 6.00, P 8.00, S 30.00');
    await world.stopSite('leaf');
    await put('/sites/leaf/groups', []);
    await push([HEADER, 'P,Public lamp,11.00,,gold=9.00'].join('\n'));
    await lists('gold', 'plain', 'N 6.00, P 9.00, S 30.00');
    await world.startSite('leaf');
    await lists('gold', 'leaf', 'P 11.00');
    await caughtUp();
    const open = await dbOf('leaf').all('SELECT sku, audience, group_prices FROM item_versions WHERE to_revision > ?', [
      (await readHead(dbOf('leaf'), world.store, CATALOG)).revision,
    ]);
    expect(open).toEqual([{ sku: 'P', audience: '', group_prices: null }]);
    await audited();
  });

  test('a catalogue for a group is not there for others, nor at sites without the group', async () => {
    await push(itemsCsv({ C1: '1.00', C2: '2.00' }), 'club');
    await caughtUp('club');
    await put('/catalogs/club/audience', ['gold']);
    await caughtUp('club');
    const seen = async (who: string, site: string) => list(who, site, '?catalog=club');
    await until('the club to be gone from the leaf', async () => (await seen('nobody', 'leaf')) === '');
    await until('the club to be for gold only', async () => (await seen('nobody', 'plain')) === '');
    expect([await seen('gold', 'plain'), await seen('gold', 'hq')]).toEqual(['C1 1.00, C2 2.00', 'C1 1.00, C2 2.00']);
    expect([await seen('gold', 'leaf'), await seen('nobody', 'hq')]).toEqual(['', '']);
    await push(itemsCsv({ C3: '3.00' }), 'club');
    await until('the third', async () => (await seen('gold', 'plain')) === 'C1 1.00, C2 2.00, C3 3.00');
    await put('/catalogs/club/audience', []);
    await until('the club to be open', async () => (await seen('nobody', 'leaf')) === 'C1 1.00, C2 2.00, C3 3.00');
    await caughtUp('club');
    await audited();
    // One that was never anybody else's is not heard of elsewhere.
    await put('/catalogs/inner/audience', ['gold']);
    await push(itemsCsv({ D1: '1.00' }), 'inner');
    await until('the inner one', async () => (await list('gold', 'plain', '?catalog=inner')) === 'D1 1.00');
    expect((await readHead(dbOf('leaf'), world.store, 'inner')).revision).toBe(0);
  });
});

/** An answer as text; what it says of the sku "Q" is said of another. */
function told({ body }: Answer, sku = 'Q'): string {
  const { requestId: _, ...rest } = body as Record<string, unknown>;
  return JSON.stringify(rest).replaceAll(/(\\?")Q(\\?")/g, `$1${sku}$2`);
}

function readdirOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.br'));
  } catch {
    return [];
  }
}
