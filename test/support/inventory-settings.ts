/** Stock settings of stores in tests. */
import { type StoreSettings } from '../../activities/context';
import { EQUALLY, NOTHING_CENTRAL, POLICY_DEFAULTS, REPLENISHMENT_OFF } from '../../domain/inventory';
import { type SiteConfig } from '../../workers/config';

/** Nothing moves by itself, and an order that is short asks nobody. */
export const INVENTORY_AT_REST: StoreSettings['inventory'] = {
  borrowing: { waitMs: 0, refill: false },
  giverFloor: 1,
  policy: POLICY_DEFAULTS,
  allocation: EQUALLY,
  replenishment: REPLENISHMENT_OFF,
  central: NOTHING_CENTRAL,
};

/** How long an order waits for other sites' answers where they must have come: the most that a configuration allows, milliseconds. */
export const ANSWERS_WAIT_MS = 10_000;

/** The configuration with other stock settings in every store. */
export function withInventory(
  config: SiteConfig,
  change: (inventory: StoreSettings['inventory']) => Partial<StoreSettings['inventory']>,
): SiteConfig {
  const stores = Object.entries(config.stores).map(([name, store]) => {
    return [name, { ...store, inventory: { ...store.inventory, ...change(store.inventory) } }];
  });
  return { ...config, stores: Object.fromEntries(stores) as SiteConfig['stores'] };
}
