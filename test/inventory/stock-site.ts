/** A site without its process, with what it does with stock. */
import { inventoryActivities } from '../../activities/inventory';
import { type Engine } from '../../db/database';
import { type LoneSite, loneSite } from '../support/lone-site';

export { bookReceiptLines } from '../../activities/inventory/receipts';
export { STORE, topology } from '../support/lone-site';

export interface StockSite extends LoneSite {
  readonly activities: ReturnType<typeof inventoryActivities>;
}

export async function stockSite(engine: Engine, site: string): Promise<StockSite> {
  const lone = await loneSite(engine, site);
  return { ...lone, activities: inventoryActivities(lone.context) };
}
