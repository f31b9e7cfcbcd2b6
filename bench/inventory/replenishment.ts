/**
 * A site's look for short items: from the question to the sealed document, against the one query on nothing but the
 * driver; and what a look costs when nothing is short, and the measuring of thresholds by days, before and after many
 * sales.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { type SiteContext, storeSettings } from '../../activities/context';
import { replenishmentActivities } from '../../activities/inventory/replenishment';
import { refreshThresholds } from '../../activities/inventory/thresholds';
import { findFreePortBase } from '../../cli/trial/ports';
import { type Database, type Engine, type Transaction } from '../../db/database';
import {
  type Movement,
  SHORT_ITEMS,
  credit,
  saveTallies,
  saveUnits,
  talliesOf,
  writeMovement,
} from '../../db/inventory';
import { migrate, openDatabase } from '../../db/migrate';
import { saveTopology, seedTopology } from '../../db/topology';
import { DEMAND_DEFAULTS, INVENTORY_LINES_MAX, Tallies } from '../../domain/inventory';
import { type Topology } from '../../domain/sites';
import { configSchema } from '../../workers/config-schema';
import { REAL_RUNTIME } from '../../workers/site';
import { batches } from '../catalog/items';
import { PrivateMariadb } from '../private-mariadb';
import { type Result, peakRssMiB, printReport, quantile, round, tell } from '../report';
import { contextFor } from '../shop';

const STORE = 'bench';
const ITEMS_DEFAULT = '100000';
const SHORT_DEFAULT = '1000';
const SALES_DEFAULT = '500000';
const ROUNDS_DEFAULT = '15';
const PORT_BASE = 5800;
const ROWS_A_TRANSACTION = 5_000;
const THRESHOLD = { thresholdUnits: 10, refillUnits: 30 };
/** Each measures every item. */
const MEASURING_ROUNDS = 3;
const RATIO_TARGET = 3;
/** What a look costs after many sales, of what it cost before: the same, but for noise. */
const SALES_RATIO_TARGET = 1.25;

export async function replenishment(options: Readonly<Record<string, string>>): Promise<void> {
  const engines = (options['engine'] ?? 'mariadb,sqlite').split(',') as Engine[];
  const items = Number(options['items'] ?? ITEMS_DEFAULT);
  const short = Number(options['short'] ?? SHORT_DEFAULT);
  const sales = Number(options['sales'] ?? SALES_DEFAULT);
  const rounds = Number(options['rounds'] ?? ROUNDS_DEFAULT);
  const results: Result[] = [];
  for (const engine of engines) {
    await withDatabase(engine, async (location, db) => {
      results.push(...(await measure({ engine, location, db, items, short, sales, rounds })));
    });
  }
  const params = { engines: engines.join(), items, short, sales, rounds };
  printReport({ bench: 'replenishment', params, results, peakRssMiB: { bench: peakRssMiB(process.pid) } });
}

interface Measured {
  readonly engine: Engine;
  readonly location: string;
  readonly db: Database;
  readonly items: number;
  readonly short: number;
  readonly sales: number;
  readonly rounds: number;
}

async function measure({ engine, location, db, items, short, sales, rounds }: Measured): Promise<Result[]> {
  const skus = Array.from({ length: items }, (_, index) => `S${String(index).padStart(6, '0')}`);
  const context = await site(location, db);
  await stockUp(db, skus);
  tell(`${engine}: ${items} items`);
  const bare = await openBare(engine, location);
  try {
    const quiet = await look(context, db, rounds, 0);
    const measuring = await measureByDays(context, db, skus);
    await sell(db, skus, sales);
    tell(`${engine}: ${sales} sales`);
    const quietAfter = await look(context, db, rounds, 0);
    const measuringAfter = await measureByDays(context, db, skus);
    await runShort(db, skus, short);
    const took: number[] = [];
    const bareTook: number[] = [];
    // In turns, so that both meet the same machine.
    for (let turn = 0; turn < rounds; turn++) {
      bareTook.push(await timed(() => bare.query()));
      took.push(...(await look(context, db, 1, short)));
    }
    const [value, baseline] = [quantile(took, 0.5), quantile(bareTook, 0.5)];
    const [before, after] = [quantile(quiet, 0.5), quantile(quietAfter, 0.5)];
    return [
      compared(`${engine}: ${short} of ${items} items short, to the document`, value, baseline, RATIO_TARGET),
      compared(`${engine}: nothing short, after ${sales} sales`, after, before, SALES_RATIO_TARGET),
      compared(
        `${engine}: thresholds by days measured, after ${sales} sales`,
        ...([measuringAfter, measuring] as const),
        SALES_RATIO_TARGET,
      ),
    ];
  } finally {
    await bare.close();
  }
}

