/** What the simulated shop sells, and the database that every site of it begins with. */
import { rmSync } from 'node:fs';
import { v7 as uuidv7 } from 'uuid';
import { Staging } from '../../db/catalog/staging';
import { noRetries } from '../../db/database';
import { foldSqlite } from '../../db/backup';
import { migrate, openDatabase } from '../../db/migrate';
import { EVERYONE, ITEM_DEFAULTS, NO_REVISION, formatRevision } from '../../domain/catalog';

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
  const document = { store: STORE, catalog: CATALOG, base: NO_REVISION, target: REVISION, partition: EVERYONE };
  const { staging } = await Staging.begin(db, document, uuidv7(), 0);
  await staging?.replace(
    ITEMS.map(({ sku, price }) => ({
      ...{ sku, price, description: `A ${sku}`, currency: CURRENCY },
      ...{ ...ITEM_DEFAULTS, attributes: {}, audience: '' },
    })),
  );
  await staging?.replaceRest();
  await staging?.flip({ now: 0, request: 'template', audience: EVERYONE });
  await db.close();
  foldSqlite(file);
}
