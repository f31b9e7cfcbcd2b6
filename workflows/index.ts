/** Every workflow, by the name that Temporal knows it by. */
export { cartToPurchaseOrder } from './cart-to-purchase-order';
export { catalogDelivery } from './catalog-delivery';
export { catalogPush } from './catalog-push';
export { inventoryAllocation } from './inventory-allocation';
export { inventoryReallocation } from './inventory-reallocation';
export { inventoryReplenishment } from './inventory-replenishment';
export { inventoryUpdate } from './inventory-update';
export { purchaseOrderDelivery } from './purchase-order-delivery';
export { storeTopology } from './store-topology';