function compared(name: string, value: number, baseline: number, target: number): Result {
  const ratio = value / baseline;
  const shown = { value: round(value), unit: 'ms', baseline: round(baseline), ratio: round(ratio) };
  return { name, ...shown, target, reached: ratio <= target };
}

/** Milliseconds of each look; throws when it does not find what it must, in one document. */
async function look(context: SiteContext, db: Database, rounds: number, short: number): Promise<number[]> {
  const activities = replenishmentActivities(context);
  const took: number[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const request = REAL_RUNTIME.ids.uuid();
    let found = 0;
    took.push(
      await timed(async () => {
        const { asked } = await activities.requestReplenishment({ store: STORE, request, after: '' });
        found = asked?.document.count ?? 0;
        if (asked && asked.next !== null) throw new Error('one document should have held them all');
      }),
    );
    if (found !== short) throw new Error(`${found} items were short: ${short} are`);
    await db.run('DELETE FROM replenishments WHERE store = ?', [STORE]);
  }
  return took;
}

/** Milliseconds that measuring every item by its demand takes; leaves the thresholds as they were. */
async function measureByDays(context: SiteContext, db: Database, skus: readonly string[]): Promise<number> {
  const settings = storeSettings(context, STORE);
  const replenishment = { ...settings.inventory.replenishment, threshold: { days: 3 } };
  const byDays = { ...settings, inventory: { ...settings.inventory, replenishment } };
  // The first time writes what has changed.
  await refreshThresholds(context, byDays);
  const took: number[] = [];
  for (let turn = 0; turn < MEASURING_ROUNDS; turn++) took.push(await timed(() => refreshThresholds(context, byDays)));
  await setThresholds(db, skus);
  return quantile(took, 0.5);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function site(location: string, db: Database): Promise<SiteContext> {
  const sites = [
    { site: 'hq', role: 'primary', parent: null, url: 'http://127.0.0.1:1' },
    { site: 'north', role: 'secondary', parent: 'hq', url: 'http://127.0.0.1:2' },
  ] as const;
  const config = configSchema.parse({
    ...{ site: 'north', listen: { port: 0 }, url: 'http://127.0.0.1:2', database: location, documentsDir: tmpdir() },
    temporal: { address: '127.0.0.1:1' },
    stores: {
      [STORE]: {
        ...{ name: 'Bench', domain: 'bench.example', currency: 'GBP' },
        shippingMethods: [{ code: 'standard', description: 'Standard', amount: '0.00' }],
        sealing: { current: 'bench', keys: { bench: Buffer.alloc(32, 1).toString('base64') } },
        topology: { primary: 'hq', sites },
      },
    },
  });
  const topology: Topology = {
    ...{ store: STORE, version: 1, epoch: 1, primary: 'hq' },
    sites: sites.map((each) => ({ ...each, incarnation: 1 })),
  };
  await db.transaction(async (tx) => {
    await seedTopology(tx, { ...topology, version: 0 }, 'north', 'bench', 0);
    await saveTopology(tx, topology, 0);
  });
  return contextFor(config, db);
}

const MOVEMENT: Movement = {
  ...{ store: STORE, movementId: 'receipt:bench', kind: 'receipt', account: 'own', counterparty: null },
  ...{ transferId: null, cause: 'bench', epoch: 1, incarnation: 1, now: 0 },
};

/** Every item at its threshold and above, and asked for once. */
async function stockUp(db: Database, skus: readonly string[]): Promise<void> {
  for (const some of batches(skus, ROWS_A_TRANSACTION)) {
    await db.transaction(async (tx) => {
      await credit(
        tx,
        MOVEMENT,
        some.map((sku) => ({ sku, quantity: THRESHOLD.thresholdUnits })),
      );
      await countAsked(tx, some);
    });
  }
  await setThresholds(db, skus);
}

async function setThresholds(db: Database, skus: readonly string[]): Promise<void> {
  for (const some of batches(skus, ROWS_A_TRANSACTION)) {
    const thresholds = some.map((sku) => ({ sku, ...THRESHOLD }));
    await db.transaction((tx) => saveUnits(tx, STORE, thresholds));
  }
}

/** As the counting beside the sale does: one line of each. */
async function countAsked(tx: Transaction, skus: readonly string[]): Promise<void> {
  const tallies = new Tallies(await talliesOf(tx, STORE, skus));
  const asked = { site: 'north', lines: skus.map((sku) => ({ sku, quantity: 1 })), at: REAL_RUNTIME.clock.now() };
  tallies.count(asked, DEMAND_DEFAULTS);
  await saveTallies(tx, STORE, tallies.counted());
}

/** So many lines sold, of units that had come for them. */
async function sell(db: Database, skus: readonly string[], sales: number): Promise<void> {
  for (let sold = 0; sold < sales; sold += ROWS_A_TRANSACTION) {
    const lines = Array.from({ length: Math.min(ROWS_A_TRANSACTION, sales - sold) }, (_, index) => ({
      sku: skus[(sold + index) % skus.length] as string,
      quantity: -1,
    }));
    await db.transaction(async (tx) => {
      await writeMovement(tx, { ...MOVEMENT, movementId: `sale:${sold}`, kind: 'sale' }, lines);
      await countAsked(
        tx,
        lines.map(({ sku }) => sku),
      );
    });
  }
}

async function runShort(db: Database, skus: readonly string[], short: number): Promise<void> {
  if (short > INVENTORY_LINES_MAX) throw new Error(`--short is ${short}: one document holds ${INVENTORY_LINES_MAX}`);
  const every = Math.floor(skus.length / short);
  await db.transaction(async (tx) => {
    for (let index = 0; index < short; index++) {
      const sku = skus[index * every] as string;
      await tx.run("UPDATE stock_levels SET rights = 3 WHERE store = ? AND sku = ? AND account = 'own'", [STORE, sku]);
    }
  });
}

interface Bare {
  query(): Promise<void>;
  close(): Promise<void>;
}

async function openBare(engine: Engine, location: string): Promise<Bare> {
  const sql = `${SHORT_ITEMS} LIMIT ${INVENTORY_LINES_MAX}`;
  const values = ['own', 'own', STORE, ''];
  if (engine === 'sqlite') {
    const db = new Sqlite(location, { readonly: true });
    const statement = db.prepare(sql);
    return { query: async () => void statement.all(values), close: async () => void db.close() };
  }
  const connection = await mysql.createConnection({ uri: location });
  return { query: async () => void (await connection.execute(sql, values)), close: () => connection.end() };
}

async function withDatabase(engine: Engine, work: (location: string, db: Database) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
  mkdirSync(join(folder, 'mariadb'));
  const server =
    engine === 'mariadb'
      ? await PrivateMariadb.start({
          folder: join(folder, 'mariadb'),
          port: await findFreePortBase(PORT_BASE, 10, [0]),
        })
      : null;
  if (engine === 'mariadb' && !server) throw new Error('MariaDB is not installed: install it, or give --engine sqlite');
  const location = server ? `${server.url}replenishment` : join(folder, 'replenishment.sqlite');
  await migrate(location);
  const db = openDatabase(location);
  try {
    await work(location, db);
  } finally {
    await db.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
