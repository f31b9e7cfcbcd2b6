/** Orders within one site: cart, row, lines, document and outbox say the same (design, section 2, invariants 2 and 4). */
import { createHash } from 'node:crypto';
import { readOrderRequest } from '../../cxml/orders';
import { XmlError } from '../../cxml/reader';
import { formatAmount } from '../../domain/money';
import { type Order, type OrderState, orderTotal } from '../../domain/orders';
import { type Statements } from '../database';
import { marks } from '../catalog/items';
import { type Findings } from './rules';

/** Rows that one check brings in to be counted and listed. */
const ROWS_MAX = 10_000;
/** Orders whose documents are read at once. */
const DOCUMENTS_PER_PAGE = 200;

export async function auditCarts(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const twice = await reads.all<{ cart_id: string; orders: number }>(
    `SELECT cart_id, COUNT(*) AS orders FROM orders WHERE store = ? AND state <> 'cancelled'
     GROUP BY cart_id HAVING COUNT(*) > 1 ORDER BY cart_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { cart_id: cart, orders } of twice)
    findings.add('one-order-per-cart', site, `cart ${cart}`, '1 order', orders);
  const winners = await reads.all<{ cart_id: string; order_id: string; found: string | null }>(
    `SELECT c.cart_id, c.order_id, o.cart_id AS found FROM cart_orders c
     LEFT JOIN orders o ON o.store = c.store AND o.order_id = c.order_id
     WHERE c.store = ? AND (o.order_id IS NULL OR o.cart_id <> c.cart_id) ORDER BY c.cart_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { cart_id: cart, order_id: order, found } of winners) {
    const what = found === null ? 'there is no such order' : `it is of cart ${found}`;
    findings.add('one-order-per-cart', site, `cart ${cart}`, `order ${order} of this cart`, what);
  }
  const unnamed = await reads.all<{ order_id: string; cart_id: string; winner: string | null }>(
    `SELECT o.order_id, o.cart_id, c.order_id AS winner FROM orders o
     LEFT JOIN cart_orders c ON c.store = o.store AND c.cart_id = o.cart_id
     WHERE o.store = ? AND o.state <> 'cancelled' AND (c.order_id IS NULL OR c.order_id <> o.order_id)
     ORDER BY o.order_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { order_id: order, cart_id: cart, winner } of unnamed) {
    findings.add(
      'one-order-per-cart',
      site,
      `order ${order}`,
      `named as the order of cart ${cart}`,
      winner ?? 'none is named',
    );
  }
  const carts = await reads.all<{ cart_id: string; status: string; order_id: string | null }>(
    `SELECT k.cart_id, k.status, c.order_id FROM carts k
     LEFT JOIN cart_orders c ON c.store = k.store AND c.cart_id = k.cart_id
     WHERE k.store = ? AND (k.status = 'C' AND c.order_id IS NULL OR k.status <> 'C' AND c.order_id IS NOT NULL)
     ORDER BY k.cart_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { cart_id: cart, status, order_id: order } of carts) {
    const found = order === null ? `status ${status} and no order` : `status ${status} and order ${order}`;
    findings.add('cart-has-order', site, `cart ${cart}`, 'status C with an order, or neither', found);
  }
}

export async function auditOutbox(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const waiting = await reads.all<{ order_id: string }>(
    `SELECT o.order_id FROM orders o WHERE o.store = ? AND o.state = 'waiting' AND NOT EXISTS (
       SELECT 1 FROM outbox b WHERE b.store = o.store AND b.kind = 'order' AND b.subject = o.order_id)
     ORDER BY o.order_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { order_id: order } of waiting) {
    findings.add('order-in-outbox', site, `order ${order}`, 'in the outbox while it waits', 'no row in the outbox');
  }
  const unknown = await reads.all<{ outbox_id: string; subject: string }>(
    `SELECT b.outbox_id, b.subject FROM outbox b WHERE b.store = ? AND b.kind = 'order' AND NOT EXISTS (
       SELECT 1 FROM orders o WHERE o.store = b.store AND o.order_id = b.subject)
     ORDER BY b.outbox_id LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { outbox_id: entry, subject } of unknown) {
    findings.add('outbox-order', site, `outbox ${entry}`, `order ${subject}`, 'there is no such order');
  }
}

/** An order as its site has it now. */
export interface OrderView {
  readonly orderId: string;
  readonly cartId: string;
  /** That sold it. */
  readonly site: string;
  readonly state: OrderState;
  /** Of its newest document; null where there is none. */
  readonly digest: string | null;
}

