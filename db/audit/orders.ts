/** Invariant 2: an order that a buyer was told about is never lost, and a cart has one. */
import { readOrderRequest } from '../../cxml/orders';
import { type Statements } from '../database';
import { documentDigest } from '../orders/book';
import { loadTopology } from '../topology';
import { parentOf } from '../../domain/sites';
import { type AuditedSite, type Report } from './index';

interface OrderRow {
  order_id: string;
  cart_id: string;
  site: string;
  state: string;
  total_amount: number;
  digest: string | null;
  document: string | null;
}

/** Orders read at a time: their documents are large. */
const ORDERS_PER_READ = 200;

export async function auditOrders(
  sites: readonly AuditedSite[],
  store: string,
  report: Report,
): Promise<Record<string, number>> {
  const digests = new Map<string, Map<string, string>>();
  let orders = 0;
  for (const site of sites) {
    const found = await site.db.snapshot((reads) => auditSite(site, sites, reads, store, report));
    digests.set(site.site, found);
    orders += found.size;
  }
  return { orders };
}

async function auditSite(
  { site }: AuditedSite,
  sites: readonly AuditedSite[],
  reads: Statements,
  store: string,
  report: Report,
): Promise<Map<string, string>> {
  const { topology } = await loadTopology(reads, store);
  const parent = sites.find((candidate) => candidate.site === parentOf(topology, site)?.site);
  await auditCarts(site, reads, store, report);
  await auditOutbox(site, parentOf(topology, site) !== null, reads, store, report);
  await auditSales(site, reads, store, report);
  const digests = new Map<string, string>();
  for (let after = ''; ;) {
    const rows = await readOrders(reads, store, after);
    for (const row of rows) auditDocument(site, row, report);
    for (const { order_id, digest } of rows) digests.set(order_id, digest ?? '');
    if (parent) await auditAtParent(site, parent, rows, store, report);
    if (rows.length < ORDERS_PER_READ) return digests;
    after = rows.at(-1)?.order_id ?? '';
  }
}

function readOrders(reads: Statements, store: string, after: string): Promise<OrderRow[]> {
  return reads.all<OrderRow>(
    `SELECT orders.order_id, orders.cart_id, orders.site, orders.state, orders.total_amount,
       order_documents.digest, order_documents.document
     FROM orders LEFT JOIN order_documents ON order_documents.store = orders.store
       AND order_documents.order_id = orders.order_id AND order_documents.order_version = orders.order_version
     WHERE orders.store = ? AND orders.order_id > ? ORDER BY orders.order_id LIMIT ${ORDERS_PER_READ}`,
    [store, after],
  );
}

function auditDocument(site: string, row: OrderRow, report: Report): void {
  const fault = (expected: string, found: string) =>
    report({ rule: 'order-document', site, subject: row.order_id, expected, found });
  if (row.document === null || row.digest === null) return fault('a document', 'none');
  const digest = documentDigest(row.document);
  if (digest !== row.digest) return fault(`digest ${row.digest}`, `digest ${digest}`);
  const { order } = readOrderRequest(row.document);
  if (order.total !== row.total_amount) fault(`total ${order.total}`, `total ${row.total_amount}`);
  if (order.orderId !== row.order_id || order.cartId !== row.cart_id) {
    fault(`order ${row.order_id} of cart ${row.cart_id}`, `order ${order.orderId} of cart ${order.cartId}`);
  }
}

/** The parent is asked now, after the seller's snapshot: what was answered then is there by now. */
async function auditAtParent(
  site: string,
  parent: AuditedSite,
  rows: readonly OrderRow[],
  store: string,
  report: Report,
): Promise<void> {
  const answered = rows.filter(
    (row) => row.site === site && ['accepted', 'confirmed', 'fulfilled'].includes(row.state),
  );
  if (answered.length === 0) return;
  const found = await parent.db.all<{ order_id: string; digest: string | null }>(
    `SELECT orders.order_id, order_documents.digest FROM orders
     LEFT JOIN order_documents ON order_documents.store = orders.store AND order_documents.order_id = orders.order_id
     WHERE orders.store = ? AND orders.order_id IN (${answered.map(() => '?').join(', ')})`,
    [store, ...answered.map((row) => row.order_id)],
  );
  const digests = new Map(found.map((row) => [row.order_id, row.digest]));
  for (const { order_id, digest, state } of answered) {
    if (!digests.has(order_id)) {
      const expected = `${state}, so at ${parent.site}`;
      report({ rule: 'order-at-parent', site, subject: order_id, expected, found: 'not there' });
    } else if (digests.get(order_id) !== digest) {
      const at = digests.get(order_id) ?? 'none';
      report({
        rule: 'order-document-at-root',
        site: parent.site,
        subject: order_id,
        expected: String(digest),
        found: at,
      });
    }
  }
}

