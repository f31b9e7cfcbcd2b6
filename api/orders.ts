/** Orders: where they stand, what happened to them, their documents. */
import { z } from 'zod';
import { type SiteContext, workflowPage } from '../activities/context';
import { readOrderRequest } from '../cxml/orders';
import { listEvents, orderSubject } from '../db/events';
import { type StoredOrder, documentsOfOrders, findOrder, listOrders } from '../db/orders';
import { formatWorkflowId } from '../domain/workflow-ids';
import { openCart, TOKEN_HEADER } from './cart-access';
import { Problem, notFound } from './problems';
import { type Route, type RouteRequest, route } from './route';
import {
  money,
  moneySchema,
  nameSchema,
  noBody,
  noQuery,
  pageOf,
  pageQuery,
  storeParams,
  time,
  timeOrNull,
  uuidSchema,
} from './schemas';

const STATES = ['waiting', 'accepted', 'confirmed', 'fulfilled', 'cancelled', 'parked'] as const;

const orderSchema = z
  .object({
    orderId: z.uuid(),
    cartId: z.uuid(),
    site: z.string().describe('The site that sold it.'),
    mode: z.string(),
    state: z.enum(STATES),
    reason: z.string().nullable(),
    total: moneySchema,
    placedAt: z.iso.datetime(),
    acceptedAt: z.iso.datetime().nullable(),
    confirmedAt: z.iso.datetime().nullable(),
    confirmedEpoch: z.number().int().nullable(),
    workflowId: z.string().nullable().describe('The workflow that delivers it to the parent.'),
    temporalUi: z.url().nullable(),
  })
  .meta({ id: 'Order' });

const detailSchema = orderSchema
  .extend({
    documentUrl: z.url(),
    documentId: z.string(),
    buyer: z.object({ buyerId: z.string(), name: z.string(), email: z.string().nullable() }),
    shipTo: z.record(z.string(), z.unknown()),
    billTo: z.record(z.string(), z.unknown()),
    shipping: z.object({ method: z.string(), description: z.string(), price: moneySchema }),
    tax: z.object({ description: z.string(), price: moneySchema }),
    lines: z.array(
      z.object({
        lineNumber: z.number().int(),
        sku: z.string(),
        description: z.string(),
        quantity: z.number().int(),
        price: moneySchema,
      }),
    ),
    timeline: z.array(
      z.object({
        sequence: z.number().int(),
        kind: z.string(),
        at: z.iso.datetime(),
        data: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .meta({ id: 'OrderDetail' });

function shown(context: SiteContext, store: string, order: StoredOrder): z.output<typeof orderSchema> {
  const { orderId, cartId, site, mode, state, batch } = order;
  const workflowId =
    batch === null ? null : formatWorkflowId('purchaseOrderDelivery', { store, site: context.site, batch });
  return {
    ...{ orderId, cartId, site, mode, state, reason: order.stateReason, workflowId },
    total: money(order.total, order.currency),
    placedAt: time(order.placedAt),
    acceptedAt: timeOrNull(order.acceptedAt),
    confirmedAt: timeOrNull(order.confirmedAt),
    confirmedEpoch: order.confirmedEpoch,
    temporalUi: workflowId === null ? null : workflowPage(context, workflowId),
  };
}

const orderParams = z.strictObject({ store: nameSchema, order: uuidSchema });
const tokenHeader = { [TOKEN_HEADER]: { description: "Buyers show the token of the order's cart.", required: false } };

/** A buyer sees the order of a cart whose token it has; integrators and operators see all. */
async function openOrder(request: RouteRequest<{ order: string }, unknown, unknown>): Promise<StoredOrder> {
  const { context, store, params, caller } = request;
  const order = await findOrder(context.db, store.store, params.order);
  if (!order) throw notFound(`there is no order ${params.order} at site "${context.site}"`);
  if (caller.role !== 'buyer') return order;
  try {
    await openCart(request, order.cartId);
    return order;
  } catch (error) {
    if (error instanceof Problem) throw notFound(`there is no order ${params.order} at site "${context.site}"`);
    throw error;
  }
}

async function documentOf({ context, store }: RouteRequest<unknown, unknown, unknown>, orderId: string) {
  const [document] = await documentsOfOrders(context.db, store.store, [orderId]);
  if (!document) throw new Error(`order ${orderId} has no document`);
  return document;
}

export const orderRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/orders',
    tag: 'orders',
    operationId: 'listOrders',
    summary: 'Orders that this site sold or received, newest first',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: pageQuery.extend({ state: z.enum(STATES).optional() }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of orders.', schema: pageOf(orderSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit, after, state } = query;
      const filter = {
        limit,
        ...(after === undefined ? {} : { before: after }),
        ...(state === undefined ? {} : { state }),
      };
      const orders = await listOrders(context.db, store.store, filter);
      const next = orders.length === limit ? (orders.at(-1)?.orderId ?? null) : null;
      return { status: 200, body: { items: orders.map((order) => shown(context, store.store, order)), next } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/orders/{order}',
    tag: 'orders',
    operationId: 'getOrder',
    summary: 'An order: state, timeline, content, workflow',
    roles: ['buyer', 'integrator', 'operator'],
    params: orderParams,
    query: noQuery,
    body: noBody,
    headers: tokenHeader,
    idempotent: false,
    responses: {
      200: { description: 'The order.', schema: detailSchema },
      404: { description: 'No such order here.' },
    },
    handle: async (request) => {
      const { context, store } = request;
      const stored = await openOrder(request);
      const document = await documentOf(request, stored.orderId);
      const { order } = readOrderRequest(document.document);
      const events = await listEvents(context.db, store.store, orderSubject(stored.orderId));
      const { buyer, shipTo, billTo, shipping, tax, currency } = order;
      return {
        status: 200,
        body: {
          ...shown(context, store.store, stored),
          documentUrl: `${context.url}/v1/stores/${store.store}/orders/${stored.orderId}/document`,
          documentId: document.payloadId,
          ...{ buyer, shipTo, billTo },
          shipping: {
            method: shipping.method,
            description: shipping.description,
            price: money(shipping.amount, currency),
          },
          tax: { description: tax.description, price: money(tax.amount, currency) },
          lines: order.lines.map(({ lineNumber, sku, description, quantity, unitPrice }) => ({
            ...{ lineNumber, sku, description, quantity, price: money(unitPrice, currency) },
          })),
          timeline: events.map(({ sequence, kind, data, occurredAt }) => ({
            sequence,
            kind,
            data,
            at: time(occurredAt),
          })),
        },
      };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/orders/{order}/document',
    tag: 'orders',
    operationId: 'getOrderDocument',
    summary: "The order's cXML OrderRequest, byte for byte",
    roles: ['buyer', 'integrator', 'operator'],
    params: orderParams,
    query: noQuery,
    body: noBody,
    headers: tokenHeader,
    idempotent: false,
    responses: {
      200: { description: 'The document.', contentType: 'text/xml' },
      404: { description: 'No such order here.' },
    },
    handle: async (request) => {
      const order = await openOrder(request);
      const { document } = await documentOf(request, order.orderId);
      return { status: 200, contentType: 'text/xml; charset=UTF-8', body: document };
    },
  }),
];
