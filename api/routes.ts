/** Every route of a site's API. */
import { cartRoutes } from './carts';
import { catalogRoutes } from './catalog';
import { codecRoutes } from './codec';
import { deliveryRoutes } from './deliveries';
import { healthRoutes } from './health';
import { inventoryRoutes } from './inventory';
import { inventoryAllocationRoutes } from './inventory-allocations';
import { inventoryBorrowingRoutes } from './inventory-borrowing';
import { inventoryLedgerRoutes } from './inventory-ledger';
import { inventoryReplenishmentRoutes } from './inventory-replenishment';
import { inventoryTransferRoutes } from './inventory-transfers';
import { inventoryUpdateRoutes } from './inventory-updates';
import { keyRoutes } from './keys';
import { metricsRoutes } from './metrics';
import { orderRoutes } from './orders';
import { type Route } from './route';
import { siteRoutes } from './sites';
import { statusRoutes } from './status';
import { workflowRoutes } from './workflows';

export const allRoutes: readonly Route[] = [
  ...healthRoutes,
  ...metricsRoutes,
  ...catalogRoutes,
  ...cartRoutes,
  ...orderRoutes,
  ...deliveryRoutes,
  ...inventoryRoutes,
  ...inventoryAllocationRoutes,
  ...inventoryBorrowingRoutes,
  ...inventoryLedgerRoutes,
  ...inventoryTransferRoutes,
  ...inventoryUpdateRoutes,
  ...inventoryReplenishmentRoutes,
  ...workflowRoutes,
  ...codecRoutes,
  ...siteRoutes,
  ...statusRoutes,
  ...keyRoutes,
];
