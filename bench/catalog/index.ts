/**
 * A full push to two sites: seconds from the published revision to both having it, against the fastest bare multi-row
 * upsert of the same rows into one database at the same durability, and what a checkout takes meanwhile.
 */
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
import { storeSettings } from '../../activities/context';
import { loadConfig } from '../../workers/config';
import { PrivateMariadb } from '../private-mariadb';
import { type Result, peakRssMiB, printReport, quantile, round, tell } from '../report';
import { ADDRESS, BUYER, contextFor } from '../shop';
import { batches, items } from './items';
import { stages } from './stages';
import { UPSERT_ROWS, bareUpsert } from './upsert';

const ITEMS_DEFAULT = '100000';
const ROUNDS_DEFAULT = 3;
const PORT_BASE = 5700;
const PORTS_APART = 50;
const BUFFER_POOL = '--innodb-buffer-pool-size=1G';
const DRAFTED_AT_ONCE = 500;
const LOOK_AGAIN_MS = 20;
/** Buyers that check out while a document is taken, one after the other each. */
const BUYERS = 2;
const CHECKOUTS_BEFORE_MS = 15_000;

const RATIO_TARGET = 4;
const CHECKOUT_TARGET = 3;
const RSS_TARGET_MIB = 300;

export async function catalog(options: Readonly<Record<string, string>>): Promise<void> {
  const sizes = (options['items'] ?? ITEMS_DEFAULT).split(',').map(Number);
  const rounds = Number(options['rounds'] ?? ROUNDS_DEFAULT);
  const engine = (options['engine'] ?? 'mariadb') as Engine;
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
    const hq = new SiteApi({ url: primaryOf(trial).url, key: trial.keys.operator, store: trial.store });
    await stockUp(trial, hq, tell);
    const bare = server ? `${server.url}bare` : join(data, 'bare.sqlite');
    await migrate(bare);
    const results: Result[] = [];
    for (const size of sizes) results.push(...(await new Measurement(trial, hq, bare, size, rounds).run()));
    const rss = Object.fromEntries(
      trial.sites.map(({ site }) => [site, peakRssMiB(supervisor.process(site).pid ?? 0)] as const),
    );
    const largest = Math.max(...Object.values(rss));
    results.push({
      ...{ name: 'largest site process', value: largest, unit: 'MiB' },
      ...{ target: RSS_TARGET_MIB, reached: largest <= RSS_TARGET_MIB },
    });
    printReport({ bench: 'catalog', params: { engine, items: sizes.join(), rounds }, results, peakRssMiB: rss });
  } finally {
    await supervisor.stop();
    await server?.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

class Measurement {
  private readonly databases: readonly Database[];

  constructor(
    private readonly trial: Trial,
    private readonly hq: SiteApi,
    private readonly bare: string,
    private readonly size: number,
    private readonly rounds: number,
  ) {
    const sites = [primaryOf(trial), ...secondariesOf(trial)];
    this.databases = sites.map(({ config }) => openDatabase(loadConfig(config).database));
  }

  async run(): Promise<Result[]> {
    const { size, trial } = this;
    const name = (what: string) => `${size} items: ${what}`;
    try {
      const bare: number[] = [];
      const pushes: number[] = [];
      for (let turn = 1; turn <= this.rounds; turn++) {
        await this.indexed();
        for (const rows of UPSERT_ROWS) bare.push((await bareUpsert(this.bare, `bare-${turn}`, size, rows)) / 1000);
        pushes.push(await this.push(`bench-${size}-${turn}`));
        tell(
          `${size} items, round ${turn}: pushed in ${show(pushes.at(-1))}, bare upserts ${bare.slice(-UPSERT_ROWS.length).map(show).join(', ')}`,
        );
      }
      const [value, baseline] = [Math.min(...pushes), Math.min(...bare)];
      await this.indexed();
      const before = await this.checkouts(delay(CHECKOUTS_BEFORE_MS));
      const during = await this.checkouts(this.push(`bench-${size}-sold`));
      const [parent, site] = this.databases as [Database, Database];
      const config = loadConfig(primaryOf(trial).config);
      const settings = storeSettings(contextFor(config, parent), trial.store);
      await this.indexed();
      const alone = await stages(parent, site, settings, `bench-${size}-1`, size);
      return [
        {
          ...{ name: name('pushed to two sites'), value: round(value), unit: 's', baseline: round(baseline) },
          ...{ ratio: round(value / baseline), target: RATIO_TARGET, reached: value / baseline <= RATIO_TARGET },
        },
        {
          ...{
            name: name('checkout, 99 %, during the push'),
            value: round(during),
            unit: 'ms',
            baseline: round(before),
          },
          ...{ ratio: round(during / before), target: CHECKOUT_TARGET, reached: during / before <= CHECKOUT_TARGET },
        },
        ...Object.entries(alone).map(([stage, seconds]) => ({
          ...{ name: name(`${stage} alone`), value: round(seconds), unit: stage.endsWith('MiB') ? 'MiB' : 's' },
        })),
      ];
    } finally {
      for (const db of this.databases) await db.close();
    }
  }

  /** Seconds from the published revision to both sites' having it. */
  private async push(catalog: string): Promise<number> {
    const [parent, ...sites] = this.databases as [Database, ...Database[]];
    const { store } = this.trial;
    for (const batch of batches(items(this.size), DRAFTED_AT_ONCE * 20)) {
      await parent.transaction(async (tx) => {
        for (const some of batches(batch, DRAFTED_AT_ONCE)) await draftItems(tx, store, catalog, some, Date.now());
      });
    }
    await this.hq.pushCatalog(catalog);
    const there = async (db: Database) => {
      while ((await readHead(db, store, catalog)).itemCount !== this.size) await delay(LOOK_AGAIN_MS);
      return performance.now();
    };
    const publishedAt = await there(parent);
    const confirmedAt = await Promise.all(sites.map(there));
    return (Math.max(...confirmedAt) - publishedAt) / 1000;
  }

  /** The words of what was pushed before are indexed everywhere: that is no part of the next push. */
  private async indexed(): Promise<void> {
    for (const db of this.databases) while ((await catalogsToIndex(db)).length > 0) await delay(LOOK_AGAIN_MS * 10);
  }

  /** Milliseconds that 99 % of the checkouts at one site do not take longer than, for as long as `work` goes on. */
  private async checkouts(work: Promise<unknown>): Promise<number> {
    const [north] = secondariesOf(this.trial);
    const api = new SiteApi({ url: north?.url ?? '', key: this.trial.keys.buyer, store: this.trial.store });
    const taken: number[] = [];
    let over = false;
    const end = work.finally(() => (over = true));
    const buyer = async () => {
      while (!over) {
        const startedAt = performance.now();
        const lines = [{ sku: '85123A', quantity: 1 }];
        await api.buy({ lines, buyer: BUYER, address: ADDRESS, shippingMethod: 'standard' });
        taken.push(performance.now() - startedAt);
      }
    };
    await Promise.all([end, ...Array.from({ length: BUYERS }, buyer)]);
    return quantile(taken, 0.99);
  }
}

function show(seconds: number | undefined): string {
  return `${(seconds ?? 0).toFixed(2)} s`;
}