async function auditOutbox(
  site: string,
  hasParent: boolean,
  reads: Statements,
  store: string,
  report: Report,
): Promise<void> {
  if (!hasParent) return;
  const lost = await reads.all<{ order_id: string }>(
    `SELECT order_id FROM orders WHERE store = ? AND site = ? AND state = 'waiting'
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.store = orders.store AND outbox.kind = 'order' AND outbox.subject = orders.order_id)`,
    [store, site],
  );
  for (const { order_id } of lost) {
    report({ rule: 'order-in-outbox', site, subject: order_id, expected: 'an outbox entry', found: 'none' });
  }
}

async function auditCarts(site: string, reads: Statements, store: string, report: Report): Promise<void> {
  const doubled = await reads.all<{ cart_id: string; orders: number }>(
    `SELECT cart_id, COUNT(*) AS orders FROM orders WHERE store = ? AND state <> 'cancelled'
     GROUP BY cart_id HAVING COUNT(*) > 1`,
    [store],
  );
  for (const { cart_id, orders } of doubled) {
    report({ rule: 'one-order-per-cart', site, subject: cart_id, expected: '1 order', found: `${orders} orders` });
  }
  const unnamed = await reads.all<{ cart_id: string; order_id: string; named: string | null }>(
    `SELECT orders.cart_id, orders.order_id, cart_orders.order_id AS named FROM orders
     LEFT JOIN cart_orders ON cart_orders.store = orders.store AND cart_orders.cart_id = orders.cart_id
     WHERE orders.store = ? AND orders.state <> 'cancelled' AND (cart_orders.order_id IS NULL OR cart_orders.order_id <> orders.order_id)`,
    [store],
  );
  for (const { cart_id, order_id, named } of unnamed) {
    report({ rule: 'one-order-per-cart', site, subject: cart_id, expected: order_id, found: named ?? 'none named' });
  }
  const orphans = await reads.all<{ cart_id: string }>(
    `SELECT carts.cart_id FROM carts LEFT JOIN cart_orders ON cart_orders.store = carts.store AND cart_orders.cart_id = carts.cart_id
     LEFT JOIN orders ON orders.store = carts.store AND orders.order_id = cart_orders.order_id
     WHERE carts.store = ? AND carts.status = 'C' AND orders.order_id IS NULL`,
    [store],
  );
  for (const { cart_id } of orphans) {
    report({ rule: 'cart-has-order', site, subject: cart_id, expected: 'an order', found: 'none' });
  }
  const open = await reads.all<{ cart_id: string; status: string }>(
    `SELECT carts.cart_id, carts.status FROM carts JOIN orders ON orders.store = carts.store AND orders.cart_id = carts.cart_id
     WHERE carts.store = ? AND carts.status <> 'C'`,
    [store],
  );
  for (const { cart_id, status } of open) {
    report({ rule: 'cart-has-order', site, subject: cart_id, expected: 'status C', found: `status ${status}` });
  }
}

/** What the ledger sold for an order is what its lines say, at the site that sold it. */
async function auditSales(site: string, reads: Statements, store: string, report: Report): Promise<void> {
  const sold = await reads.all<{ movement_id: string; sku: string; quantity: number }>(
    `SELECT movement_id, sku, quantity FROM stock_ledger WHERE store = ? AND kind = 'sale'`,
    [store],
  );
  const ledger = new Map(sold.map(({ movement_id, sku, quantity }) => [`${movement_id.slice(5)} ${sku}`, -quantity]));
  const lines = await reads.all<{ order_id: string; sku: string; quantity: number }>(
    `SELECT order_lines.order_id, order_lines.sku, SUM(order_lines.quantity) AS quantity FROM order_lines
     JOIN orders ON orders.store = order_lines.store AND orders.order_id = order_lines.order_id
     WHERE order_lines.store = ? AND orders.site = ? GROUP BY order_lines.order_id, order_lines.sku`,
    [store, site],
  );
  for (const { order_id, sku, quantity } of lines) {
    const subject = `${order_id} ${sku}`;
    const found = ledger.get(subject);
    ledger.delete(subject);
    if (found === quantity) continue;
    const inLedger = found === undefined ? 'no sale in the ledger' : String(found);
    report({ rule: 'sale-matches-order', site, subject, expected: String(quantity), found: inLedger });
  }
  for (const [subject, units] of ledger) {
    report({ rule: 'sale-matches-order', site, subject, expected: 'an order line', found: `${units} sold without` });
  }
}
