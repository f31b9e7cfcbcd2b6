/**
 * The system as in production: Temporal's real server on PostgreSQL, MariaDB, mutual TLS, a process for each site. Each
 * of them is restarted under load; then the running system is upgraded by one migration and one workflow change, and
 * taken back. The buyers' own log of answers is the oracle.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { openDatabase } from '../../db/migrate';
import { connectionOptions } from '../../workers/temporal-connection';
import { Buyers, type Told, drained, stockUp, verify } from '../faults/buyers';
import { CertificateAuthority } from '../support/certificates';
import { until } from '../support/until';
import { itemsCsv } from '../support/world';
import { DeliveryHistories } from './histories';
import { MIGRATION, PATCH, type Release, buildNextRelease } from './next-release';
import { type System, missingParts, startSystem } from './system';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101203);
const UNITS = 40_000;
/** Received while a site is away; half of them is its share. */
const LATE_UNITS = 200;
/** Sales in one go; buyers go on for as long as something is restarted. */
const SALES = 48;
/** Sales while old and new code run side by side. */
const SALES_OF_BOTH = 100;
const TEST_TIMEOUT_MS = 10 * 60_000;
const SET_UP_TIMEOUT_MS = 10 * 60_000;

const missing = missingParts();
const startedAt = Date.now();
const tell = (line: string) =>
  void process.stderr.write(`production: ${Math.round((Date.now() - startedAt) / 1000)} s: ${line}\n`);

