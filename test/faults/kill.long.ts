/**
 * Rounds of sales with kill -9 of a secondary, the primary and the Temporal server while requests are in flight. The
 * buyers' own log of answers is the oracle: nothing told is lost, nothing is doubled, and the stock balances.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../db/migrate';
import { auditStore } from '../../db/audit';
import { findTemporal, startTemporalServer } from '../../workers/temporal-server';
import { engines } from '../support/databases';
import { Processes } from '../support/processes';
import { seededRandom } from '../support/random';
import { TEMPORAL_NAMESPACE, freePort } from '../support/servers';
import { noteOwnServer } from '../support/temporal-use';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

const ROUNDS = 5;
const SALES_PER_ROUND = 500;
const BUYERS = 16;
const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 40_000;
const DRAIN_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 15 * 60_000;

interface Told {
  readonly site: string;
  readonly orderId: string;
  readonly units: number;
}

/** A Temporal server of the test's own, to be killed. */
class KillableTemporal {
  readonly folder = mkdtempSync(join(tmpdir(), 'entrepot-faults-'));
  private server: Awaited<ReturnType<typeof startTemporalServer>> | undefined;

  private constructor(
    private readonly binary: string,
    readonly port: number,
    private readonly uiPort: number,
  ) {}

  static async create(): Promise<KillableTemporal> {
    const found = await findTemporal({ env: { ...process.env, TEMPORAL_ADDRESS: undefined } });
    if (found.kind === 'address') throw new Error("a server elsewhere can't be killed");
    return new KillableTemporal(found.path, await freePort(), await freePort());
  }

  async start(): Promise<void> {
    this.server = await startTemporalServer({
      ...{ binary: this.binary, port: this.port, uiPort: this.uiPort, namespace: TEMPORAL_NAMESPACE },
      ...{ dbFile: join(this.folder, 'temporal.sqlite'), logFile: join(this.folder, 'temporal.log') },
    });
  }

  async kill(): Promise<void> {
    if (!this.server) return;
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
  }

