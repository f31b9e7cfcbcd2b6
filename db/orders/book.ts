import { createHash } from 'node:crypto';
import { type OrderAnswer, type Order, type OrderState } from '../../domain/orders';
import { type Transaction } from '../database';
import { forUpdate, insertRows } from '../dialect';
import { appendEvents, orderSubject } from '../events';
import { marks } from '../catalog/items';

export interface OrderToBook {
  readonly order: Order;
  readonly document: string;
  readonly payloadId: string;
  readonly state: OrderState;
  readonly stateReason: string | null;
  /** Of the booking, as the booking site knows it. */
  readonly epoch: number;
  readonly confirmedEpoch: number | null;
  /** The workflow that asked for the order. */
  readonly requestedBy: string | null;
}

export function documentDigest(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

const ORDER_COLUMNS = [
  'store',
  'order_id',
  'cart_id',
  'site',
  'incarnation',
  'mode',
  'attempt',
  'partner',
  'order_version',
  'state',
  'state_reason',
  'epoch',
  'currency',
  'total_amount',
  'requested_by',
  'placed_at',
  'accepted_at',
  'confirmed_at',
  'confirmed_epoch',
];

/** Writes orders with their lines and documents; their ids must be new. */
export async function bookOrders(tx: Transaction, orders: readonly OrderToBook[], now: number): Promise<void> {
  await insertRows(
    tx,
    'orders',
    ORDER_COLUMNS,
    orders.map(({ order, state, stateReason, epoch, confirmedEpoch, requestedBy }) => [
      ...[order.store, order.orderId, order.cartId, order.site, order.incarnation, order.mode, order.attempt],
      ...[order.partner, order.orderVersion, state, stateReason, epoch, order.currency, order.total, requestedBy],
      ...[order.placedAt, state === 'accepted' || state === 'confirmed' ? now : null],
      ...[state === 'confirmed' ? now : null, confirmedEpoch],
    ]),
  );
  await insertRows(
    tx,
    'order_lines',
    ['store', 'order_id', 'line_number', 'portion_number', 'sku', 'quantity', 'unit_price_amount', 'state'],
    orders.flatMap(({ order }) =>
      order.lines.map((line) => [
        ...[order.store, order.orderId, line.lineNumber, 1, line.sku, line.quantity, line.unitPrice, 'open'],
      ]),
    ),
  );
  await insertRows(
    tx,
    'order_documents',
    ['store', 'order_id', 'order_version', 'payload_id', 'digest', 'document'],
    orders.map(({ order, payloadId, document }) => [
      ...[order.store, order.orderId, order.orderVersion, payloadId, documentDigest(document), document],
    ]),
  );
}

/** One order per cart for ever: names the winner. The cart must not have one yet. */
export async function nameWinners(
  tx: Transaction,
  store: string,
  winners: readonly { readonly cartId: string; readonly orderId: string }[],
  now: number,
): Promise<void> {
  await insertRows(
    tx,
    'cart_orders',
    ['store', 'cart_id', 'order_id', 'recorded_at'],
    winners.map(({ cartId, orderId }) => [store, cartId, orderId, now]),
  );
}

/** A state never goes back: the states that may become each. */
const BEFORE: Readonly<Record<OrderAnswer['outcome'], readonly OrderState[]>> = {
  accepted: ['waiting'],
  confirmed: ['waiting', 'accepted', 'parked'],
  cancelled: ['waiting', 'accepted', 'confirmed', 'parked'],
  parked: ['waiting', 'accepted'],
};

/** Books what the parent says of orders; answers the ids whose state has changed by it. */
export async function bookAnswers(
  tx: Transaction,
  store: string,
  answers: readonly OrderAnswer[],
  now: number,
): Promise<string[]> {
  const changed: OrderAnswer[] = [];
  for (const group of groups(answers)) {
    const [{ outcome }] = group as [OrderAnswer];
    const ids = group.map(({ orderId }) => orderId);
    const before = BEFORE[outcome];
    // Under lock: an answer that comes late beside a newer one must see what that one has made of the order.
    const open = await tx.all<{ order_id: string }>(
      `SELECT order_id FROM orders WHERE store = ? AND order_id IN (${marks(ids.length)})
       AND state IN (${marks(before.length)}) ORDER BY order_id${forUpdate(tx.engine)}`,
      [store, ...ids, ...before],
    );
    if (open.length === 0) continue;
    const openIds = open.map((row) => row.order_id);
    changed.push(...group.filter(({ orderId }) => openIds.includes(orderId)));
    const [first] = group as [OrderAnswer];
    const reason = 'reason' in first ? first.reason : null;
    const epoch = first.outcome === 'confirmed' ? first.epoch : null;
    const taken = outcome === 'accepted' || outcome === 'confirmed';
    await tx.run(
      `UPDATE orders SET state = ?, state_reason = ?, accepted_at = COALESCE(accepted_at, ?),
         confirmed_at = COALESCE(confirmed_at, ?), confirmed_epoch = COALESCE(?, confirmed_epoch)
       WHERE store = ? AND order_id IN (${marks(openIds.length)})`,
      [outcome, reason, taken ? now : null, outcome === 'confirmed' ? now : null, epoch, store, ...openIds],
    );
  }
  await appendEvents(
    tx,
    store,
    changed.map(({ orderId, by, outcome, ...rest }) => ({
      subject: orderSubject(orderId),
      kind: outcome,
      data: { by, ...rest },
    })),
    now,
  );
  return changed.map(({ orderId }) => orderId);
}

/** Answers that one statement can book: same outcome, same epoch; those with a reason apart. */
function groups(answers: readonly OrderAnswer[]): OrderAnswer[][] {
  const found = new Map<string, OrderAnswer[]>();
  for (const answer of answers) {
    const alone = 'reason' in answer ? answer.orderId : '';
    const epoch = answer.outcome === 'confirmed' ? answer.epoch : '';
    const key = `${answer.outcome}/${epoch}/${alone}`;
    found.set(key, [...(found.get(key) ?? []), answer]);
  }
  return [...found.values()];
}

/** Keeps a document that was not taken, for an operator. */
export async function parkDocument(
  tx: Transaction,
  parked: {
    readonly store: string;
    readonly payloadId: string;
    readonly kind: string;
    readonly sender: string;
    readonly subject: string;
    readonly reason: string;
    readonly document: string;
    readonly now: number;
  },
): Promise<void> {
  const { store, payloadId, kind, sender, subject, reason, document, now } = parked;
  await insertRows(
    tx,
    'parked_documents',
    ['store', 'payload_id', 'kind', 'sender', 'subject', 'reason', 'document', 'parked_at'],
    [[store, payloadId, kind, sender, subject, reason, document, now]],
    'ignore',
  );
}

/** Remembers which batch took orders up, for links into the Temporal UI. */
export async function setBatch(
  tx: Transaction,
  store: string,
  orderIds: readonly string[],
  batch: string | null,
): Promise<void> {
  if (orderIds.length === 0) return;
  await tx.run(`UPDATE orders SET batch = ? WHERE store = ? AND order_id IN (${marks(orderIds.length)})`, [
    batch,
    store,
    ...orderIds,
  ]);
}
