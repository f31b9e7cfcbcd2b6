/**
 * Checkouts a second, through HTTP and as the bare transaction, each in a pair with the same statements on the bare
 * driver, on both engines; and the delay of the serving process's event loop under that load.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sellCart } from '../../activities/sale';
import { hashToken } from '../../api/cart-access';
import { type Engine } from '../../db/database';
import { inParallel } from '../../cli/demo/scenario';
import { findFreePortBase } from '../../cli/trial/ports';
import { PrivateMariadb } from '../private-mariadb';
import { type Result, peakRssMiB, printReport, quantile, round, tell } from '../report';
import { makeCart } from '../shop';
import { type BareDriver, type Script, ScriptRecorder, bareMariadb, bareSqlite, durability } from './driver';
import {
  type BenchShop,
  CATALOG,
  HOT_SKU,
  PRICE,
  STORE,
  ServingProcess,
  benchConfig,
  openShop,
  sku,
} from './shop-site';

const ROUNDS_DEFAULT = 5;
const CHECKOUTS_DEFAULT = 1_500;
const CLIENTS_DEFAULT = 32;
const HOT_CLIENTS = 20;
const LINES = 3;
const CARTS_AT_ONCE = 16;
/** Before the first round that counts. */
const WARM_UP_CHECKOUTS = 500;
const PORT_BASE = 5600;
const PORTS_APART = 50;
const BUFFER_POOL = '--innodb-buffer-pool-size=512M';
const TOKEN = 'bench-token';

/** What the targets ask for (docs/guarantees.md). */
const BARE_TARGET: Readonly<Record<Engine, number>> = { mariadb: 0.8, sqlite: 0.6 };
const HTTP_TARGET = 0.35;
const LOOP_DELAY_TARGET_MS = 50;

interface Load {
  readonly name: string;
  readonly clients: number;
  readonly skusOf: (index: number) => readonly string[];
}

