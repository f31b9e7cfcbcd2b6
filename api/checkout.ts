/** Checkout's answers. */
import { z } from 'zod';
import { type SaleRefusal, describeRefusal, sellCart } from '../activities/sale';
import { type Cart } from '../domain/carts';
import { RETRY_AFTER_S } from './limits';
import { Problem } from './problems';
import { type Reply, type ResponseShape, type RouteRequest } from './route';
import { money } from './schemas';

const placedSchema = z
  .object({
    orderId: z.uuid(),
    cartId: z.uuid(),
    orderUrl: z.url(),
    cut: z
      .array(z.object({ sku: z.string(), requested: z.number().int(), ordered: z.number().int() }))
      .describe('What the order has less than the cart had, because there was no more.'),
  })
  .meta({ id: 'PlacedOrder' });

const body = z
  .strictObject({
    ifShort: z
      .enum(['refuse', 'part'])
      .default('refuse')
      .describe('Where stock is short, also with what other sites could give: no order, or one of what there is.'),
  })
  .optional();

const STATUS: Readonly<Record<SaleRefusal['problem'], number>> = {
  'cart-not-found': 404,
  'cart-closed': 409,
  'cart-changed': 412,
  'cart-incomplete': 422,
  'order-too-large': 422,
  'item-not-sold': 409,
  'price-changed': 409,
  'insufficient-stock': 409,
  'primary-away': 503,
};

const responses: Readonly<Record<number, ResponseShape>> = {
  201: { description: 'The order.', schema: placedSchema },
  200: { description: 'The order that this cart became before.', schema: placedSchema },
  404: { description: 'No such cart for this token.' },
  409: { description: 'Prices have changed, an item is gone, or stock is short: the problem lists which lines.' },
  412: { description: 'The cart was changed meanwhile.' },
  422: { description: 'The cart lacks something, or is too large for one order.' },
  503: { description: 'The stock of an item is kept at the primary, which does not answer; try again.' },
};

async function answer(request: RouteRequest<unknown, unknown, z.output<typeof body>>, cart: Cart): Promise<Reply> {
  const { context, store, header } = request;
  const match = header('if-match');
  const version = match === undefined || match === '*' ? undefined : Number(match.replaceAll('"', ''));
  const result = await sellCart(context, {
    ...{ store: store.store, cartId: cart.cartId, cart },
    ...(version === undefined ? {} : { version }),
    ifShort: request.body?.ifShort ?? 'refuse',
  });
  if (result.outcome === 'refused') throw problemOf(result.refusal, cart);
  const { orderId, already } = result;
  const cut = result.cut.map(({ sku, requested, available }) => ({ sku, requested, ordered: available }));
  const orderUrl = `${context.url}/v1/stores/${store.store}/orders/${orderId}`;
  return {
    status: already ? 200 : 201,
    headers: { Location: orderUrl },
    body: { orderId, cartId: cart.cartId, orderUrl, cut },
  };
}

function problemOf(refusal: SaleRefusal, { cartId, currency }: Cart): Problem {
  const { problem, ...members } = refusal;
  const shown =
    refusal.problem === 'price-changed'
      ? {
          lines: refusal.changes.map(({ line, sku, oldPrice, newPrice }) => ({
            ...{ lineId: line, sku, oldPrice: money(oldPrice, currency), newPrice: money(newPrice, currency) },
          })),
        }
      : refusal.problem === 'insufficient-stock'
        ? { lines: refusal.short }
        : members;
  const status = STATUS[problem];
  const headers = status === 503 ? { 'Retry-After': String(RETRY_AFTER_S) } : {};
  return new Problem(status, problem, describeRefusal(refusal, cartId), shown, headers);
}

export const checkout = { body, responses, answer };