export async function readOrders(reads: Statements, store: string, only?: string): Promise<Map<string, OrderView>> {
  const rows = await reads.all<{
    order_id: string;
    cart_id: string;
    site: string;
    state: OrderState;
    digest: string | null;
  }>(
    `SELECT o.order_id, o.cart_id, o.site, o.state, d.digest FROM orders o
     LEFT JOIN order_documents d ON d.store = o.store AND d.order_id = o.order_id AND d.order_version = o.order_version
     WHERE o.store = ? ${only === undefined ? '' : 'AND o.order_id = ?'}`,
    [store, ...(only === undefined ? [] : [only])],
  );
  return new Map(
    rows.map(({ order_id: orderId, cart_id: cartId, site, state, digest }) => [
      orderId,
      { orderId, cartId, site, state, digest },
    ]),
  );
}

interface OrderRow {
  order_id: string;
  cart_id: string;
  site: string;
  currency: string;
  total_amount: number;
  digest: string | null;
  document: string | null;
}

/** Every order's document: its bytes hash to its digest, and row and lines say what it says. Answers how many. */
export async function auditDocuments(
  reads: Statements,
  store: string,
  site: string,
  findings: Findings,
): Promise<number> {
  let after = '';
  let count = 0;
  for (;;) {
    const orders = await reads.all<OrderRow>(
      `SELECT o.order_id, o.cart_id, o.site, o.currency, o.total_amount, d.digest, d.document FROM orders o
       LEFT JOIN order_documents d ON d.store = o.store AND d.order_id = o.order_id AND d.order_version = o.order_version
       WHERE o.store = ? AND o.order_id > ? ORDER BY o.order_id LIMIT ${DOCUMENTS_PER_PAGE}`,
      [store, after],
    );
    const last = orders.at(-1);
    if (!last) return count;
    after = last.order_id;
    count += orders.length;
    const lines = await linesOf(reads, store, orders);
    for (const order of orders) auditDocument(order, lines.get(order.order_id) ?? [], site, findings);
  }
}

interface LineSum {
  readonly number: number;
  readonly sku: string;
  readonly quantity: number;
  readonly price: number;
}

/** A line's portions are one line of the document. */
async function linesOf(reads: Statements, store: string, orders: readonly OrderRow[]): Promise<Map<string, LineSum[]>> {
  const rows = await reads.all<{
    order_id: string;
    line_number: number;
    sku: string;
    unit_price_amount: number;
    quantity: number;
  }>(
    `SELECT order_id, line_number, sku, unit_price_amount, SUM(quantity) AS quantity FROM order_lines
     WHERE store = ? AND order_id IN (${marks(orders.length)})
     GROUP BY order_id, line_number, sku, unit_price_amount ORDER BY order_id, line_number, sku`,
    [store, ...orders.map((order) => order.order_id)],
  );
  const lines = new Map<string, LineSum[]>();
  for (const { order_id: order, line_number: number, sku, quantity, unit_price_amount: price } of rows) {
    lines.set(order, [...(lines.get(order) ?? []), { number, sku, quantity, price }]);
  }
  return lines;
}

function auditDocument(row: OrderRow, lines: readonly LineSum[], site: string, findings: Findings): void {
  const subject = `order ${row.order_id}`;
  if (row.document === null) {
    findings.add('order-document', site, subject, 'a document', 'none');
    return;
  }
  const digest = createHash('sha256').update(row.document).digest('hex');
  if (digest !== row.digest) findings.add('order-document', site, subject, `digest ${row.digest}`, digest);
  const order = readDocument(row.document);
  if (typeof order === 'string') {
    findings.add('order-document', site, subject, 'an OrderRequest', order);
    return;
  }
  const differ = (what: string, written: string | number, found: string | number) => {
    if (written !== found) findings.add('order-content', site, subject, `${what} ${written} by its document`, found);
  };
  differ('order', order.orderId, row.order_id);
  differ('cart', order.cartId, row.cart_id);
  differ('selling site', order.site, row.site);
  differ('currency', order.currency, row.currency);
  differ('total', formatAmount(order.total), formatAmount(row.total_amount));
  differ('total by its lines', formatAmount(orderTotal(order)), formatAmount(row.total_amount));
  const written = order.lines.map((line) => showLine(line.lineNumber, line.sku, line.quantity, line.unitPrice)).sort();
  const booked = lines.map(({ number, sku, quantity, price }) => showLine(number, sku, quantity, price)).sort();
  differ('lines', beyond(written, booked), beyond(booked, written));
}

function readDocument(document: string): Order | string {
  try {
    return readOrderRequest(document).order;
  } catch (error) {
    if (error instanceof XmlError) return error.message;
    throw error;
  }
}

function showLine(number: number, sku: string, quantity: number, price: number): string {
  return `${number}: ${quantity} × ${sku} at ${formatAmount(price)}`;
}

/** The lines of one side that the other does not have; empty when there are none. */
function beyond(lines: readonly string[], others: readonly string[]): string {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line)).join('; ');
}
