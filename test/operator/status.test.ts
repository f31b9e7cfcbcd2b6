/** How a site says how it is, and how the command shows it. */
import { HELD_AFTER_MS } from '../../domain/held';
import { giveTransfer, takeSequences } from '../../db/inventory';
import { parkDocument } from '../../db/orders';
import { enqueue } from '../../db/outbox';
import { newKey } from '../../cli/trial/keys';
import { openTrial } from '../../cli/trial/data-directory';
import { STORE, Shop } from '../orders/shop';
import { runEntrepot } from '../support/command';
import { engines } from '../support/databases';
import { startForwarder } from '../support/forwarder';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

describe.each(engines())('the status on %s', (engine) => {
  let hq: Shop;
  beforeEach(async () => {
    hq = await Shop.open(engine, 'hq');
    await hq.sells({ A: '1.25' });
    await hq.has([{ sku: 'A', quantity: 100 }]);
  });
  afterEach(() => hq.drop());

  const status = async () => {
    const { status: code, body } = await hq.call('get', '/status', { role: 'operator' });
    expect(code).toBe(200);
    return body as Record<string, Record<string, unknown>>;
  };

  const give = (quantity: number) =>
    hq.db.transaction(async (tx) => {
      const sequence = await takeSequences(tx, STORE, 3, 1);
      const id = { giver: 'hq', incarnation: 3, sequence };
      const cause = { cause: 'test', payloadId: `p${sequence}`, epoch: 1, incarnation: 3, takerIncarnation: 3 };
      const now = hq.context.runtime.clock.now();
      await giveTransfer(
        tx,
        { store: STORE, id, taker: 'north', lines: [{ sku: 'A', quantity }], now, ...cause },
        'own',
      );
    });

  test('is of this site and of now', async () => {
    expect(await status()).toEqual({
      ...{ site: 'hq', role: 'primary', at: expect.stringMatching(/Z$/), incarnation: 3 },
      topology: { version: 1, epoch: 1, primary: 'hq' },
      database: { engine },
      temporal: { reached: false, reason: 'there is none here', namespace: 'default' },
      catalogs: [{ catalog: 'main', revision: '1.1', items: 1 }],
      deliveries: Object.fromEntries(
        ['waiting', 'delivering', 'held', 'parked'].map((state) => [state, { count: 0, oldest: null }]),
      ),
      units: { own: 100, pool: 0, inFlight: 0 },
    });
  });

  test('counts what the list of deliveries shows, in the same states, and units on their way', async () => {
    const start = hq.context.runtime.clock.now();
    await give(10);
    await give(5);
    hq.dials.ahead += HELD_AFTER_MS + 60_000;
    await give(1);
    const now = hq.context.runtime.clock.now();
    const parked = { store: STORE, kind: 'OrderRequest', sender: 'south', subject: 'o', reason: 'bad', document: '' };
    await hq.db.transaction(async (tx) => {
      for (const payloadId of ['p', 'q']) await parkDocument(tx, { ...parked, payloadId, now });
      await enqueue(tx, {
        ...{ store: STORE, outboxId: hq.context.runtime.ids.uuid(), destination: 'temporal', kind: 'workflow' },
        ...{ subject: 'w', epoch: 1, traceContext: null, createdAt: now - 1000 },
      });
    });
    const { deliveries, units } = await status();
    expect(deliveries).toEqual({
      waiting: { count: 1, oldest: new Date(now - 1000).toISOString() },
      delivering: { count: 1, oldest: expect.any(String) },
      held: { count: 2, oldest: expect.any(String) },
      parked: { count: 2, oldest: new Date(now).toISOString() },
    });
    expect(Date.parse(String((deliveries?.['held'] as { oldest: string }).oldest))).toBeGreaterThanOrEqual(start);
    expect(units).toEqual({ own: 84, pool: 0, inFlight: 16 });
    const listed = (await hq.call('get', '/deliveries', { role: 'operator' })).body as { items: { state: string }[] };
    for (const [state, { count }] of Object.entries(deliveries as Record<string, { count: number }>)) {
      expect({ state, count: listed.items.filter((item) => item.state === state).length }).toEqual({ state, count });
    }
  });
});

describe('entrepot status', () => {
  const show = (world: World, site: string, ...more: string[]) =>
    runEntrepot(['status', '--url', world.config(site).url, '--key', world.key, '--store', world.store, ...more], {
      cwd: world.folder,
    });

  test('shows a site that is well, and ends with 0', async () => {
    const world = await World.start('sqlite', []);
    try {
      await world.pushItems(itemsCsv({ A: '1.00' }), []);
      const { code, stdout, stderr } = await show(world, 'hq', '--json');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject([
        {
          ...{ site: 'hq', serving: true, database: true, temporal: true, problem: null },
          status: { topology: { epoch: 1 }, incarnation: 1, catalogs: [{ catalog: 'main', revision: '1.1' }] },
        },
      ]);
      const table = await show(world, 'hq');
      expect(table.stdout).toMatch(/^hq +primary +yes +sqlite +yes +1 +1 +main 1\.1 +0 +0 +0 +- +0 +0 +0$/m);
      const stranger = await show(world, 'hq', '--key', newKey());
      expect(stranger.code).toBe(1);
      expect(stranger.stderr).toContain('answered 401');
    } finally {
      await world.stop();
    }
  });

  test('ends with 3, and says why, where Temporal is away', async () => {
    const world = await World.create('sqlite', [], { temporalAddress: '127.0.0.1:1' });
    try {
      await world.startSite('hq');
      await until('the first attempt to reach Temporal', async () => {
        const { body } = await world.call('hq', 'GET', '/status');
        return (body['temporal'] as { reason: string }).reason.includes('127.0.0.1:1');
      });
      const { code, stdout, stderr } = await show(world, 'hq');
      expect(stdout).toMatch(/^hq +primary +yes +sqlite +NO /m);
      expect(stderr).toMatch(/hq: Temporal is not reached: .*127\.0\.0\.1:1/);
      expect(code).toBe(3);
    } finally {
      await world.stop();
    }
  });

  test('ends with 3 for each site of the trial system that does not answer', async () => {
    const world = await World.create('sqlite', [], { temporalAddress: '127.0.0.1:1' });
    const data = `${world.folder}/trial`;
    openTrial({ data, secondaries: 1 }, 4700, newKey);
    const { code, stdout, stderr } = await runEntrepot(['status', '--data', data], { cwd: world.folder });
    expect(stdout.match(/ NO +\? +\? /g)).toHaveLength(2);
    expect(stderr).toContain('hq: no answer from http://127.0.0.1:4700');
    expect(stderr).toContain('north: no answer from http://127.0.0.1:4701');
    expect(code).toBe(3);
    await world.stop();
  });

  const withServer = engines().filter((engine) => engine === 'mariadb');
  test.each(withServer)('tells a site from its database: %s is away', async (engine) => {
    const world = await World.create(engine, []);
    const config = world.config('hq');
    const direct = new URL(config.database);
    const forwarder = await startForwarder({ host: direct.hostname, port: Number(direct.port) });
    const through = new URL(config.database);
    through.port = String(forwarder.port);
    world.configs.set('hq', { ...config, database: through.toString() });
    try {
      await world.startSite('hq');
      await forwarder.cut();
      const { code, stdout, stderr } = await show(world, 'hq');
      expect(stdout).toMatch(/ yes +NO +\? /);
      expect(stderr).toContain("the site's database does not answer");
      expect(code).toBe(3);
    } finally {
      await world.stop();
    }
  });
});
