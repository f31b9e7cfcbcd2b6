/** What the simulated shop sells, and the database that every site of it begins with. */
import { rmSync } from 'node:fs';
import { noRetries } from '../../db/database';
import { foldSqlite } from '../../db/backup';
import { migrate, openDatabase } from '../../db/migrate';
import { formatRevision } from '../../domain/catalog';
import { takeRevision } from '../support/catalog';

export const STORE = 'shop';
/** The site above all others. */
export const ROOT = 'hq';
export const CATALOG = 'main';
export const CURRENCY = 'GBP';
export const SHIPPING = { code: 'standard', description: 'Standard delivery', amount: 35_000 };

/** Few, so that everybody wants the same. */
export const ITEMS = ['lamp', 'mug', 'tin'].map((sku, index) => ({ sku, price: 10_000 * (index + 1) }));
export const REVISION = formatRevision(1, 1);

export async function makeTemplate(file: string): Promise<void> {
  for (const left of [file, `${file}-wal`, `${file}-shm`]) rmSync(left, { force: true });
  await migrate(file);
  const db = openDatabase(file, noRetries());
  const revision = { store: STORE, catalog: CATALOG, revision: REVISION };
  await takeRevision(
    db,
    revision,
    ITEMS.map((item) => ({ ...item, currency: CURRENCY })),
  );
  await db.close();
  foldSqlite(file);
}
