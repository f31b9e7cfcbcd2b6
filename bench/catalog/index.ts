/**
 * A full push to two sites: seconds from the published revision to both having it, against the fastest bare multi-row
 * upsert of the same rows into one database at the same durability, and what a checkout takes meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { storeSettings } from '../../activities/context';
import { SiteApi } from '../../cli/site-api';
import { primaryOf, secondariesOf } from '../../cli/trial/layout';
import { type Database, type Engine } from '../../db/database';
import { loadConfig } from '../../workers/config';
import { type Result, printReport, quantile, round, tell } from '../report';
import { ADDRESS, BUYER, contextFor } from '../shop';
import { items } from './items';
import { stages } from './stages';
import { type BenchTrial, largestProcess, withTrial } from './trial';
import { UPSERT_ROWS, bareUpsert } from './upsert';

const ITEMS_DEFAULT = '100000';
const ROUNDS_DEFAULT = 3;
/** Buyers that check out while a document is taken, one after the other each. */
const BUYERS = 2;
const CHECKOUTS_BEFORE_MS = 15_000;

const RATIO_TARGET = 4;
const CHECKOUT_TARGET = 3;

export async function catalog(options: Readonly<Record<string, string>>): Promise<void> {
  const sizes = (options['items'] ?? ITEMS_DEFAULT).split(',').map(Number);
  const rounds = Number(options['rounds'] ?? ROUNDS_DEFAULT);
  const engine = (options['engine'] ?? 'mariadb') as Engine;
  await withTrial(engine, async (shop) => {
    const bare = await shop.anotherDatabase('bare');
    const results: Result[] = [];
    for (const size of sizes) results.push(...(await new Measurement(shop, bare, size, rounds).run()));
    const peakRssMiB = shop.peakRssMiB();
    results.push(largestProcess(peakRssMiB));
    printReport({ bench: 'catalog', params: { engine, items: sizes.join(), rounds }, results, peakRssMiB });
  });
}

class Measurement {
  constructor(
    private readonly shop: BenchTrial,
    private readonly bare: string,
    private readonly size: number,
    private readonly rounds: number,
  ) {}

  async run(): Promise<Result[]> {
    const { size, shop } = this;
    const { trial } = shop;
    const name = (what: string) => `${size} items: ${what}`;
    const bare: number[] = [];
    const pushes: number[] = [];
    for (let turn = 1; turn <= this.rounds; turn++) {
      await shop.indexed();
      for (const rows of UPSERT_ROWS) bare.push((await bareUpsert(this.bare, `bare-${turn}`, size, rows)) / 1000);
      pushes.push(await this.push(`bench-${size}-${turn}`));
      tell(
        `${size} items, round ${turn}: pushed in ${show(pushes.at(-1))}, bare upserts ${bare.slice(-UPSERT_ROWS.length).map(show).join(', ')}`,
      );
    }
    const [value, baseline] = [Math.min(...pushes), Math.min(...bare)];
    await shop.indexed();
    const before = await this.checkouts(delay(CHECKOUTS_BEFORE_MS));
    const during = await this.checkouts(this.push(`bench-${size}-sold`));
    const [parent, site] = shop.databases as [Database, Database];
    const config = loadConfig(primaryOf(trial).config);
    const settings = storeSettings(contextFor(config, parent), trial.store);
    await shop.indexed();
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
  }

  /** Seconds from the published revision to both sites' having it. */
  private async push(catalog: string): Promise<number> {
    await this.shop.draft(catalog, items(this.size));
    const { publishedAt, takenAt } = await this.shop.push(catalog);
    return (takenAt - publishedAt) / 1000;
  }

  /** Milliseconds that 99 % of the checkouts at one site do not take longer than, for as long as `work` goes on. */
  private async checkouts(work: Promise<unknown>): Promise<number> {
    const { trial } = this.shop;
    const [north] = secondariesOf(trial);
    const api = new SiteApi({ url: north?.url ?? '', key: trial.keys.buyer, store: trial.store });
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
