/** Nine months of a real shop's catalogue changes, day by day, and what the catalogue was after each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { type Amount, formatAmount, parseAmount } from '../../domain/money';

const UPDATES = join(__dirname, 'online-retail', 'catalog-updates.csv.gz');
const CATALOG = join(__dirname, '..', '..', 'data', 'online-retail', 'catalog.csv');

export interface Day {
  readonly date: string;
  /** Items that are new or have another price, as rows for the import. */
  readonly rows: ReadonlyMap<string, string>;
  readonly prices: ReadonlyMap<string, Amount>;
}

export function changeStream(): Day[] {
  const read = (text: string): Record<string, string>[] => parse(text, { columns: true });
  const descriptions = new Map(
    read(readFileSync(CATALOG, 'utf8')).map((row) => [row['sku'], row['description'] ?? '']),
  );
  const days = new Map<string, Map<string, Amount>>();
  for (const row of read(gunzipSync(readFileSync(UPDATES)).toString('utf8'))) {
    const date = row['date'] ?? '';
    const price = parseAmount(row['price_gbp'] ?? '');
    if (price === null) throw new Error(`${date}: "${row['price_gbp'] ?? ''}" is no price`);
    days.set(date, (days.get(date) ?? new Map<string, Amount>()).set(row['sku'] ?? '', price));
  }
  return [...days].map(([date, prices]) => {
    const rows = [...prices].map(([sku, price]): [string, string] => {
      const description = (descriptions.get(sku) ?? '').replaceAll('"', '""');
      return [sku, `${sku},"${description}",${formatAmount(price)}`];
    });
    return { date, prices, rows: new Map(rows) };
  });
}

/** So many days as one; of an item that changed on several of them the last price holds. */
export function merged(days: readonly Day[], together: number): Day[] {
  return days.flatMap(({ date }, index) => {
    if (index % together !== 0) return [];
    const some = days.slice(index, index + together);
    return [
      {
        date,
        prices: new Map(some.flatMap(({ prices }) => [...prices])),
        rows: new Map(some.flatMap(({ rows }) => [...rows])),
      },
    ];
  });
}

export function csvOf({ rows }: Day): string {
  return ['sku,description,price', ...rows.values()].join('\n');
}

/** What a revision holds, by number: the truth that readers are held to. */
export class Truth {
  /** Of each sku, from which revision on it had which price; null where it was withdrawn. */
  private readonly history = new Map<string, { from: number; price: Amount | null }[]>();
  private readonly counts = new Map<number, number>();
  private present = 0;
  /** All that there ever were. */
  skus: readonly string[] = [];

  publish(revision: number, prices: ReadonlyMap<string, Amount>, withdrawn: readonly string[]): void {
    for (const sku of withdrawn) if (!prices.has(sku)) this.note(sku, revision, null);
    for (const [sku, price] of prices) this.note(sku, revision, price);
    this.counts.set(revision, this.present);
    this.skus = [...this.history.keys()];
  }

  private note(sku: string, from: number, price: Amount | null): void {
    const versions = this.history.get(sku) ?? [];
    const before = versions.at(-1)?.price ?? null;
    this.present += (price === null ? 0 : 1) - (before === null ? 0 : 1);
    this.history.set(sku, [...versions, { from, price }]);
  }

  /** Null where the item was not in that revision. */
  price(sku: string, revision: number): Amount | null {
    return this.history.get(sku)?.findLast(({ from }) => from <= revision)?.price ?? null;
  }

  /** Items of a published revision; undefined for one that was not. */
  count(revision: number): number | undefined {
    return this.counts.get(revision);
  }
}
