/** Carts: filled by their buyer, guarded by token and ETag, ordered by checkout (figures 14, 17 and 18). */
import { z } from 'zod';
import { itemsOnSale } from '../activities/sale';
import { addLines, changeLine, createCart, repriceLine } from '../db/carts';
import { loadTopology } from '../db/topology';
import { findWorkflowRun } from '../db/workflow-runs';
import { cardNumberField, formatLineId } from '../domain/carts';
import { ORDER_LINES_MAX } from '../domain/orders';
import { formatWorkflowId } from '../domain/workflow-ids';
import {
  type AnyRequest,
  cartParams,
  etagHeader,
  hashToken,
  openCart,
  openForWrite,
  ordered,
  requirePayable,
  shown,
  shownAgain,
  tokenHeader,
  write,
  writeHeaders,
  written,
} from './cart-access';
import { cartDetails, cartSchema, newCart, newLines, newQuantity } from './cart-schemas';
import { checkout } from './checkout';
import { Problem, notFound } from './problems';
import { type Reply, type Role, type Route, route } from './route';
import { money, moneySchema, nameSchema, noBody, noQuery, pageOf, storeParams, uuidSchema } from './schemas';
import { viewerHeader, viewerOf } from './viewer';
import { acceptedSchema, startWorkflow } from './workflow-requests';

const BUYERS: readonly Role[] = ['buyer', 'integrator', 'operator'];
const TOKEN_BYTES = 24;

const lineParams = z.strictObject({ store: nameSchema, cart: uuidSchema, line: z.string().max(64) });

const shapeRoutes: Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/carts',
    tag: 'carts',
    operationId: 'createCart',
    summary: 'A new cart; its token is shown once',
    roles: BUYERS,
    params: storeParams,
    query: noQuery,
    body: newCart.optional(),
    headers: viewerHeader,
    // A kept answer would keep the token in clear, and tell it to whoever sends the same key.
    idempotent: false,
    responses: {
      201: { description: 'The cart.', schema: cartSchema.extend({ token: z.string() }), headers: etagHeader },
    },
    handle: async (request) => {
      const { context, store, body } = request;
      const { db, runtime, site } = context;
      const cartId = runtime.ids.uuid();
      const token = runtime.random.bytes(TOKEN_BYTES).toString('base64url');
      const now = runtime.clock.now();
      const buyerId = body?.buyerId ?? `guest-${runtime.ids.uuid()}`;
      const catalog = body?.catalog ?? store.catalog;
      const { currency } = store;
      const viewer = await viewerOf(request);
      const who = { tokenHash: hashToken(token), buyerId, viewer };
      const cart = { store: store.store, cartId, ...who, catalog, currency, site, now };
      await db.transaction((tx) => createCart(tx, cart));
      const reply = await shownAgain(request, cart, 201);
      const location = `${context.url}/v1/stores/${store.store}/carts/${cartId}`;
      return {
        ...reply,
        headers: { ...reply.headers, Location: location },
        body: { ...(reply.body as object), token },
      };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/carts/{cart}',
    tag: 'carts',
    operationId: 'getCart',
    summary: 'The cart as it is',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: noBody,
    headers: tokenHeader,
    idempotent: false,
    responses: { 200: written[200], 404: written[404] },
    handle: async (request) => shown(request, await openCart(request, request.params.cart)),
  }),
  route({
    method: 'patch',
    path: '/v1/stores/{store}/carts/{cart}',
    tag: 'carts',
    operationId: 'updateCart',
    summary: 'Set buyer, addresses, shipping method, payment, comments; never a card number',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: cartDetails,
    headers: writeHeaders,
    idempotent: true,
    responses: written,
    handle: async (request) => {
      const { store, body, params } = request;
      const cart = await openForWrite(request, params.cart);
      const codes = store.shippingMethods.map(({ code }) => code);
      if (body.shippingMethod !== undefined && !codes.includes(body.shippingMethod)) {
        const detail = `shipping method "${body.shippingMethod}" is not offered: ${codes.join(', ')} are`;
        throw new Problem(422, 'unknown-shipping-method', detail);
      }
      const field = body.payment === undefined ? null : cardNumberField(body.payment);
      if (field !== null) {
        const detail = `payment.${field} holds what looks like a card number: send the payment provider's token instead`;
        throw new Problem(422, 'card-number', detail);
      }
      const given = Object.entries(body).filter(([, value]) => value !== undefined);
      return write(request, cart, Object.fromEntries(given));
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/shipping-methods',
    tag: 'carts',
    operationId: 'listShippingMethods',
    summary: 'How orders of this store can be shipped',
    roles: BUYERS,
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: {
        description: 'The methods.',
        schema: pageOf(z.object({ code: z.string(), description: z.string(), price: moneySchema })),
      },
    },
    handle: async ({ store }) => {
      const items = store.shippingMethods.map(({ code, description, amount }) => ({
        ...{ code, description, price: money(amount, store.currency) },
      }));
      return { status: 200, body: { items, next: null } };
    },
  }),
];

