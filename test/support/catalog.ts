/** A catalogue at a site without a push. */
import { BatchQueue } from '../../db/catalog/batch-queue';
import { Staging } from '../../db/catalog/staging';
import { type Database } from '../../db/database';
import { type CatalogItem, EVERYONE, ITEM_DEFAULTS, NO_REVISION } from '../../domain/catalog';
import { hashed } from '../../domain/catalog-digest';
import { REAL_RUNTIME } from '../../workers/site';

/** A document's items, all in one batch. */
export function batchOf(items: readonly CatalogItem[]): BatchQueue {
  return BatchQueue.of({ items: items.map(hashed), withdrawn: [] });
}

/** The site has that revision, with just these items in ascending order, as if it had taken a document of them. */
export async function takeRevision(
  db: Database,
  { store, catalog, revision }: { readonly store: string; readonly catalog: string; readonly revision: number },
  items: readonly (Pick<CatalogItem, 'sku' | 'price'> & Partial<CatalogItem>)[],
): Promise<void> {
  const document = { store, catalog, base: NO_REVISION, target: revision, partition: EVERYONE };
  const { staging } = await Staging.begin(db, document, REAL_RUNTIME.ids.uuid(), 0);
  if (!staging) throw new Error(`revision ${revision} is not taken`);
  const usual = { ...ITEM_DEFAULTS, currency: 'GBP', attributes: {}, audience: EVERYONE };
  await staging.takeAll(batchOf(items.map((item) => ({ ...usual, description: `A ${item.sku}`, ...item }))), true);
  await staging.replaceRest();
  await staging.flip({ now: 0, request: `revision-${revision}`, audience: EVERYONE });
}
