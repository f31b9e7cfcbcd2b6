/** Weeks of orders made of the one real day that ships with the product: each day a seeded part of its invoices. */
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../cli/random';

const DAY_FILE = join(__dirname, '../../data/online-retail/orders-2010-12-02.csv');
const PART_OF_A_DAY = 0.15;
/** A Monday. */
export const FIRST_DAY = Date.parse('2011-01-03T00:00:00Z');
const DAY_MS = 86_400_000;

export function writeWeeks(file: string, days: number, seed: number): void {
  const [header = '', ...lines] = readFileSync(DAY_FILE, 'utf8').trimEnd().split('\n');
  const random = seededRandom(seed);
  const rows = [header];
  for (let day = 0; day < days; day++) {
    const date = new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10);
    const kept = new Map<string, boolean>();
    for (const line of lines) {
      const [placedAt = '', invoice = '', ...rest] = line.split(',');
      if (!kept.has(invoice)) kept.set(invoice, random() < PART_OF_A_DAY);
      if (kept.get(invoice)) rows.push([`${date}${placedAt.slice(10)}`, `${invoice}-${day}`, ...rest].join(','));
    }
  }
  writeFileSync(file, `${rows.join('\n')}\n`);
}
