/**
 * 200 buyers for 50 units at four sites that borrow from each other, while links are cut and sites are killed with
 * kill -9, all by a seed: exactly 50 units are sold or left, and nobody was told of an order that is not there.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { auditStore } from '../../db/audit';
import { openDatabase } from '../../db/migrate';
import { engines } from '../support/databases';
import { Network, databaseInReach, noNetworkReason } from '../support/network';
import { OwnTemporal } from '../support/own-temporal';
import { Processes } from '../support/processes';
import { seededRandom } from '../support/random';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const SITES = ['north', 'south', 'east', 'west'];
const UNITS = 50;
const BUYERS = 200;
/** Buyers who ask at the same time, so that faults fall among them. */
const AT_ONCE = 8;
/** Buyers between two faults, and how long each lasts at most, milliseconds. */
const BUYERS_PER_FAULT = 10;
const FAULT_MAX_MS = 2_000;
const SKU = 'A';
const TEST_TIMEOUT_MS = 12 * 60_000;

interface Told {
  readonly site: string;
  readonly orderId: string;
}

const reason = noNetworkReason();
if (reason !== null && process.env['CI']) throw new Error(`links can't be cut, and in CI that is a failure: ${reason}`);

(reason === null ? describe : describe.skip).each(engines())('borrowing under faults on %s', (engine) => {
  test(
    `${BUYERS} buyers for ${UNITS} units at ${SITES.length} sites: exactly ${UNITS} are sold or left (seed ${SEED})`,
    async () => {
      const network = Network.create(SITES);
      const temporal = await OwnTemporal.create();
      let world: World | undefined;
      let processes: Processes | undefined;
      try {
        await temporal.start();
        world = await World.create(engine, SITES, {
          temporalAddress: `${network.temporal}:${await network.expose('temporal', temporal.port)}`,
          host: (site) => network.address(site),
          adapt: await databaseInReach(network),
        });
        processes = new Processes(world, (site) => network.commandAt(site));
        await processes.startAll();
        await world.pushItems(itemsCsv({ [SKU]: '1.00' }), SITES);
        await world.stock([{ sku: SKU, quantity: UNITS }]);
        const faults = new Faults(processes, network);
        const told = await buyers(world, faults);
        await faults.over();
        await verify(world, told);
        process.stderr.write(`${engine}: ${told.length} orders of ${BUYERS} buyers; ${faults.describe()}\n`);
        expect(Math.min(faults.cuts, faults.kills)).toBeGreaterThan(0);
      } finally {
        await processes?.stopAll();
        await world?.stop();
        await temporal.remove();
        network.remove();
      }
    },
    TEST_TIMEOUT_MS,
  );
});

/** Drawn by the seed, one after the other beside the buyers. */
class Faults {
  cuts = 0;
  kills = 0;
  private readonly random = seededRandom(SEED);
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly processes: Processes,
    private readonly network: Network,
  ) {}

  strike(): void {
    this.last = this.last.then(() => this.one());
  }

  over(): Promise<void> {
    return this.last;
  }

  describe(): string {
    return `${this.cuts} links cut, ${this.kills} sites killed`;
  }

  private async one(): Promise<void> {
    const site = SITES[Math.floor(this.random() * SITES.length)] as string;
    const lasts = Math.floor(this.random() * FAULT_MAX_MS);
    const kind = this.random();
    if (kind < 0.5) {
      this.cuts++;
      this.network.cut(site, 'primary', kind < 0.3 ? 'silent' : 'refused');
      await delay(lasts);
      this.network.heal(site, 'primary');
      return;
    }
    const killed = kind < 0.8 ? site : 'hq';
    this.kills++;
    await this.processes.kill(killed);
    await delay(lasts / 4);
    await this.processes.start(killed);
  }
}

/** Every buyer insists on an answer, and takes the first; answers those that were an order. */
async function buyers(world: World, faults: Faults): Promise<Told[]> {
  const told: Told[] = [];
  let begun = 0;
  const buyer = async () => {
    while (begun < BUYERS) {
      const number = begun++;
      if (number % BUYERS_PER_FAULT === BUYERS_PER_FAULT / 2) faults.strike();
      const bought = await buy(world, number);
      if (bought) told.push(bought);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, buyer));
  return told;
}

async function buy(world: World, number: number): Promise<Told | null> {
  const random = seededRandom(SEED + number);
  // Most buy at one site, which soon has nothing of its own.
  const site = (random() < 0.5 ? SITES[0] : SITES[Math.floor(random() * SITES.length)]) as string;
  const quantity = 1 + Math.floor(random() * 3);
  const ifShort = random() < 0.5 ? 'part' : 'refuse';
  const insist = <T>(ask: () => Promise<T>) => until(`an answer of ${site}`, ask);
  const { cartId, token } = await insist(() => world.fillCart(site, [{ sku: SKU, quantity }]));
  const headers = { 'Cart-Token': token, 'Idempotency-Key': `sale-${cartId}` };
  const answer = await insist(async () => {
    const given = await world.call(site, 'POST', `/carts/${cartId}/checkout`, { headers, body: { ifShort } });
    if (given.status >= 500 || /in-flight/.test(String(given.body['type'])))
      throw new Error(`not now: ${given.status}`);
    return given;
  });
  if (answer.status === 409 && /insufficient-stock/.test(String(answer.body['type']))) return null;
  if (answer.status !== 201 && answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return { site, orderId: String(answer.body['orderId']) };
}

/** The buyers' log against the databases, by statements of the test's own. */
async function verify(world: World, told: readonly Told[]): Promise<void> {
  const sites = [...world.configs].map(([site, config]) => ({ site, db: openDatabase(config.database) }));
  const sum = async (sql: string) => {
    let total = 0;
    for (const { db } of sites) total += Number((await db.get<{ units: number | null }>(sql))?.units ?? 0);
    return total;
  };
  try {
    const onTheWay = "SELECT COUNT(*) AS units FROM transfers WHERE state IN ('in-flight', 'in-doubt')";
    await until('every transfer to be settled', async () => (await sum(onTheWay)) === 0);
    const sold = await sum(
      `SELECT SUM(l.quantity) AS units FROM order_lines l JOIN orders o ON o.store = l.store AND o.order_id = l.order_id
       JOIN topology t ON t.store = o.store AND t.own_site = o.site`,
    );
    const left = await sum('SELECT SUM(rights) AS units FROM stock_levels');
    expect({ sold, left, all: sold + left }).toMatchObject({ all: UNITS });
    expect(await sum('SELECT COUNT(*) AS units FROM stock_levels WHERE rights < 0')).toBe(0);
    const borrowed = await sum("SELECT COUNT(*) AS units FROM transfers WHERE cause LIKE 'borrowing:%'");
    expect(borrowed).toBeGreaterThan(0);
    for (const { site, db } of sites) {
      const orders = await db.all<{ order_id: string }>('SELECT order_id FROM orders WHERE site = ?', [site]);
      const mine = told.filter((each) => each.site === site).map(({ orderId }) => orderId);
      expect(new Set(orders.map((row) => row.order_id))).toEqual(new Set(mine));
    }
    expect((await auditStore(sites, world.store)).violations).toEqual([]);
  } finally {
    for (const { db } of sites) await db.close();
  }
}
