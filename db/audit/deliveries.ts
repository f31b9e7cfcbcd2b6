/**
 * Orders between sites. The databases are read one after the other while orders travel, so what one side lacks is looked
 * up again: orders are only ever added and states only move on, so the second look decides.
 */
import { type OrderState } from '../../domain/orders';
import { type Database } from '../database';
import { type OrderView, readOrders } from './orders';
import { type Findings } from './rules';

export interface SiteOrders {
  readonly site: string;
  /** Null for the root. */
  readonly parent: string | null;
  readonly db: Database;
  readonly orders: ReadonlyMap<string, OrderView>;
}

/** The child was told that its parent has the order. */
const TOLD: ReadonlySet<OrderState> = new Set(['accepted', 'confirmed', 'fulfilled']);
/** What the root may say where its child says confirmed. */
const CONFIRMED_AT_ROOT: ReadonlySet<OrderState> = new Set(['confirmed', 'fulfilled']);

export async function auditDeliveries(sites: readonly SiteOrders[], store: string, findings: Findings): Promise<void> {
  for (const child of sites) {
    const parent = sites.find(({ site }) => site === child.parent);
    if (!parent) continue;
    for (const order of child.orders.values()) await auditDelivery(order, child, parent, store, findings);
  }
  for (const holder of sites) {
    for (const order of holder.orders.values()) {
      const seller = sites.find(({ site }) => site === order.site);
      if (!seller || seller === holder || seller.orders.has(order.orderId)) continue;
      if ((await readOrders(seller.db, store, order.orderId)).size > 0) continue;
      const found = `it is at ${holder.site}`;
      findings.add('order-unsold', seller.site, `order ${order.orderId}`, 'an order of this site', found);
    }
  }
}

async function auditDelivery(
  order: OrderView,
  child: SiteOrders,
  parent: SiteOrders,
  store: string,
  findings: Findings,
): Promise<void> {
  const subject = `order ${order.orderId}`;
  const first = parent.orders.get(order.orderId);
  const suspicious = !first || first.digest !== order.digest || contradicts(order, first, parent);
  if (!suspicious) return;
  const copy = (await readOrders(parent.db, store, order.orderId)).get(order.orderId);
  if (!copy) {
    if (TOLD.has(order.state)) {
      findings.add('order-at-parent', parent.site, subject, `here: ${child.site} has it as ${order.state}`, 'missing');
    }
    return;
  }
  if (copy.digest !== order.digest) {
    const expected = `digest ${order.digest ?? 'none'}, as at ${child.site}`;
    findings.add('order-document-at-root', parent.site, subject, expected, copy.digest ?? 'none');
  }
  if (contradicts(order, copy, parent)) {
    findings.add('order-state', child.site, subject, `${copy.state}, as at ${parent.site}`, order.state);
  }
}

function contradicts(order: OrderView, copy: OrderView, parent: SiteOrders): boolean {
  if (order.state === 'cancelled') return copy.state !== 'cancelled';
  const isRoot = parent.parent === null;
  return isRoot && (order.state === 'confirmed' || order.state === 'fulfilled') && !CONFIRMED_AT_ROOT.has(copy.state);
}
