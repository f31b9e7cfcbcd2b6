/** Carts: filled by their buyer, guarded by token and ETag, ordered by checkout (figures 14, 17 and 18). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CartMovedError, addLines, changeLine, createCart, findCart, repriceLine, writeCart } from '../db/carts';
import { findItems } from '../db/catalog/browse';
import { type Transaction } from '../db/database';
import { orderOfCart } from '../db/orders';
import { loadTopology } from '../db/topology';
import { type Cart, cardNumberField, parseLineId } from '../domain/carts';
import { ORDER_LINES_MAX } from '../domain/orders';
import { formatWorkflowId } from '../domain/workflow-ids';
import { cartDetails, cartSchema, newCart, newLines, newQuantity, shownCart } from './cart-schemas';
import { checkout } from './checkout';
import { Problem, notFound } from './problems';
import { type Reply, type Role, type Route, type RouteRequest, route } from './route';
import { money, moneySchema, nameSchema, noBody, noQuery, pageOf, storeParams, uuidSchema } from './schemas';
import { acceptedSchema, startWorkflow } from './workflow-requests';

const BUYERS: readonly Role[] = ['buyer', 'integrator', 'operator'];
const TOKEN_BYTES = 24;

export const TOKEN_HEADER = 'Cart-Token';
const tokenHeader = { [TOKEN_HEADER]: { description: 'Given when the cart was made.', required: true } };
const writeHeaders = {
  ...tokenHeader,
  'If-Match': { description: 'The ETag that the write is based on.', required: true },
};
const cartParams = z.strictObject({ store: nameSchema, cart: uuidSchema });
const lineParams = z.strictObject({ store: nameSchema, cart: uuidSchema, line: z.string().max(64) });
const etagHeader = { ETag: "The cart's version." };

type AnyRequest = Pick<RouteRequest<unknown, unknown, unknown>, 'context' | 'store' | 'header'>;

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function etag(version: number): string {
  return `"${version}"`;
}

/** The cart of that id and token; a wrong token looks as a wrong id does. */
export async function openCart({ context, store, header }: AnyRequest, cartId: string): Promise<Cart> {
  const cart = await findCart(context.db, store.store, cartId);
  const given = Buffer.from(hashToken(header(TOKEN_HEADER) ?? ''));
  if (!cart || !timingSafeEqual(given, Buffer.from(cart.tokenHash))) {
    throw notFound(`there is no cart ${cartId} for this ${TOKEN_HEADER}`);
  }
  return cart;
}

/** The cart, if the writer has seen its newest version and it may still be written. */
async function openForWrite(request: AnyRequest, cartId: string): Promise<Cart> {
  const cart = await openCart(request, cartId);
  if (cart.status === 'C') {
    const orderId = await orderOfCart(request.context.db, cart.store, cart.cartId);
    throw new Problem(409, 'cart-ordered', `cart ${cartId} became order ${orderId ?? ''}: begin a new one`, {
      orderId,
    });
  }
  const match = request.header('if-match');
  if (match === undefined) throw new Problem(428, 'precondition-required', "send If-Match with the cart's ETag");
  if (match !== '*' && match !== etag(cart.version)) throw stale(cart.cartId, cart.version);
  return cart;
}

function stale(cartId: string, version: number): Problem {
  const detail = `cart ${cartId} is at ${etag(version)} now: read it again, then write`;
  return new Problem(412, 'precondition-failed', detail, { version }, { ETag: etag(version) });
}

async function shown({ context }: AnyRequest, store: string, cartId: string, status = 200): Promise<Reply> {
  const cart = await findCart(context.db, store, cartId);
  if (!cart) throw notFound(`there is no cart ${cartId}`);
  const orderId = cart.status === 'C' ? ((await orderOfCart(context.db, store, cartId)) ?? null) : null;
  return { status, headers: { ETag: etag(cart.version) }, body: shownCart(cart, orderId) };
}

/** One write: the version rises, `change` does the rest, and the cart as it is then is the answer. */
async function write(
  request: AnyRequest,
  cart: Cart,
  details: Parameters<typeof writeCart>[2],
  change: (tx: Transaction, now: number) => Promise<void> = async () => undefined,
): Promise<Reply> {
  const { db, runtime } = request.context;
  try {
    await db.transaction(async (tx) => {
      const now = runtime.clock.now();
      await writeCart(tx, cart, details, now);
      await change(tx, now);
    });
  } catch (error) {
    if (!(error instanceof CartMovedError)) throw error;
    throw stale(cart.cartId, (await findCart(db, cart.store, cart.cartId))?.version ?? cart.version);
  }
  return shown(request, cart.store, cart.cartId);
}

const written = {
  200: { description: 'The cart as it is now.', schema: cartSchema, headers: etagHeader },
  404: { description: 'No such cart for this token.' },
  409: { description: 'The cart was ordered.' },
  412: { description: 'The cart was changed meanwhile.' },
  422: { description: 'What is asked does not fit the store.' },
  428: { description: 'If-Match is missing.' },
};

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
    idempotent: true,
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
      const cart = { store: store.store, cartId, tokenHash: hashToken(token), buyerId, catalog, currency, site, now };
      await db.transaction((tx) => createCart(tx, cart));
      const reply = await shown(request, store.store, cartId, 201);
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
    handle: async (request) => {
      const cart = await openCart(request, request.params.cart);
      return shown(request, cart.store, cart.cartId);
    },
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
      const found = await findItems(context.db, cart.store, cart.catalog, [
        ...new Set(body.lines.map(({ sku }) => sku)),
      ]);
      const items = new Map(
        found.map(({ item, revision }) => [item.sku, { price: item.price, priceRevision: revision }]),
      );
      const unknown = body.lines.filter(({ sku }) => !items.has(sku)).map(({ sku }) => sku);
      if (unknown.length > 0) {
        throw new Problem(422, 'unknown-item', `catalogue "${cart.catalog}" has no item "${unknown.join('", "')}"`, {
          unknown,
        });
      }
      const lines = body.lines.map((line) => ({
        ...line,
        ...(items.get(line.sku) as { price: number; priceRevision: number }),
      }));
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
      const cart = await openForWrite(request, request.params.cart);
      const found = await findItems(request.context.db, cart.store, cart.catalog, [
        ...new Set(cart.lines.map(({ sku }) => sku)),
      ]);
      const items = new Map(found.map((entry) => [entry.item.sku, entry]));
      return write(request, cart, {}, async (tx) => {
        for (const line of cart.lines) {
          const now = items.get(line.sku);
          if (now) await repriceLine(tx, cart, line, now.item.price, now.revision);
        }
      });
    },
  }),
];

async function setQuantity(request: AnyRequest, cartId: string, lineId: string, quantity: number): Promise<Reply> {
  const cart = await openForWrite(request, cartId);
  const key = parseLineId(lineId);
  if (!key || !cart.lines.some(({ site, sequence }) => site === key.site && sequence === key.sequence)) {
    throw notFound(`cart ${cartId} has no line "${lineId}"`);
  }
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
    body: noBody,
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
    },
    handle: async (request) => {
      const { context, store, params } = request;
      const cart = await openCart(request, params.cart);
      const { topology, site } = await loadTopology(context.db, store.store);
      const id = { store: store.store, site, cart: cart.cartId };
      const workflowId = formatWorkflowId('cartToPurchaseOrder', id);
      const input = { ...id, version: cart.version, topology };
      return startWorkflow(request, { kind: 'cartToPurchaseOrder', workflowId, input, epoch: topology.epoch });
    },
  }),
];

export const cartRoutes: readonly Route[] = [...shapeRoutes, ...lineRoutes, ...orderRoutes];