export async function checkout(options: Readonly<Record<string, string>>): Promise<void> {
  const rounds = Number(options['rounds'] ?? ROUNDS_DEFAULT);
  const checkouts = Number(options['checkouts'] ?? CHECKOUTS_DEFAULT);
  const clients = Number(options['clients'] ?? CLIENTS_DEFAULT);
  const wanted = options['engine'] === undefined ? (['sqlite', 'mariadb'] as const) : [options['engine'] as Engine];
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
  const port = await findFreePortBase(PORT_BASE, PORTS_APART, [0, 1]);
  const spread = (index: number) => Array.from({ length: LINES }, (_, line) => sku(index * 7 + line * 1_201));
  const loads: Load[] = [
    { name: `${clients} clients, ${LINES} lines`, clients, skusOf: spread },
    { name: `${HOT_CLIENTS} clients, one hot item`, clients: HOT_CLIENTS, skusOf: () => [HOT_SKU] },
  ];
  const results: Result[] = [];
  const peak: Record<string, number> = {};
  const params: Record<string, string | number> = { rounds, checkouts, clients, lines: LINES };
  try {
    for (const engine of wanted) {
      const measured = await onEngine(engine, join(folder, engine), port, loads, rounds, checkouts);
      results.push(...measured.results);
      peak[`${engine} serving process`] = measured.peakRssMiB;
      params[`${engine} durability`] = measured.durability;
    }
    printReport({ bench: 'checkout', params, results, peakRssMiB: peak });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onEngine(
  engine: Engine,
  folder: string,
  port: number,
  loads: readonly Load[],
  rounds: number,
  checkouts: number,
): Promise<{ results: Result[]; peakRssMiB: number; durability: string }> {
  mkdirSync(folder);
  const server =
    engine === 'mariadb' ? await PrivateMariadb.start({ folder, port: port + 1, settled: [BUFFER_POOL] }) : null;
  if (engine === 'mariadb' && !server) throw new Error('MariaDB is not installed: install it, or give --engine sqlite');
  const database = server ? `${server.url}checkout` : join(folder, 'north.sqlite');
  const shop = await openShop(benchConfig(folder, database, port));
  const driver = server ? bareMariadb(database) : bareSqlite(database);
  const serving = await ServingProcess.start(shop, folder);
  try {
    const results: Result[] = [];
    for (const load of loads) {
      const measure = new Measurement(engine, shop, driver, serving, load);
      results.push(...(await measure.run(rounds, checkouts)));
    }
    return { results, peakRssMiB: peakRssMiB(serving.pid), durability: await durability(shop.db) };
  } finally {
    await serving.stop();
    await driver.close();
    await shop.db.close();
    await server?.stop();
  }
}

/** Works off that many checkouts; answers how many a second. */
type Way = (count: number) => Promise<number>;

class Measurement {
  private readonly bareRatios: number[] = [];
  private readonly httpRatios: number[] = [];
  private readonly keyedRatios: number[] = [];
  private readonly rates = {
    driver: [] as number[],
    bare: [] as number[],
    http: [] as number[],
    keyed: [] as number[],
  };
  private readonly delays: number[] = [];
  private errors = 0;
  private made = 0;

  constructor(
    private readonly engine: Engine,
    private readonly shop: BenchShop,
    private readonly driver: BareDriver,
    private readonly serving: ServingProcess,
    private readonly load: Load,
  ) {}

  async run(rounds: number, checkouts: number): Promise<Result[]> {
    tell(`${this.engine}, ${this.load.name}: warming up`);
    for (const way of [this.bare, this.onDriver, this.http, this.keyed]) await way(WARM_UP_CHECKOUTS);
    this.delays.length = 0;
    for (let round = 1; round <= rounds; round++) {
      const [driver, bare] = await this.pair(checkouts, this.bare, round);
      const [driverAgain, http] = await this.pair(checkouts, this.http, round);
      const [driverOnceMore, keyed] = await this.pair(checkouts, this.keyed, round);
      this.rates.driver.push(driver, driverAgain, driverOnceMore);
      this.rates.bare.push(bare);
      this.rates.http.push(http);
      this.rates.keyed.push(keyed);
      this.bareRatios.push(bare / driver);
      this.httpRatios.push(http / driverAgain);
      this.keyedRatios.push(keyed / driverOnceMore);
      tell(
        `${this.engine}, ${this.load.name}, round ${round} of ${rounds}: driver ${driver.toFixed(0)} a second, bare ` +
          `${bare.toFixed(0)} (${(bare / driver).toFixed(2)}), HTTP ${http.toFixed(0)} (${(http / driverAgain).toFixed(2)}), ` +
          `with an Idempotency-Key ${keyed.toFixed(0)} (${(keyed / driverOnceMore).toFixed(2)})`,
      );
    }
    return this.results();
  }

  /** The driver and one way side by side in time, in turns first. */
  private async pair(count: number, way: Way, round: number): Promise<[number, number]> {
    if (round % 2 === 0) {
      const rate = await way(count);
      return [await this.onDriver(count), rate];
    }
    const driver = await this.onDriver(count);
    return [driver, await way(count)];
  }

  private async carts(count: number): Promise<string[]> {
    const carts: string[] = [];
    await inParallel([...Array(count).keys()], CARTS_AT_ONCE, async () => {
      const lines = this.load.skusOf(this.made++).map((item) => ({
        ...{ sku: item, quantity: 1, price: PRICE, priceRevision: 1 },
      }));
      const cart = { store: STORE, catalog: CATALOG, tokenHash: hashToken(TOKEN), lines };
      carts.push(await makeCart(this.shop.context, cart));
    });
    return carts;
  }

  private readonly onDriver: Way = async (count) => {
    const recorder = new ScriptRecorder(this.shop.db);
    const context = { ...this.shop.context, db: recorder };
    const scripts: Script[] = [];
    for (const cartId of await this.carts(count)) {
      const sold = await sellCart(context, { store: STORE, cartId });
      if (sold.outcome !== 'ordered') throw new Error(JSON.stringify(sold));
      scripts.push(recorder.take());
    }
    return this.rate(scripts, (script) => this.driver.run(script));
  };

  private readonly bare: Way = async (count) => {
    return this.rate(await this.carts(count), async (cartId) => {
      const sold = await sellCart(this.shop.context, { store: STORE, cartId });
      if (sold.outcome !== 'ordered') this.errors++;
    });
  };

  private readonly http: Way = (count) => this.overHttp(count, false);

  private readonly keyed: Way = (count) => this.overHttp(count, true);

  private async overHttp(count: number, keyed: boolean): Promise<number> {
    const carts = await this.carts(count);
    let seconds = 0;
    const delay = await this.serving.during(async () => {
      const startedAt = performance.now();
      this.errors += await this.serving.checkOut(carts, this.load.clients, this.shop.key, TOKEN, keyed);
      seconds = (performance.now() - startedAt) / 1000;
    });
    this.delays.push(delay.p99);
    return count / seconds;
  }

  private async rate<T>(work: readonly T[], one: (item: T) => Promise<void>): Promise<number> {
    const startedAt = performance.now();
    await inParallel(work, this.load.clients, one);
    return work.length / ((performance.now() - startedAt) / 1000);
  }

  private results(): Result[] {
    const name = (what: string) => `${this.engine}, ${this.load.name}: ${what}`;
    const baseline = round(median(this.rates.driver));
    const against = (what: string, rates: readonly number[], ratios: readonly number[], target?: number): Result => ({
      ...{ name: name(what), value: round(median(rates)), unit: '1/s', baseline, ratio: round(median(ratios)) },
      ...(target === undefined ? {} : { target, reached: median(ratios) >= target }),
    });
    const p99 = round(Math.max(...this.delays));
    return [
      against('bare transaction', this.rates.bare, this.bareRatios, BARE_TARGET[this.engine]),
      against('HTTP', this.rates.http, this.httpRatios, this.engine === 'mariadb' ? HTTP_TARGET : undefined),
      against('HTTP with an Idempotency-Key', this.rates.keyed, this.keyedRatios),
      {
        ...{ name: name('event loop delay, 99 %, worst window'), value: p99, unit: 'ms' },
        ...{ target: LOOP_DELAY_TARGET_MS, reached: p99 <= LOOP_DELAY_TARGET_MS },
      },
      { name: name('errors'), value: this.errors, unit: 'checkouts', target: 0, reached: this.errors === 0 },
    ];
  }
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
