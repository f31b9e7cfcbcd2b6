/** Reaching a cart: with its token, and for a write with its newest ETag. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CartMovedError, findCart, writeCart } from '../db/carts';
import { type Transaction } from '../db/database';
import { orderOfCart } from '../db/orders';
import { type Cart, type CartLine, isBeyondAmount } from '../domain/carts';
import { AMOUNT_MAX, formatAmount } from '../domain/money';
import { cartSchema, shownCart } from './cart-schemas';
import { Problem, notFound } from './problems';
import { type Reply, type RouteRequest } from './route';
import { nameSchema, uuidSchema } from './schemas';

export const TOKEN_HEADER = 'Cart-Token';
export const tokenHeader = { [TOKEN_HEADER]: { description: 'Given when the cart was made.', required: true } };
export const writeHeaders = {
  ...tokenHeader,
  'If-Match': { description: 'The ETag that the write is based on.', required: true },
};
export const cartParams = z.strictObject({ store: nameSchema, cart: uuidSchema });
export const etagHeader = { ETag: "The cart's version." };

export type AnyRequest = Pick<RouteRequest<unknown, unknown, unknown>, 'context' | 'store' | 'header'>;

export function hashToken(token: string): string {
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
export async function openForWrite(request: AnyRequest, cartId: string): Promise<Cart> {
  const cart = await openCart(request, cartId);
  if (cart.status === 'C') throw await ordered(request, cart);
  if (cart.status === 'closed') throw new Problem(409, 'cart-closed', `cart ${cartId} was closed: begin a new one`);
  const match = request.header('if-match');
  if (match === undefined) throw new Problem(428, 'precondition-required', "send If-Match with the cart's ETag");
  if (match !== '*' && match !== etag(cart.version)) throw stale(cart.cartId, cart.version);
  return cart;
}

/** What a write to a cart that became an order is answered. */
export async function ordered({ context }: AnyRequest, { store, cartId }: Cart): Promise<Problem> {
  const orderId = await orderOfCart(context.db, store, cartId);
  return new Problem(409, 'cart-ordered', `cart ${cartId} became order ${orderId ?? ''}: begin a new one`, { orderId });
}

/** A cart that comes to more than an amount can say could not be shown, nor ordered. */
export function requirePayable(
  { cartId, currency }: Cart,
  lines: readonly Pick<CartLine, 'quantity' | 'price'>[],
): void {
  if (!isBeyondAmount(lines)) return;
  const detail = `cart ${cartId} would come to more than ${formatAmount(AMOUNT_MAX)} ${currency}: order it in parts`;
  throw new Problem(422, 'order-too-large', detail);
}

function stale(cartId: string, version: number): Problem {
  const detail = `cart ${cartId} is at ${etag(version)} now: read it again, then write`;
  return new Problem(412, 'precondition-failed', detail, { version }, { ETag: etag(version) });
}

export async function shown({ context }: AnyRequest, cart: Cart, status = 200): Promise<Reply> {
  const { store, cartId, version } = cart;
  const orderId = cart.status === 'C' ? ((await orderOfCart(context.db, store, cartId)) ?? null) : null;
  return { status, headers: { ETag: etag(version) }, body: shownCart(cart, orderId) };
}

/** The cart as it is after a write. */
export async function shownAgain(request: AnyRequest, { store, cartId }: Pick<Cart, 'store' | 'cartId'>, status = 200) {
  const cart = await findCart(request.context.db, store, cartId);
  if (!cart) throw notFound(`there is no cart ${cartId}`);
  return shown(request, cart, status);
}

/** One write: the version rises, `change` does the rest, and the cart as it is then is the answer. */
export async function write(
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
  return shownAgain(request, cart);
}

/** The answers of a write. */
export const written = {
  200: { description: 'The cart as it is now.', schema: cartSchema, headers: etagHeader },
  404: { description: 'No such cart for this token.' },
  409: { description: 'The cart was ordered, or closed.' },
  412: { description: 'The cart was changed meanwhile.' },
  422: { description: 'What is asked does not fit the store.' },
  428: { description: 'If-Match is missing.' },
};