(missing.length === 0 ? describe : describe.skip)('the system as in production', () => {
  let system: System;
  let next: Promise<Release>;
  const removals: (() => Promise<void>)[] = [];
  const told: Told[] = [];

  beforeAll(async () => {
    next = buildNextRelease();
    // Whoever needs the release awaits it, and hears of its error then.
    next.catch(() => undefined);
    system = await startSystem(removals, tell);
    await stockUp(system.world, UNITS);
    tell('the system is up');
  }, SET_UP_TIMEOUT_MS);

  afterAll(async () => {
    for (const remove of removals.reverse()) await remove();
    (await next).remove();
  }, TEST_TIMEOUT_MS);

  /** Buyers buy for as long as `work` takes, and once through after it. */
  async function underLoad(buyers: Buyers, what: string, work: () => Promise<void>): Promise<void> {
    let going = true;
    const buy = async () => {
      do await buyers.buy(SALES);
      while (going);
    };
    const act = async () => {
      try {
        await until('requests in flight', async () => buyers.inFlight > 0);
        await work();
      } finally {
        going = false;
      }
    };
    await Promise.all([buy(), act()]);
    tell(`${what}: ${buyers.told.length} sales so far, ${buyers.broken} requests asked again`);
  }

  test('nobody reaches Temporal without a certificate of its authority', async () => {
    const { settings, authority, folder } = system.temporal;
    const stranger = new CertificateAuthority(folder, 'stranger').issue('burglar', 'site.internal');
    const attempts = [
      { ...settings, tls: { caFile: authority.certificate, serverName: settings.tls.serverName } },
      { ...settings, tls: { ...settings.tls, ...stranger } },
    ];
    const refused = await Promise.allSettled(
      attempts.map(async (attempt) =>
        Connection.connect({ ...(await connectionOptions(attempt)), connectTimeout: 2_000 }),
      ),
    );
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test(
    'restarts of everything under load lose nothing and double nothing',
    async () => {
      const { processes, temporal, postgresql, mariadb, world } = system;
      const buyers = new Buyers(world, SEED);
      const restartSite = (site: string) => async () => {
        await processes.kill(site, 'SIGTERM');
        await processes.start(site);
      };
      const restarts: Record<string, () => Promise<void>> = {
        'the secondary north': restartSite('north'),
        'the secondary south': restartSite('south'),
        'the primary': restartSite('hq'),
        Temporal: async () => {
          await temporal.stop();
          await temporal.launch();
        },
        'PostgreSQL, by kill -9': async () => {
          await postgresql.kill();
          await postgresql.launch();
          await temporal.answers();
        },
        'MariaDB, by kill -9': () => mariadb.restart(),
      };
      for (const [what, restart] of Object.entries(restarts)) await underLoad(buyers, what, restart);
      expect(buyers.broken).toBeGreaterThan(0);
      told.push(...buyers.told);
      await drained(world);
      await verify(world, told, UNITS);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'an upgrade by one migration and one workflow change, under load, with a site away across all of it',
    async () => {
      const { processes, world, client } = system;
      const release = await next;
      const deliveries = new DeliveryHistories(client, world.store);

      const southern = new Buyers(world, SEED + 1, ['south']);
      let gone = false;
      const insist = async () => {
        do await southern.buy(SALES);
        while (!gone);
      };
      const insisting = insist();
      await until('south to go with a batch in hand', async () => {
        await until('a batch of south', async () => (await deliveries.open('south')).length > 0);
        await processes.kill('south');
        gone = (await deliveries.open('south')).length > 0;
        if (!gone) await processes.start('south');
        return gone;
      });
      await world.pushItems(itemsCsv({ LATE: '3.00' }), ['north']);
      const lines = [{ sku: 'LATE', quantity: LATE_UNITS }];
      await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'late', lines } });
      await world.call('hq', 'POST', '/inventory/allocations', { body: { skus: ['LATE'] } });
      const heldForSouth = async () => {
        const { body } = await world.call('hq', 'GET', '/deliveries');
        const held = body.items?.filter((row) => row['state'] === 'held').map((row) => row['kind']) ?? [];
        return held.includes('catalog') && held.includes('stock') && (await deliveries.held('south')).length > 0;
      };
      await until('catalogue, stock and orders to be held', heldForSouth);
      const upgradeBegins = Date.now();
      const upgrade = async (site: string) => {
        await processes.kill(site, 'SIGTERM');
        await processes.start(site, release.main);
      };

      const northern = new Buyers(world, SEED + 2, ['north']);
      await underLoad(northern, 'upgrade: the primary, then north', async () => {
        await upgrade('hq');
        const before = northern.told.length;
        await until('sales on both releases', async () => northern.told.length > before + SALES_OF_BOTH);
        await upgrade('north');
      });
      expect(await heldForSouth()).toBe(true);
      await underLoad(northern, 'upgrade: south comes back', () => processes.start('south', release.main));
      await insisting;
      const upgradeEnds = Date.now();
      const everywhere = new Buyers(world, SEED + 3);
      await everywhere.buy(SALES);

      told.push(...southern.told, ...northern.told, ...everywhere.told);
      await world.confirmed(['north', 'south']);
      await drained(world);
      await until('every delivery to end', async () => (await deliveries.open()).length === 0);
      await verify(world, told, UNITS + LATE_UNITS / 2);
      const levels = await world.call('south', 'GET', '/inventory/levels?sku=LATE');
      expect(levels.body.items).toMatchObject([{ own: LATE_UNITS / 2 }]);

      const histories = await deliveries.fetch();
      const across = histories.filter((run) => run.startedAt < upgradeBegins && run.closedAt > upgradeBegins);
      expect(across.length).toBeGreaterThan(0);
      expect(across.filter((run) => run.noted)).toEqual([]);
      const after = histories.filter((run) => run.startedAt > upgradeEnds);
      expect(after.length).toBeGreaterThan(0);
      expect(after.filter((run) => !run.noted)).toEqual([]);
      const replayed = Worker.runReplayHistories(
        { workflowBundle: { codePath: release.workflowBundle } },
        histories.map(({ workflowId, history }) => ({ workflowId, history })),
      );
      for await (const { error, workflowId } of replayed)
        expect({ workflowId, error }).toMatchObject({ error: undefined });
      tell(`${histories.length} histories replayed, ${across.length} of them across the upgrade`);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'the old release takes over again on the schema that was expanded',
    async () => {
      const { processes, world, client } = system;
      const sites = [...world.configs.keys()];
      const buyers = new Buyers(world, SEED + 4);
      await underLoad(buyers, 'rollback', async () => {
        await Promise.all(sites.map((site) => processes.kill(site, 'SIGTERM')));
        // What took the new step can't go on under the old code; the outbox offers its orders anew.
        const taken = `TemporalChangeVersion = '${PATCH}' AND ExecutionStatus = 'Running'`;
        for await (const { workflowId } of client.workflow.list({ query: taken }))
          await client.workflow.getHandle(workflowId).terminate('rolled back');
        await Promise.all(sites.map((site) => processes.start(site)));
      });
      told.push(...buyers.told);
      await drained(world);
      await verify(world, told, UNITS + LATE_UNITS / 2);
      for (const site of sites) expect(readFileSync(join(world.folder, `${site}.log`), 'utf8')).toContain(MIGRATION);
      const db = openDatabase(world.config('hq').database);
      expect(await db.all('SELECT name FROM entrepot_migrations WHERE name = ?', [MIGRATION])).toHaveLength(1);
      await db.close();
    },
    TEST_TIMEOUT_MS,
  );
});
