/**
 * Unknown COMMITs: the connection breaks when COMMIT was sent and its answer has not come, by a proxy that knows whether
 * it happened, and by kill -9 of the database server. What the buyers were told is the oracle.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNKNOWN_COMMIT } from '../../activities/sale';
import { type Server, startMariadb } from '../support/servers';
import { CommitProxy } from '../support/commit-proxy';
import { engines } from '../support/databases';
import { Processes } from '../support/processes';
import { seededRandom } from '../support/random';
import { World } from '../support/world';
import { Buyers, type Told, drained, stockUp, verify } from './buyers';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 20_000;
/** With the proxy: sales, and the share of COMMITs whose connection is cut. */
const CUT_SALES = 400;
const CUT_SHARE = 0.06;
/** With kill -9: rounds, and sales of each. */
const KILLS = 5;
const SALES_PER_KILL = 150;
const TEST_TIMEOUT_MS = 10 * 60_000;

const tell = (line: string) => void process.stderr.write(`${line}\n`);

type OwnMariadb = Server & { pid: number; restart(): Promise<void> };

async function withWorld(server: string, work: (world: World, proxy: CommitProxy) => Promise<void>): Promise<void> {
  const proxy = await CommitProxy.start(server, seededRandom(SEED));
  const world = await World.create('mariadb', ['north', 'south'], {
    place: () => ({ server }),
    adapt: (config) => ({ ...config, database: proxy.through(config.database) }),
  });
  const processes = new Processes(world);
  try {
    await processes.startAll();
    await stockUp(world, UNITS);
    await work(world, proxy);
  } finally {
    await processes.stopAll();
    await world.stop();
    await proxy.stop();
  }
}

// SQLite has no connection that could break.
const servers = engines().filter((engine) => engine === 'mariadb');

(servers.length > 0 ? describe : describe.skip)(`unknown COMMITs on MariaDB (seed ${SEED})`, () => {
  let server: OwnMariadb;
  beforeAll(async () => {
    const started = await startMariadb();
    if (!started) throw new Error('MariaDB is not installed');
    server = started;
  }, TEST_TIMEOUT_MS);
  afterAll(() => server.stop());

  test(
    `${CUT_SALES} sales while connections break at COMMIT lose nothing, double nothing`,
    () =>
      withWorld(server.address, async (world, proxy) => {
        const buyers = new Buyers(world, SEED);
        proxy.cut(CUT_SHARE);
        await buyers.buy(CUT_SALES);
        await drained(world);
        proxy.cut(0);
        expect(buyers.told).toHaveLength(CUT_SALES);
        await verify(world, buyers.told, UNITS);
        const looked = lookedUp(world);
        tell(`COMMITs cut: ${JSON.stringify(proxy.counts)}; sales looked up by their cart: ${JSON.stringify(looked)}`);
        // Both outcomes have really come about, over all transactions and among the sales themselves.
        for (const count of [proxy.counts.lost, proxy.counts.unheard]) expect(count).toBeGreaterThanOrEqual(20);
        for (const count of [looked.found, looked.absent]) expect(count).toBeGreaterThanOrEqual(4);
      }),
    TEST_TIMEOUT_MS,
  );

  test(
    `${KILLS} rounds of ${SALES_PER_KILL} sales, each with a kill -9 of the server, lose nothing, double nothing`,
    () =>
      withWorld(server.address, async (world, proxy) => {
        const random = seededRandom(SEED);
        const told: Told[] = [];
        let inFlight = 0;
        for (let round = 0; round < KILLS; round++) {
          const buyers = new Buyers(world, SEED + round * SALES_PER_KILL);
          const killAt = Math.floor(SALES_PER_KILL * (0.2 + 0.5 * random()));
          const restarted: Promise<void>[] = [];
          await buyers.buy(SALES_PER_KILL, (done) => {
            if (done !== killAt) return;
            inFlight += buyers.inFlight;
            restarted.push(server.restart());
          });
          await Promise.all(restarted);
          expect(restarted).toHaveLength(1);
          told.push(...buyers.told);
          await drained(world);
          await verify(world, told, UNITS);
        }
        expect(told).toHaveLength(KILLS * SALES_PER_KILL);
        const looked = lookedUp(world);
        tell(
          `killed with ${inFlight} requests in flight, ${proxy.counts.orphaned} COMMITs unanswered; ` +
            `sales looked up by their cart: ${JSON.stringify(looked)}`,
        );
        expect(inFlight).toBeGreaterThan(0);
        expect(proxy.counts.orphaned).toBeGreaterThan(0);
      }),
    TEST_TIMEOUT_MS,
  );
});

/** What the sellers' logs say about sales whose COMMIT had no answer. */
function lookedUp(world: World): { found: number; absent: number } {
  const lines = ['north', 'south'].flatMap((site) =>
    readFileSync(join(world.folder, `${site}.log`), 'utf8')
      .split('\n')
      .filter((line) => line.includes(UNKNOWN_COMMIT)),
  );
  const found = lines.filter((line) => (JSON.parse(line) as { found: boolean }).found).length;
  return { found, absent: lines.length - found };
}
