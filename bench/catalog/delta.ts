/**
 * Few changes of many items, pushed to two sites: the cost follows what changed, not what there is. From the request to
 * both sites' having the revision.
 */
import { type Database, type Engine } from '../../db/database';
import { type CatalogItem } from '../../domain/catalog';
import { type Result, printReport, round, tell } from '../report';
import { items } from './items';
import { type BenchTrial, largestProcess, withTrial } from './trial';

const ITEMS_DEFAULT = '1000000';
const CHANGES_DEFAULT = '10,1000,100000';
const ROUNDS_DEFAULT = 3;
const CATALOG = 'bench-delta';
/** What the fewest changes may take, seconds. */
const FEWEST_TARGET_S = 1;

interface Measured {
  readonly changes: number;
  readonly seconds: number;
  /** Of the document, before it is compressed. */
  readonly bytes: number;
  /** Item versions begun and ended at one site. */
  readonly rows: number;
}

export async function catalogDelta(options: Readonly<Record<string, string>>): Promise<void> {
  const count = Number(options['items'] ?? ITEMS_DEFAULT);
  const sizes = (options['changes'] ?? CHANGES_DEFAULT).split(',').map(Number);
  const rounds = Number(options['rounds'] ?? ROUNDS_DEFAULT);
  const engine = (options['engine'] ?? 'mariadb') as Engine;
  await withTrial(engine, async (shop) => {
    tell(`${count} items are pushed`);
    await shop.draft(CATALOG, items(count));
    await shop.push(CATALOG);
    const measured: Measured[] = [];
    let turn = 0;
    for (const changes of sizes) {
      const all: Measured[] = [];
      for (let again = 0; again < rounds; again++) {
        await shop.indexed();
        all.push(await change(shop, count, changes, ++turn));
        tell(`${changes} changes: ${all.at(-1)?.seconds.toFixed(2) ?? ''} s`);
      }
      measured.push(all.reduce((best, one) => (one.seconds < best.seconds ? one : best)));
    }
    const rss = shop.peakRssMiB();
    const results = [...measured.flatMap((one, index) => resultsOf(one, measured[index - 1])), largestProcess(rss)];
    const params = { engine, items: count, changes: sizes.join(), rounds };
    printReport({ bench: 'catalog-delta', params, results, peakRssMiB: rss });
  });
}

async function change(shop: BenchTrial, count: number, changes: number, turn: number): Promise<Measured> {
  await shop.draft(CATALOG, changed(count, changes, turn));
  const { askedAt, takenAt } = await shop.push(CATALOG);
  const [parent, site] = shop.databases as [Database, Database];
  const { store } = shop.trial;
  const { revision } = await shop.head(site, CATALOG);
  const document = await parent.get<{ bytes: number }>(
    'SELECT bytes FROM catalog_documents WHERE store = ? AND catalog = ? AND revision = ? ORDER BY base_revision DESC',
    [store, CATALOG, revision],
  );
  const rows = await site.get<{ written: number }>(
    `SELECT (SELECT COUNT(*) FROM item_versions WHERE store = ? AND catalog = ? AND from_revision = ?)
       + (SELECT COUNT(*) FROM item_versions WHERE store = ? AND catalog = ? AND to_revision = ?) AS written`,
    [store, CATALOG, revision, store, CATALOG, revision],
  );
  return { changes, seconds: (takenAt - askedAt) / 1000, bytes: document?.bytes ?? 0, rows: rows?.written ?? 0 };
}

/** Prices of items all over the catalogue; another price each turn. */
function* changed(count: number, changes: number, turn: number): Generator<CatalogItem> {
  const apart = Math.floor(count / changes);
  let index = 0;
  for (const item of items(count)) if (index++ % apart === 0) yield { ...item, price: item.price + turn };
}

function resultsOf({ changes, seconds, bytes, rows }: Measured, fewer: Measured | undefined): Result[] {
  const name = (what: string) => `${changes} changes: ${what}`;
  const each = (seconds / changes) * 1000;
  const eachOfFewer = fewer && (fewer.seconds / fewer.changes) * 1000;
  return [
    {
      ...{ name: name('at both sites'), value: round(seconds), unit: 's' },
      ...(fewer ? {} : { target: FEWEST_TARGET_S, reached: seconds < FEWEST_TARGET_S }),
    },
    {
      ...{ name: name('each'), value: round(each), unit: 'ms' },
      ...(eachOfFewer === undefined
        ? {}
        : { baseline: round(eachOfFewer), ratio: round(each / eachOfFewer), target: 1, reached: each <= eachOfFewer }),
    },
    { name: name('document'), value: bytes, unit: 'bytes' },
    { name: name('rows written at a site'), value: rows, unit: 'rows' },
  ];
}
