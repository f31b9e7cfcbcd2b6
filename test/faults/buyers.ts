/** Buyers whose own log of answers is the oracle, and what it is held against. */
import { setTimeout as delay } from 'node:timers/promises';
import { auditStore } from '../../db/audit';
import { type Database } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { seededRandom } from '../support/random';
import { until } from '../support/until';
import { type World, itemsCsv } from '../support/world';

/** Buyers who ask at the same time. */
const BUYERS = 16;

export interface Told {
  readonly site: string;
  readonly orderId: string;
  readonly units: number;
}

/** What every buyer buys from: two items, as many units of each as one world of a test begins with. */
export const SKUS = ['A', 'B'] as const;

/** A request that breaks is a buyer who was told nothing, and who asks again under the same key. */
export class Buyers {
  readonly told: Told[] = [];
  /** Requests under way. */
  inFlight = 0;
  /** Requests that broke, or were answered "not now". */
  broken = 0;

  constructor(
    private readonly world: World,
    private readonly seed: number,
    private readonly sites: readonly string[] = ['north', 'south'],
  ) {}

  /** Sells `count` carts; each buyer insists until there is an answer. */
  async buy(count: number, onSale: (done: number) => void = () => undefined): Promise<void> {
    let begun = 0;
    let done = 0;
    const buyer = async () => {
      while (begun < count) {
        await this.oneSale(begun++);
        onSale(++done);
      }
    };
    await Promise.all(Array.from({ length: BUYERS }, buyer));
  }

  /**
   * Buys at one site until told to stop, with a pause after each sale, and asks only once: an answer other than an
   * order is a failure. Answers how many checkouts were tried and how many failed.
   */
  async shop(site: string, until: AbortSignal, pauseMs: number): Promise<{ tried: number; failures: string[] }> {
    const failures: string[] = [];
    let tried = 0;
    for (; !until.aborted; tried++) {
      try {
        const answer = await this.world.buy(site, [{ sku: SKUS[tried % SKUS.length] as string, quantity: 1 }]);
        if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
        this.told.push({ site, orderId: String(answer.body['orderId']), units: 1 });
      } catch (error) {
        failures.push(String(error));
      }
      await delay(pauseMs, undefined, { signal: until }).catch(() => undefined);
    }
    return { tried, failures };
  }

  /** What a sale buys, and where, follows from the seed and its number, whoever comes to do it. */
  private async oneSale(number: number): Promise<void> {
    const random = seededRandom(this.seed + number);
    const site = pick(random, this.sites);
    const units = 1 + Math.floor(random() * 3);
    const sku = pick(random, SKUS);
    const { cartId, token } = await this.insist(() => this.world.fillCart(site, [{ sku, quantity: units }]));
    const headers = { 'Cart-Token': token, 'Idempotency-Key': `sale-${cartId}` };
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
    return until('an answer', async () => {
      this.inFlight++;
      try {
        return await ask();
      } catch (error) {
        this.broken++;
        throw error;
      } finally {
        this.inFlight--;
      }
    });
  }
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** The sites of a world that sell. */
function sellers(world: World): string[] {
  return [...world.configs.keys()].filter((site) => site !== 'hq');
}

/** Pushes the items to every seller, and shares `units` of each out among the sites. */
export async function stockUp(world: World, units: number): Promise<void> {
  await world.pushItems(itemsCsv({ A: '1.00', B: '2.00' }), sellers(world));
  await world.stock(SKUS.map((sku) => ({ sku, quantity: units })));
}

/** Everything sold is answered. */
export async function drained(world: World): Promise<void> {
  const oneSite = (site: string) =>
    until(`the outbox of ${site}`, async () => (await world.call(site, 'GET', '/deliveries')).body.items?.length === 0);
  await Promise.all(sellers(world).map(oneSite));
}

/**
 * The oracle: the buyers' log against the databases, read by statements of the test's own. `units` of each item were
 * there at the beginning.
 */
export async function verify(world: World, told: readonly Told[], units: number): Promise<void> {
  const sites = [...world.configs].map(([site, config]) => ({ site, db: openDatabase(config.database) }));
  const at = (site: string) => sites.find((entry) => entry.site === site)?.db as Database;
  try {
    for (const site of sellers(world)) {
      const mine = told.filter((sale) => sale.site === site);
      const rows = await at(site).all<{ order_id: string; state: string }>('SELECT order_id, state FROM orders');
      const states = new Map(rows.map((row) => [row.order_id, row.state]));
      expect(
        mine
          .filter(({ orderId }) => states.get(orderId) !== 'confirmed')
          .map((sale) => ({ ...sale, state: states.get(sale.orderId) })),
      ).toEqual([]);
      // One order for each cart that was sold, and none that nobody was told of: every buyer insisted on an answer.
      expect(states.size).toBe(mine.length);
    }
    const received = await at('hq').all<{ order_id: string }>('SELECT order_id FROM orders');
    expect(new Set(received.map((row) => row.order_id))).toEqual(new Set(told.map(({ orderId }) => orderId)));
    const sold = told.reduce((sum, sale) => sum + sale.units, 0);
    let left = 0;
    for (const { db } of sites)
      left += (await db.get<{ units: number | null }>('SELECT SUM(rights) AS units FROM stock_levels'))?.units ?? 0;
    expect(left + sold).toBe(SKUS.length * units);
    expect((await auditStore(sites, world.store)).violations).toEqual([]);
  } finally {
    for (const { db } of sites) await db.close();
  }
}
