/** `entrepot orders list|show`. */
import { formatTable, formatTime, print, printJson, printList } from './output';
import { SiteApi } from './site-api';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';

export async function runOrdersList(options: TargetOptions & { limit: number; state?: string }): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const orders = await api.orders(options.limit, options.state);
  printList(
    options.json,
    orders,
    ['order', 'state', 'sold at', 'placed', { title: 'total', align: 'right' }],
    orders.map(({ orderId, state, site, placedAt, total }) => [
      orderId,
      state,
      site,
      formatTime(placedAt),
      `${total.amount} ${total.currency}`,
    ]),
    'no orders',
  );
}

export async function runOrdersShow(orderId: string, options: TargetOptions & { document?: boolean }): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  if (options.document) {
    print(await api.orderDocument(orderId));
    return;
  }
  const order = await api.order(orderId);
  if (options.json) {
    printJson(order);
    return;
  }
  print(`order ${order.orderId}: ${order.state}, sold at ${order.site} on ${formatTime(order.placedAt)}`);
  print(`total ${order.total.amount} ${order.total.currency}`);
  print(`workflow: ${order.temporalUi ?? 'none: it is on no way from here'}\n`);
  print(
    formatTable(
      ['when', 'what', 'details'],
      order.timeline.map(({ at, kind, data }) => [formatTime(at), kind, JSON.stringify(data)]),
    ),
  );
}
