/** One row of each rule, broken; used by the tests of the audit's rules. */
import { ALL_SITES, type AuditRule } from '../../db/audit';

export type SiteName = 'hq' | 'north' | 'south';

export interface Facts {
  /** Sold at north and confirmed. */
  readonly order: string;
  readonly cart: string;
  /** Sold at north while the primary was away. */
  readonly waiting: string;
  /** Given by hq to north. */
  readonly transfer: string;
}

export interface Corruption {
  readonly rule: AuditRule;
  /** What a person would call it. */
  readonly what: string;
  readonly at: SiteName;
  readonly change: (facts: Facts) => readonly [sql: string, ...parameters: (string | number)[]];
  /** Where and by which words the row is named. */
  readonly named: (facts: Facts) => { site: string; subject: string };
}

export const CORRUPTIONS: readonly Corruption[] = [
  {
    rule: 'stock-levels-match-ledger',
    what: 'a balance is written without a movement',
    at: 'north',
    change: () => ["UPDATE stock_levels SET rights = rights + 1 WHERE sku = 'A' AND account = 'own'"],
    named: () => ({ site: 'north', subject: 'A (own)' }),
  },
  {
    rule: 'stock-never-negative',
    what: 'a balance falls below zero',
    at: 'north',
    change: () => ["UPDATE stock_levels SET rights = -1 WHERE sku = 'B' AND account = 'own'"],
    named: () => ({ site: 'north', subject: 'B (own)' }),
  },
  {
    rule: 'stock-signs',
    what: 'a sale adds units',
    at: 'north',
    change: ({ order }) => ['UPDATE stock_ledger SET quantity = 2 WHERE movement_id = ?', `sale:${order}`],
    named: ({ order }) => ({ site: 'north', subject: `sale:${order}, A` }),
  },
  {
    rule: 'stock-signs',
    what: 'a grant puts more into own than it took from the pool',
    at: 'hq',
    change: () => [
      "UPDATE stock_ledger SET quantity = quantity + 1 WHERE kind = 'grant' AND account = 'own' AND sku = 'A'",
    ],
    named: () => ({ site: 'hq', subject: 'grant:' }),
  },
  {
    rule: 'transfer-ledger',
    what: "a transfer's movement differs from its line",
    at: 'hq',
    change: ({ transfer }) => [
      "UPDATE stock_ledger SET quantity = quantity - 1 WHERE transfer_id = ? AND sku = 'A'",
      transfer,
    ],
    named: ({ transfer }) => ({ site: 'hq', subject: `${transfer}, A` }),
  },
  {
    rule: 'transfer-paired',
    what: "the taker's line differs from the giver's",
    at: 'north',
    change: () => ["UPDATE transfer_lines SET quantity = quantity + 1 WHERE sku = 'A'"],
    named: ({ transfer }) => ({ site: 'north', subject: `transfer ${transfer}, A` }),
  },
  {
    rule: 'transfer-paired',
    what: 'the giver never gave',
    at: 'hq',
    change: () => ["DELETE FROM transfers WHERE taker = 'north'"],
    named: ({ transfer }) => ({ site: 'hq', subject: `transfer ${transfer}` }),
  },
  {
    rule: 'transfer-settled',
    what: 'the taker never credited what its giver calls credited',
    at: 'north',
    change: () => ['DELETE FROM transfers'],
    named: ({ transfer }) => ({ site: 'north', subject: `transfer ${transfer}` }),
  },
  {
    rule: 'transfer-void',
    what: 'the giver took back what its taker has',
    at: 'hq',
    change: () => ["UPDATE transfers SET state = 'void' WHERE taker = 'north'"],
    named: ({ transfer }) => ({ site: 'hq', subject: `transfer ${transfer}` }),
  },
  {
    rule: 'units-balanced',
    what: 'more was received than there is',
    at: 'hq',
    change: () => ["UPDATE stock_ledger SET quantity = quantity + 3 WHERE kind = 'receipt' AND sku = 'B'"],
    named: () => ({ site: ALL_SITES, subject: 'B' }),
  },
  {
    rule: 'sale-matches-order',
    what: 'an order line has more units than were debited',
    at: 'north',
    change: ({ order }) => ['UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'north', subject: `order ${order}, A` }),
  },
  {
    rule: 'sale-matches-order',
    what: 'a sale has no order',
    at: 'north',
    change: ({ order }) => [
      "UPDATE stock_ledger SET movement_id = 'sale:nobody' WHERE movement_id = ?",
      `sale:${order}`,
    ],
    named: () => ({ site: 'north', subject: 'sale:nobody, A' }),
  },
  {
    rule: 'return-matches-order',
    what: 'an order that was not cancelled has given units back',
    at: 'north',
    change: ({ order }) => [
      `INSERT INTO stock_ledger (store, movement_id, sku, account, kind, quantity, cause, epoch, incarnation, recorded_at)
       SELECT store, ?, sku, account, 'return', -quantity, cause, epoch, incarnation, recorded_at
       FROM stock_ledger WHERE movement_id = ?`,
      `return:${order}`,
      `sale:${order}`,
    ],
    named: ({ order }) => ({ site: 'north', subject: `return:${order}, A` }),
  },
  {
    rule: 'return-matches-order',
    what: 'a cancelled order has given nothing back',
    at: 'north',
    change: ({ order }) => ["UPDATE orders SET state = 'cancelled' WHERE order_id = ?", order],
    named: ({ order }) => ({ site: 'north', subject: `order ${order}, A` }),
  },
  {
    rule: 'order-at-parent',
    what: 'the primary has lost an order',
    at: 'hq',
    change: ({ order }) => ['DELETE FROM orders WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'order-in-outbox',
    what: 'nothing will send a waiting order',
    at: 'north',
    change: ({ waiting }) => ["DELETE FROM outbox WHERE kind = 'order' AND subject = ?", waiting],
    named: ({ waiting }) => ({ site: 'north', subject: `order ${waiting}` }),
  },
  {
    rule: 'outbox-order',
    what: 'the outbox names an order that is not there',
    at: 'north',
    change: ({ waiting }) => ["UPDATE outbox SET subject = 'nobody' WHERE subject = ?", waiting],
    named: () => ({ site: 'north', subject: 'outbox ' }),
  },
  {
    rule: 'order-state',
    what: 'the root calls a confirmed order parked',
    at: 'hq',
    change: ({ order }) => ["UPDATE orders SET state = 'parked' WHERE order_id = ?", order],
    named: ({ order }) => ({ site: 'north', subject: `order ${order}` }),
  },
  {
    rule: 'order-unsold',
    what: 'the seller does not know its order',
    at: 'north',
    change: ({ order }) => ['DELETE FROM orders WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'north', subject: `order ${order}` }),
  },
  {
    rule: 'one-order-per-cart',
    what: 'a cart has a second order',
    at: 'hq',
    change: ({ order, waiting }) => [
      `INSERT INTO orders (store, order_id, cart_id, site, incarnation, mode, attempt, order_version, state, epoch,
         currency, total_amount, placed_at)
       SELECT store, ?, cart_id, site, incarnation, mode, attempt, order_version, state, epoch, currency, total_amount,
         placed_at FROM orders WHERE order_id = ?`,
      waiting,
      order,
    ],
    named: ({ cart }) => ({ site: 'hq', subject: `cart ${cart}` }),
  },
  {
    rule: 'one-order-per-cart',
    what: 'the winner of a cart is not named',
    at: 'hq',
    change: ({ cart }) => ['DELETE FROM cart_orders WHERE cart_id = ?', cart],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'one-order-per-cart',
    what: 'the winner of a cart is no order',
    at: 'hq',
    change: ({ cart }) => ["UPDATE cart_orders SET order_id = 'nobody' WHERE cart_id = ?", cart],
    named: ({ cart }) => ({ site: 'hq', subject: `cart ${cart}` }),
  },
  {
    rule: 'cart-has-order',
    what: 'a sold cart is open again',
    at: 'north',
    change: ({ cart }) => ["UPDATE carts SET status = 'I' WHERE cart_id = ?", cart],
    named: ({ cart }) => ({ site: 'north', subject: `cart ${cart}` }),
  },
  {
    rule: 'cart-has-order',
    what: 'an ordered cart has no order',
    at: 'north',
    change: ({ cart }) => ['DELETE FROM cart_orders WHERE cart_id = ?', cart],
    named: ({ cart }) => ({ site: 'north', subject: `cart ${cart}` }),
  },
  {
    rule: 'order-document',
    what: "a document's bytes were changed",
    at: 'north',
    change: ({ order }) => [
      "UPDATE order_documents SET document = REPLACE(document, 'Leeds', 'Lyons') WHERE order_id = ?",
      order,
    ],
    named: ({ order }) => ({ site: 'north', subject: `order ${order}` }),
  },
  {
    rule: 'order-document',
    what: 'a document is gone',
    at: 'hq',
    change: ({ order }) => ['DELETE FROM order_documents WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'order-content',
    what: "an order's total was changed",
    at: 'hq',
    change: ({ order }) => ['UPDATE orders SET total_amount = total_amount + 1 WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'order-content',
    what: "a line's price was changed",
    at: 'hq',
    change: ({ order }) => ['UPDATE order_lines SET unit_price_amount = 1 WHERE order_id = ?', order],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'order-document-at-root',
    what: 'the primary holds another document',
    at: 'hq',
    change: ({ order }) => [`UPDATE order_documents SET digest = '${'0'.repeat(64)}' WHERE order_id = ?`, order],
    named: ({ order }) => ({ site: 'hq', subject: `order ${order}` }),
  },
  {
    rule: 'catalog-items-digest',
    what: 'an item was changed',
    at: 'south',
    change: () => ["UPDATE item_versions SET price_amount = price_amount + 1 WHERE sku = 'A'"],
    named: () => ({ site: 'south', subject: 'main A' }),
  },
  {
    rule: 'catalog-items-digest',
    what: 'an item is gone',
    at: 'south',
    change: () => ["DELETE FROM item_versions WHERE sku = 'B'"],
    named: () => ({ site: 'south', subject: 'main 1.1' }),
  },
  {
    rule: 'catalog-revision-digest',
    what: 'the primary has recorded another digest of the revision',
    at: 'hq',
    change: () => [`UPDATE catalog_revisions SET digest = '${'0'.repeat(64)}'`],
    named: () => ({ site: 'north', subject: 'main 1.1' }),
  },
  {
    rule: 'catalog-confirmed',
    what: 'a site is booked with a revision that it does not have',
    at: 'hq',
    change: () => ["UPDATE catalog_confirmations SET revision = revision + 1 WHERE site = 'south'"],
    named: () => ({ site: 'hq', subject: 'main at south' }),
  },
];
