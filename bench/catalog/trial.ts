/** A trial system of a primary and two sites, whose databases the bench reads, on a MariaDB of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SiteApi } from '../../cli/site-api';
import { openTrial } from '../../cli/trial/data-directory';
import { stockUp } from '../../cli/trial/first-start';
import { newKey } from '../../cli/trial/keys';
import { type Trial, primaryOf, secondariesOf } from '../../cli/trial/layout';
import { findFreePortBase } from '../../cli/trial/ports';
import { Supervisor } from '../../cli/trial/supervisor';
import { draftItems } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { catalogsToIndex } from '../../db/catalog/indexing';
import { type Database, type Engine } from '../../db/database';
import { migrate, openDatabase } from '../../db/migrate';
import { type CatalogItem } from '../../domain/catalog';
import { loadConfig } from '../../workers/config';
import { PrivateMariadb } from '../private-mariadb';
import { type Result, peakRssMiB, tell } from '../report';
import { batches } from './items';

const PORT_BASE = 5700;
const PORTS_APART = 50;
const BUFFER_POOL = '--innodb-buffer-pool-size=1G';
const DRAFTED_AT_ONCE = 500;
const STATEMENTS_A_TRANSACTION = 20;
const LOOK_AGAIN_MS = 20;
const RSS_TARGET_MIB = 300;

export class BenchTrial {
  /** The primary's, then those of the sites. */
  readonly databases: readonly Database[];
  private readonly hq: SiteApi;

  constructor(
    readonly trial: Trial,
    private readonly supervisor: Supervisor,
    private readonly place: (name: string) => string,
  ) {
    const sites = [primaryOf(trial), ...secondariesOf(trial)];
    this.databases = sites.map(({ config }) => openDatabase(loadConfig(config).database));
    this.hq = new SiteApi({ url: primaryOf(trial).url, key: trial.keys.operator, store: trial.store });
  }

  async stockUp(): Promise<void> {
    await stockUp(this.trial, this.hq, tell);
  }

  /** Where another database with the product's schema is. */
  async anotherDatabase(name: string): Promise<string> {
    const location = this.place(name);
    await migrate(location);
    return location;
  }

  /** Puts items in the draft, by statements of the product's own; no part of a measurement. */
  async draft(catalog: string, items: Iterable<CatalogItem>): Promise<void> {
    const [parent] = this.databases as [Database];
    for (const batch of batches(items, DRAFTED_AT_ONCE * STATEMENTS_A_TRANSACTION)) {
      await parent.transaction(async (tx) => {
        for (const some of batches(batch, DRAFTED_AT_ONCE)) {
          await draftItems(tx, this.trial.store, catalog, some, Date.now());
        }
      });
    }
  }

  /** Asks for a push; when it was asked for, published, and taken by every site, on one clock, milliseconds. */
  async push(catalog: string): Promise<{ askedAt: number; publishedAt: number; takenAt: number }> {
    const [parent, ...sites] = this.databases as [Database, ...Database[]];
    const before = (await this.head(parent, catalog)).revision;
    const askedAt = performance.now();
    await this.hq.pushCatalog(catalog);
    const moved = async (db: Database) => {
      while ((await this.head(db, catalog)).revision <= before) await delay(LOOK_AGAIN_MS);
      return performance.now();
    };
    const publishedAt = await moved(parent);
    const takenAt = Math.max(...(await Promise.all(sites.map(moved))));
    return { askedAt, publishedAt, takenAt };
  }

  head(db: Database, catalog: string): ReturnType<typeof readHead> {
    return readHead(db, this.trial.store, catalog);
  }

  /** The words of what was pushed before are indexed everywhere: that is no part of the next push. */
  async indexed(): Promise<void> {
    for (const db of this.databases) while ((await catalogsToIndex(db)).length > 0) await delay(LOOK_AGAIN_MS * 10);
  }

  peakRssMiB(): Record<string, number> {
    const { sites } = this.trial;
    return Object.fromEntries(sites.map(({ site }) => [site, peakRssMiB(this.supervisor.process(site).pid ?? 0)]));
  }

  async close(): Promise<void> {
    for (const db of this.databases) await db.close();
  }
}

export async function withTrial(engine: Engine, work: (shop: BenchTrial) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
  const portBase = await findFreePortBase(PORT_BASE, PORTS_APART, [0, 1, 2, 3, 33, 34]);
  const folder = join(data, 'mariadb');
  mkdirSync(folder);
  const server =
    engine === 'mariadb' ? await PrivateMariadb.start({ folder, port: portBase + 3, settled: [BUFFER_POOL] }) : null;
  if (engine === 'mariadb' && !server) throw new Error('MariaDB is not installed: install it, or give --engine sqlite');
  const trial = openTrial(
    { data: join(data, 'trial'), portBase, secondaries: 2, ...(server ? { db: server.url } : {}) },
    portBase,
    newKey,
  );
  const supervisor = new Supervisor(trial, tell);
  try {
    await supervisor.prepareDatabases();
    await supervisor.startTemporal();
    await supervisor.startSites();
    const place = (name: string) => (server ? server.url + name : join(data, `${name}.sqlite`));
    const shop = new BenchTrial(trial, supervisor, place);
    try {
      await shop.stockUp();
      await work(shop);
    } finally {
      await shop.close();
    }
  } finally {
    await supervisor.stop();
    await server?.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

/** What every process of the system may hold at most. */
export function largestProcess(rss: Readonly<Record<string, number>>): Result {
  const largest = Math.max(...Object.values(rss));
  return {
    ...{ name: 'largest site process', value: largest, unit: 'MiB' },
    ...{ target: RSS_TARGET_MIB, reached: largest <= RSS_TARGET_MIB },
  };
}
