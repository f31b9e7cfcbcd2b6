/** A store's stock settings in tests: nothing moves by itself, and an order that is short asks nobody. */
import { type StoreSettings } from '../../activities/context';
import { EQUALLY, NOTHING_CENTRAL, POLICY_DEFAULTS, REPLENISHMENT_OFF } from '../../domain/inventory';

export const INVENTORY_AT_REST: StoreSettings['inventory'] = {
  borrowing: { waitMs: 0, refill: false },
  giverFloor: 1,
  policy: POLICY_DEFAULTS,
  allocation: EQUALLY,
  replenishment: REPLENISHMENT_OFF,
  central: NOTHING_CENTRAL,
};
