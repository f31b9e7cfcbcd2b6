/** Pushes that start by themselves: at a time, every so often, after so many changes, or because a site asks. */
import { Client, Connection } from '@temporalio/client';
import { readHead } from '../../db/catalog/heads';
import { itemsAt } from '../../db/catalog/changes';
import { engines } from '../support/databases';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { runEntrepot } from '../support/command';
import { until } from '../support/until';
import { CATALOG, World, itemsCsv } from '../support/world';

const LATER_MS = 60 * 60_000;
const SOON_MS = 3_000;
const PATH = `/catalogs/${CATALOG}/triggers`;

describe.each(engines())('triggers on %s', (engine) => {
  let world: World;
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    world = await World.start(engine);
    connection = await Connection.connect({ address: process.env[TEMPORAL_ADDRESS] ?? '' });
    client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.00' }), ['north', 'south']);
  });
  afterAll(async () => {
    await world.stop();
    await connection.close();
  });

  const draft = async (name: string, prices: Readonly<Record<string, string>>) => {
    const headers = { 'Content-Type': 'text/csv' };
    const path = `/catalogs/${CATALOG}/import?draft=${name}`;
    expect(await world.call('hq', 'POST', path, { body: itemsCsv(prices), headers })).toMatchObject({ status: 200 });
  };
  const has = async (site: string): Promise<Record<string, number>> => {
    const { db } = world.site(site).context;
    const { revision } = await readHead(db, world.store, CATALOG);
    const items = await itemsAt(db, { store: world.store, catalog: CATALOG, revision: revision }, '', 100);
    return Object.fromEntries(items.map(({ item: { sku, price } }) => [sku, price]));
  };
  const priceAt = (site: string, sku: string, price: number) =>
    until(`${sku} at ${price} at ${site}`, async () => (await has(site))[sku] === price);
  const set = (name: string, body: object) => world.call('hq', 'PUT', `${PATH}/${name}`, { body });
  const remove = (name: string) => world.call('hq', 'DELETE', `${PATH}/${name}`);
  const state = async (name: string) =>
    (await world.call('hq', 'GET', PATH)).body.items?.find((row) => row['trigger'] === name)?.['state'];
  const schedule = (name: string) => client.schedule.getHandle(`catalogPush/${world.store}/${CATALOG}/${name}`);

  test('what waits for its time is not published by a push that comes before it', async () => {
    await draft('sale', { A: '0.50' });
    const later = new Date(Date.now() + LATER_MS).toISOString();
    expect(await set('sale-begins', { at: later, draft: 'sale' })).toMatchObject({ status: 200, body: { at: later } });
    await world.pushItems(itemsCsv({ B: '3.00' }), ['north', 'south']);
    expect(await has('north')).toEqual({ A: 10_000, B: 30_000 });
    const at = new Date(Date.now() + SOON_MS).toISOString();
    expect((await set('sale-begins', { at, draft: 'sale' })).body['state']).toBe('active');
    await priceAt('north', 'A', 5_000);
    await priceAt('south', 'A', 5_000);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at));
    await until('the trigger to have fired', async () => (await state('sale-begins')) === 'fired');
    await until('its workflow to be known', async () =>
      (await world.call('hq', 'GET', '/workflows')).body.items?.some(
        ({ workflowId, state: run }) => String(workflowId).includes('/sale-begins') && run === 'completed',
      ),
    );
  });

  test('every so often, and not while it is paused', async () => {
    expect((await set('often', { everySeconds: 10 })).status).toBe(200);
    await until('the schedule', async () => (await schedule('often').describe()).policies.overlap === 'BUFFER_ONE');
    expect((await world.call('hq', 'POST', `${PATH}/often/pauses`)).body['state']).toBe('paused');
    await until('the pause', async () => (await schedule('often').describe()).state.paused);
    expect((await world.call('hq', 'DELETE', `${PATH}/often/pauses`)).body['state']).toBe('active');
    await until('the schedule to go on', async () => !(await schedule('often').describe()).state.paused);
    await draft('next', { A: '0.70' });
    await priceAt('south', 'A', 7_000);
    expect((await remove('often')).status).toBe(204);
    await until('the schedule to be gone', async () =>
      schedule('often')
        .describe()
        .then(
          () => false,
          () => true,
        ),
    );
    expect(await state('often')).toBeUndefined();
    expect((await remove('often')).status).toBe(404);
  });

  test('after so many changes of its draft, and of no other', async () => {
    expect((await set('three', { changes: 3, draft: 'counted' })).status).toBe(200);
    await draft('other', { P: '1.00', Q: '1.00', R: '1.00', S: '1.00' });
    await draft('counted', { C: '1.00', D: '1.00' });
    expect((await world.call('hq', 'GET', `/catalogs/${CATALOG}/drafts/counted`)).body['added']).toBe(2);
    await draft('counted', { E: '1.00' });
    await priceAt('north', 'E', 10_000);
    expect(Object.keys(await has('north'))).toEqual(['A', 'B', 'C', 'D', 'E']);
    await remove('three');
    await world.call('hq', 'DELETE', `/catalogs/${CATALOG}/drafts/other`);
  });

  test('because a site asks, which publishes nothing', async () => {
    // What is under way would be confirmed after the site has lost it.
    await world.confirmed(['north', 'south']);
    await draft('next', { Z: '1.00' });
    const { db } = world.site('north').context;
    await db.transaction((tx) => tx.run('DELETE FROM item_versions'));
    await db.transaction((tx) =>
      tx.run('UPDATE catalogs SET revision = 0, item_count = 0, digest = ?', ['0'.repeat(64)]),
    );
    const asked = await world.call('north', 'POST', `/catalogs/${CATALOG}/requests`);
    expect(asked.status).toBe(202);
    await world.finished('north', String(asked.body['workflowId']));
    await priceAt('north', 'E', 10_000);
    expect(await has('north')).toEqual(await has('hq'));
    expect(await has('hq')).not.toHaveProperty('Z');
    expect((await world.call('hq', 'POST', `/catalogs/${CATALOG}/requests`)).status).toBe(409);
  });

  test('what can never fire is refused, by its value', async () => {
    const refused: [object, RegExp][] = [
      [{ at: '2020-01-01T00:00:00Z' }, /2020-01-01.*is over/],
      [{ everySeconds: 1 }, /everySeconds/],
      [{ changes: 0 }, /changes/],
      [{ at: 'tomorrow' }, /at/],
      [{}, /at|everySeconds|changes/],
      [{ changes: 1, everySeconds: 60 }, /./],
    ];
    for (const [body, words] of refused) {
      const { status, body: problem } = await set('never', body);
      expect({ body, status }).toEqual({ body, status: 400 });
      expect(String(problem['detail'])).toMatch(words);
    }
    expect(await state('never')).toBeUndefined();
    expect((await world.call('north', 'PUT', `${PATH}/x`, { body: { changes: 1 } })).status).toBe(421);
  });

  test('by the command line', async () => {
    const entrepot = (...words: string[]) => {
      const to = ['--url', world.config('hq').url, '--key', world.key, '--store', world.store];
      return runEntrepot(['catalog', ...words, ...to], { cwd: world.folder });
    };
    const said = async (...words: string[]) => (await entrepot(...words)).stdout;
    expect(await said('trigger', 'set', 'nightly', '--every', '86400', '--draft', 'tonight')).toContain(
      'every 86400 s',
    );
    expect(await said('trigger', 'pause', 'nightly')).toContain('is paused');
    expect(await said('trigger', 'list')).toMatch(
      new RegExp(`nightly +tonight +paused .*catalogPush/${world.store}/main/nightly`),
    );
    expect(await said('trigger', 'resume', 'nightly')).toContain('is active');
    expect(await said('trigger', 'remove', 'nightly')).toContain('is removed');
    expect(await said('trigger', 'list')).not.toContain('nightly');
    expect(await entrepot('trigger', 'set', 'never', '--every', '60', '--after-changes', '5')).toMatchObject({
      code: 2,
    });
  });
});
