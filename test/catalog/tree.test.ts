/** A tree of sites: whoever has children sends on what it has confirmed, and a hold is that of its sub-tree only. */
import { readHead } from '../../db/catalog/heads';
import { itemsAt } from '../../db/catalog/changes';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { CATALOG, World, itemsCsv } from '../support/world';

const LEAVES = ['leaf-a', 'leaf-b'];

describe.each(engines())('a tree of sites on %s', (engine) => {
  let world: World;

  beforeAll(async () => {
    const parent = (site: string) => (LEAVES.includes(site) ? 'middle' : 'hq');
    world = await World.create(engine, ['middle', 'near', ...LEAVES], { parent });
    for (const site of world.configs.keys()) await world.startSite(site);
    await world.registered();
  });
  afterAll(() => world.stop());

  const has = async (site: string) => {
    const { db } = world.site(site).context;
    const { revision } = await readHead(db, world.store, CATALOG);
    const items = await itemsAt(db, { store: world.store, catalog: CATALOG, revision: revision }, '', 100);
    return Object.fromEntries(items.map(({ item: { sku, price } }) => [sku, price]));
  };
  const all = (sites: readonly string[], wanted: Readonly<Record<string, number>>) =>
    until(`${JSON.stringify(wanted)} at ${sites.join(', ')}`, async () => {
      const found = await Promise.all(sites.map(has));
      return found.every((items) => JSON.stringify(items) === JSON.stringify(wanted));
    });
  const states = async (site: string): Promise<Record<string, string>> => {
    const { body } = await world.call(site, 'GET', `/catalogs/${CATALOG}/status`);
    return Object.fromEntries(body.items?.map((row) => [String(row['site']), String(row['state'])]) ?? []);
  };

  test('a revision reaches the leaves through two levels, and each parent has its own table', async () => {
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.00' }), ['middle', 'near']);
    await all(['middle', 'near', ...LEAVES], { A: 10_000, B: 20_000 });
    expect(await states('hq')).toEqual({ middle: 'confirmed', near: 'confirmed' });
    await until('the table of the middle', async () =>
      Object.values(await states('middle')).every((state) => state === 'confirmed'),
    );
    expect(Object.keys(await states('middle'))).toEqual(LEAVES);
  });

  test('a middle that is away holds its sub-tree only, and all of it comes on its return', async () => {
    await world.stopSite('middle');
    await world.pushItems(itemsCsv({ A: '3.00', C: '4.00' }), ['near']);
    await until('the hold', async () => (await states('hq'))['middle'] === 'held');
    for (const leaf of LEAVES) expect(await has(leaf)).toEqual({ A: 10_000, B: 20_000 });
    await world.startSite('middle');
    await all(['middle', 'near', ...LEAVES], { A: 30_000, B: 20_000, C: 40_000 });
  });

  test('a leaf that is away holds nobody else, and one that lost its database gets it from its parent', async () => {
    await world.stopSite('leaf-a');
    await world.stopSite('leaf-b');
    await world.pushItems(itemsCsv({ A: '5.00' }), ['middle', 'near']);
    await until('the hold', async () => (await states('middle'))['leaf-a'] === 'held');
    await world.loseDatabase('leaf-b');
    await world.startSite('leaf-b');
    await all(['leaf-b'], { A: 50_000, B: 20_000, C: 40_000 });
    await world.startSite('leaf-a');
    await all(LEAVES, { A: 50_000, B: 20_000, C: 40_000 });
    await until('the table of the middle', async () =>
      Object.values(await states('middle')).every((state) => state === 'confirmed'),
    );
  });

  test('a middle that lost its database gets it back, and its leaves go on', async () => {
    await world.stopSite('middle');
    await world.loseDatabase('middle');
    await world.startSite('middle');
    await all(['middle'], { A: 50_000, B: 20_000, C: 40_000 });
    await until('the table of the middle', async () => {
      const found = await states('middle');
      return LEAVES.every((leaf) => found[leaf] === 'confirmed');
    });
    await world.pushItems(itemsCsv({ B: '6.00' }), ['middle', 'near']);
    await all(['middle', 'near', ...LEAVES], { A: 50_000, B: 60_000, C: 40_000 });
  });
});
