/** Every activity of a site, by the names of the wire contract. */
import { cartActivities } from './carts';
import { catalogActivities } from './catalog';
import { type SiteContext } from './context';
import { type PrimaryActivities, type SiteActivities } from './contract';
import { inventoryActivities } from './inventory';
import { reallocationActivities } from './inventory/reallocation';
import { replenishmentActivities } from './inventory/replenishment';
import { updateActivities } from './inventory/updates';
import { orderActivities } from './orders';
import { type TopologyListener, topologyActivities } from './topology';

export function allActivities(context: SiteContext, listener: TopologyListener): PrimaryActivities & SiteActivities {
  return {
    ...topologyActivities(context, listener),
    ...catalogActivities(context),
    ...inventoryActivities(context),
    ...reallocationActivities(context),
    ...replenishmentActivities(context),
    ...updateActivities(context),
    ...cartActivities(context),
    ...orderActivities(context),
  };
}
