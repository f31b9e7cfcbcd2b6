import { type OrderMode, type OrderState } from '../../domain/orders';
import { type StockLine } from '../../domain/inventory';
import { type SqlValue, type Statements } from '../database';
import { marks } from '../catalog/items';

export interface StoredOrder {
  readonly orderId: string;
  readonly cartId: string;
  readonly site: string;
  /** Of the selling site's data, when it sold it. */
  readonly incarnation: number;
  readonly mode: OrderMode;
  readonly state: OrderState;
  readonly stateReason: string | null;
  readonly currency: string;
  readonly total: number;
  readonly requestedBy: string | null;
  /** Milliseconds UTC. */
  readonly placedAt: number;
  readonly acceptedAt: number | null;
  readonly confirmedAt: number | null;
  readonly confirmedEpoch: number | null;
  /** The batch it went up in, once it has. */
  readonly batch: string | null;
}

interface OrderRow {
  order_id: string;
  cart_id: string;
  site: string;
  incarnation: number;
  mode: OrderMode;
  state: OrderState;
  state_reason: string | null;
  currency: string;
  total_amount: number;
  requested_by: string | null;
  placed_at: number;
  accepted_at: number | null;
  confirmed_at: number | null;
  confirmed_epoch: number | null;
  batch: string | null;
}

const COLUMNS =
  'order_id, cart_id, site, incarnation, mode, state, state_reason, currency, total_amount, requested_by, placed_at, accepted_at, confirmed_at, confirmed_epoch, batch';

function orderOf(row: OrderRow): StoredOrder {
  return {
    orderId: row.order_id,
    cartId: row.cart_id,
    site: row.site,
    incarnation: row.incarnation,
    mode: row.mode,
    state: row.state,
    stateReason: row.state_reason,
    currency: row.currency,
    total: row.total_amount,
    requestedBy: row.requested_by,
    placedAt: row.placed_at,
    acceptedAt: row.accepted_at,
    confirmedAt: row.confirmed_at,
    confirmedEpoch: row.confirmed_epoch,
    batch: row.batch,
  };
}

export async function findOrder(reads: Statements, store: string, orderId: string): Promise<StoredOrder | undefined> {
  const row = await reads.get<OrderRow>(`SELECT ${COLUMNS} FROM orders WHERE store = ? AND order_id = ?`, [
    store,
    orderId,
  ]);
  return row && orderOf(row);
}

/** The order that a cart has become. */
export async function orderOfCart(reads: Statements, store: string, cartId: string): Promise<string | undefined> {
  const row = await reads.get<{ order_id: string }>(
    'SELECT order_id FROM cart_orders WHERE store = ? AND cart_id = ?',
    [store, cartId],
  );
  return row?.order_id;
}

/** Newest first (ids are UUIDv7), below `before`. */
export async function listOrders(
  reads: Statements,
  store: string,
  filter: { readonly state?: OrderState; readonly before?: string; readonly limit: number },
): Promise<StoredOrder[]> {
  const conditions = ['store = ?'];
  const values: SqlValue[] = [store];
  if (filter.state !== undefined) {
    conditions.push('state = ?');
    values.push(filter.state);
  }
  if (filter.before !== undefined) {
    conditions.push('order_id < ?');
    values.push(filter.before);
  }
  const rows = await reads.all<OrderRow>(
    `SELECT ${COLUMNS} FROM orders WHERE ${conditions.join(' AND ')} ORDER BY order_id DESC LIMIT ${filter.limit}`,
    values,
  );
  return rows.map(orderOf);
}

export interface StoredDocument {
  readonly orderId: string;
  readonly orderVersion: number;
  readonly payloadId: string;
  readonly digest: string;
  readonly document: string;
}

interface DocumentRow {
  order_id: string;
  order_version: number;
  payload_id: string;
  digest: string;
  document: string;
}

/** The newest document of each of the orders, in the order of their ids. */
export async function documentsOfOrders(
  reads: Statements,
  store: string,
  orderIds: readonly string[],
): Promise<StoredDocument[]> {
  if (orderIds.length === 0) return [];
  const rows = await reads.all<DocumentRow>(
    `SELECT order_id, order_version, payload_id, digest, document FROM order_documents
     WHERE store = ? AND order_id IN (${marks(orderIds.length)}) ORDER BY order_id, order_version`,
    [store, ...orderIds],
  );
  const newest = new Map(rows.map((row) => [row.order_id, row]));
  return [...newest.values()].map((row) => ({
    orderId: row.order_id,
    orderVersion: row.order_version,
    payloadId: row.payload_id,
    digest: row.digest,
    document: row.document,
  }));
}

/** What an order sold, by line and portion. */
export async function soldLines(reads: Statements, store: string, orderId: string): Promise<StockLine[]> {
  return reads.all<StockLine>('SELECT sku, quantity FROM order_lines WHERE store = ? AND order_id = ?', [
    store,
    orderId,
  ]);
}

export interface ParkedDocument {
  readonly payloadId: string;
  readonly kind: string;
  readonly sender: string;
  readonly subject: string;
  readonly reason: string;
  readonly parkedAt: number;
}

export async function listParked(reads: Statements, store: string, limit: number): Promise<ParkedDocument[]> {
  return reads.all<ParkedDocument>(
    `SELECT payload_id AS "payloadId", kind, sender, subject, reason, parked_at AS "parkedAt" FROM parked_documents
     WHERE store = ? ORDER BY parked_at DESC LIMIT ${limit}`,
    [store],
  );
}

/** How many documents are parked, and since when the first (milliseconds UTC). */
export async function countParked(reads: Statements, store: string): Promise<{ count: number; oldest: number | null }> {
  const row = await reads.get<{ parked: number; oldest: number | null }>(
    'SELECT COUNT(*) AS parked, MIN(parked_at) AS oldest FROM parked_documents WHERE store = ?',
    [store],
  );
  return { count: row?.parked ?? 0, oldest: row?.oldest ?? null };
}

/** What is known here of orders that come in: existing orders by id, winners by cart. */
export async function knownOrders(
  reads: Statements,
  store: string,
  orders: readonly { readonly orderId: string; readonly cartId: string }[],
): Promise<{ states: Map<string, StoredOrder>; winners: Map<string, string> }> {
  const ids = orders.map(({ orderId }) => orderId);
  const carts = orders.map(({ cartId }) => cartId);
  const rows = await reads.all<OrderRow>(
    `SELECT ${COLUMNS} FROM orders WHERE store = ? AND order_id IN (${marks(ids.length)})`,
    [store, ...ids],
  );
  const won = await reads.all<{ cart_id: string; order_id: string }>(
    `SELECT cart_id, order_id FROM cart_orders WHERE store = ? AND cart_id IN (${marks(carts.length)})`,
    [store, ...carts],
  );
  return {
    states: new Map(rows.map((row) => [row.order_id, orderOf(row)])),
    winners: new Map(won.map((row) => [row.cart_id, row.order_id])),
  };
}