const lineRoutes: Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/carts/{cart}/lines',
    tag: 'carts',
    operationId: 'addCartLines',
    summary: 'Put items in the cart, at the price of now',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: newLines,
    headers: writeHeaders,
    idempotent: true,
    responses: written,
    handle: async (request) => {
      const { context, body, params } = request;
      const cart = await openForWrite(request, params.cart);
      if (cart.lines.length + body.lines.length > ORDER_LINES_MAX) {
        throw new Problem(
          422,
          'too-many-lines',
          `a cart has at most ${ORDER_LINES_MAX} lines; this one has ${cart.lines.length}`,
        );
      }
      const skus = body.lines.map(({ sku }) => sku);
      const items = await itemsOnSale(context.db, cart, skus);
      const lines = body.lines.flatMap((line) => {
        const found = items.get(line.sku);
        return found ? [{ ...line, price: found.item.price, priceRevision: found.revision }] : [];
      });
      const unknown = skus.filter((sku) => !items.has(sku));
      if (unknown.length > 0) {
        const detail = `catalogue "${cart.catalog}" sells no item "${unknown.join('", "')}" in ${cart.currency}`;
        throw new Problem(422, 'unknown-item', detail, { unknown });
      }
      requirePayable(cart, [...cart.lines, ...lines]);
      return write(request, cart, {}, async (tx) => void (await addLines(tx, cart, context.site, lines)));
    },
  }),
  route({
    method: 'patch',
    path: '/v1/stores/{store}/carts/{cart}/lines/{line}',
    tag: 'carts',
    operationId: 'changeCartLine',
    summary: "Change a line's quantity",
    roles: BUYERS,
    params: lineParams,
    query: noQuery,
    body: newQuantity,
    headers: writeHeaders,
    idempotent: true,
    responses: written,
    handle: (request) => setQuantity(request, request.params.cart, request.params.line, request.body.quantity),
  }),
  route({
    method: 'delete',
    path: '/v1/stores/{store}/carts/{cart}/lines/{line}',
    tag: 'carts',
    operationId: 'removeCartLine',
    summary: 'Take a line out',
    roles: BUYERS,
    params: lineParams,
    query: noQuery,
    body: noBody,
    headers: writeHeaders,
    idempotent: true,
    responses: written,
    handle: (request) => setQuantity(request, request.params.cart, request.params.line, 0),
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/carts/{cart}/prices',
    tag: 'carts',
    operationId: 'acceptPrices',
    summary: 'Take the prices of now for every line',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: noBody,
    headers: writeHeaders,
    idempotent: true,
    responses: written,
    handle: async (request) => {
      const { db, site } = request.context;
      const cart = await openForWrite(request, request.params.cart);
      const skus = cart.lines.map(({ sku }) => sku);
      const items = await itemsOnSale(db, cart, skus);
      const lines = cart.lines.map((line) => {
        const now = items.get(line.sku);
        return now ? { ...line, price: now.item.price, priceRevision: now.revision } : line;
      });
      requirePayable(cart, lines);
      return write(request, cart, {}, async (tx) => {
        for (const line of lines) if (items.has(line.sku)) await repriceLine(tx, cart, line, line, site);
      });
    },
  }),
];

async function setQuantity(request: AnyRequest, cartId: string, lineId: string, quantity: number): Promise<Reply> {
  const cart = await openForWrite(request, cartId);
  const key = cart.lines.find((line) => formatLineId(line) === lineId);
  if (!key) throw notFound(`cart ${cartId} has no line "${lineId}"`);
  requirePayable(
    cart,
    cart.lines.map((line) => (line === key ? { ...line, quantity } : line)),
  );
  return write(request, cart, {}, async (tx) => void (await changeLine(tx, cart, key, quantity, request.context.site)));
}

const orderRoutes: Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/carts/{cart}/checkout',
    tag: 'carts',
    operationId: 'checkout',
    summary: 'The cart becomes an order; asked again, the same order is the answer',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: checkout.body,
    headers: {
      ...tokenHeader,
      'If-Match': { description: 'The version to order; left out, the one of now.', required: false },
    },
    idempotent: true,
    responses: checkout.responses,
    handle: async (request) => checkout.answer(request, await openCart(request, request.params.cart)),
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/carts/{cart}/purchase-order',
    tag: 'carts',
    operationId: 'requestPurchaseOrder',
    summary: 'The cart becomes a purchase order by the workflow cartToPurchaseOrder',
    roles: BUYERS,
    params: cartParams,
    query: noQuery,
    body: noBody,
    headers: tokenHeader,
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      404: written[404],
      409: { description: 'The cart was ordered otherwise.' },
    },
    handle: async (request) => {
      const { context, store, params } = request;
      const cart = await openCart(request, params.cart);
      const { topology, site } = await loadTopology(context.db, store.store);
      const id = { store: store.store, site, cart: cart.cartId };
      const workflowId = formatWorkflowId('cartToPurchaseOrder', id);
      const asked = await findWorkflowRun(context.db, store.store, workflowId);
      if (cart.status === 'C' && !asked) throw await ordered(request, cart);
      const input = { ...id, version: cart.version, topology };
      return startWorkflow(request, { kind: 'cartToPurchaseOrder', workflowId, input, epoch: topology.epoch });
    },
  }),
];

export const cartRoutes: readonly Route[] = [...shapeRoutes, ...lineRoutes, ...orderRoutes];