  async remove(): Promise<void> {
    if (this.server) await noteOwnServer(this.server.address);
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Buyers of one round; a request that breaks is a buyer who was told nothing, and who asks again under the same key. */
class Buyers {
  readonly told: Told[] = [];
  inFlight = 0;
  broken = 0;

  constructor(
    private readonly world: World,
    private readonly random: () => number,
  ) {}

  async buy(count: number, onSale: (done: number) => void): Promise<void> {
    let begun = 0;
    let done = 0;
    const buyer = async () => {
      while (begun < count) {
        begun++;
        await this.oneSale(begun);
        onSale(++done);
      }
    };
    await Promise.all(Array.from({ length: BUYERS }, buyer));
  }

  private async oneSale(number: number): Promise<void> {
    const site = this.random() < 0.5 ? 'north' : 'south';
    const units = 1 + Math.floor(this.random() * 3);
    const sku = this.random() < 0.5 ? 'A' : 'B';
    const { cartId, token } = await this.insist(() => this.world.fillCart(site, [{ sku, quantity: units }]));
    const headers = { 'Cart-Token': token, 'Idempotency-Key': `sale-${number}-${cartId}` };
    const answer = await this.insist(async () => {
      const given = await this.world.call(site, 'POST', `/carts/${cartId}/checkout`, { headers });
      if (given.status >= 500 || (given.status === 409 && /in-flight/.test(String(given.body['type'])))) {
        throw new Error(`not now: ${given.status}`);
      }
      return given;
    });
    if (answer.status !== 201 && answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    this.told.push({ site, orderId: String(answer.body['orderId']), units });
  }

  private insist<T>(ask: () => Promise<T>): Promise<T> {
    return until(
      'an answer',
      async () => {
        this.inFlight++;
        try {
          return await ask();
        } catch (error) {
          this.broken++;
          throw error;
        } finally {
          this.inFlight--;
        }
      },
      DRAIN_TIMEOUT_MS,
    );
  }
}

describe.each(engines())('kill -9 under load on %s', (engine) => {
  test(
    `${ROUNDS} rounds of ${SALES_PER_ROUND} sales lose nothing, double nothing (seed ${SEED})`,
    async () => {
      const random = seededRandom(SEED);
      const temporal = await KillableTemporal.create();
      await temporal.start();
      const world = await World.create(engine, ['north', 'south'], `127.0.0.1:${temporal.port}`);
      const processes = new Processes(world);
      const told: Told[] = [];
      const killedInFlight: Record<string, number> = { secondary: 0, primary: 0, temporal: 0 };
      try {
        await processes.startAll();
        await world.pushItems(itemsCsv({ A: '1.00', B: '2.00' }), ['north', 'south']);
        await world.stock([
          { sku: 'A', quantity: UNITS },
          { sku: 'B', quantity: UNITS },
        ]);
        for (let round = 0; round < ROUNDS; round++) {
          const buyers = new Buyers(world, random);
          const secondary = random() < 0.5 ? 'north' : 'south';
          const restarts: Promise<void>[] = [];
          const at = (share: number, what: string, act: () => Promise<void>) => ({
            sale: Math.floor(SALES_PER_ROUND * (share + random() * 0.1)),
            run: () => {
              killedInFlight[what] = (killedInFlight[what] ?? 0) + buyers.inFlight;
              restarts.push(act());
            },
          });
          const kills = [
            at(0.15, 'primary', () =>
              restart(
                () => processes.kill('hq'),
                () => processes.start('hq'),
              ),
            ),
            at(0.4, 'secondary', () =>
              restart(
                () => processes.kill(secondary),
                () => processes.start(secondary),
              ),
            ),
            at(0.65, 'temporal', () =>
              restart(
                () => temporal.kill(),
                () => temporal.start(),
              ),
            ),
          ];
          await buyers.buy(SALES_PER_ROUND, (done) => kills.find(({ sale }) => sale === done)?.run());
          await Promise.all(restarts);
          expect(restarts).toHaveLength(kills.length);
          told.push(...buyers.told);
          await drained(world);
          await verify(world, told);
        }
        expect(told).toHaveLength(ROUNDS * SALES_PER_ROUND);
        for (const requests of Object.values(killedInFlight)) expect(requests).toBeGreaterThan(0);
      } finally {
        await processes.stopAll();
        await world.stop();
        await temporal.remove();
      }
    },
    TEST_TIMEOUT_MS,
  );
});

async function restart(kill: () => Promise<void>, start: () => Promise<void>): Promise<void> {
  await kill();
  await start();
}

/** Everything sold is answered. */
async function drained(world: World): Promise<void> {
  for (const site of ['north', 'south']) {
    await until(
      `the outbox of ${site}`,
      async () => {
        const { body } = await world.call(site, 'GET', '/deliveries');
        return body.items?.length === 0;
      },
      DRAIN_TIMEOUT_MS,
    );
  }
}

/** The oracle: the buyers' log against the databases, read by statements of the test's own. */
async function verify(world: World, told: readonly Told[]): Promise<void> {
  const sites = [...world.configs].map(([site, config]) => ({ site, db: openDatabase(config.database) }));
  const at = (site: string) => sites.find((entry) => entry.site === site)?.db ?? sites[0]?.db;
  try {
    for (const site of ['north', 'south']) {
      const mine = told.filter((sale) => sale.site === site);
      const rows = await at(site)?.all<{ order_id: string; state: string }>('SELECT order_id, state FROM orders');
      const states = new Map(rows?.map((row) => [row.order_id, row.state]));
      expect(mine.filter(({ orderId }) => states.get(orderId) !== 'confirmed')).toEqual([]);
      // One order for each cart that was sold, and none that nobody was told of: every buyer insisted on an answer.
      expect(states.size).toBe(mine.length);
    }
    const received = await at('hq')?.all<{ order_id: string }>('SELECT order_id FROM orders');
    expect(new Set(received?.map((row) => row.order_id))).toEqual(new Set(told.map(({ orderId }) => orderId)));
    const units = told.reduce((sum, sale) => sum + sale.units, 0);
    let left = 0;
    for (const { db } of sites)
      left += (await db.get<{ units: number | null }>('SELECT SUM(rights) AS units FROM stock_levels'))?.units ?? 0;
    expect(left + units).toBe(2 * UNITS);
    expect((await auditStore(sites, world.store)).violations).toEqual([]);
  } finally {
    for (const { db } of sites) await db.close();
  }
}
