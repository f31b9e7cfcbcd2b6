/** A cart's life over HTTP, on both engines. */
import { LINE_QUANTITY_MAX, ORDER_LINES_MAX } from '../../domain/orders';
import { engines } from '../support/databases';
import { ADDRESS, DETAILS, type OpenCart, Shop } from '../orders/shop';

interface ShownCart {
  readonly status: string;
  readonly version: number;
  readonly buyerId: string;
  readonly missing: string[];
  readonly orderId: string | null;
  readonly payment: unknown;
  readonly subtotal: { amount: string };
  readonly lines: { lineId: string; sku: string; quantity: number; price: { amount: string } }[];
}

const UNKNOWN_CART = '01935c7c-0000-7000-8000-000000000000';
const CARD = '4111 1111 1111 1111';

describe.each(engines())('on %s', (engine) => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open(engine, 'north');
    await shop.sells({ A: '1.25', B: '2.50', GOLD: '50000000.00' });
    await shop.has([{ sku: 'A', quantity: 5000 }]);
  });
  afterAll(() => shop.drop());

  const read = async ({ cartId, token }: OpenCart) => {
    const { body } = await shop.call('get', `/carts/${cartId}`, { headers: { 'Cart-Token': token } });
    return body as ShownCart;
  };

  test('it is made, filled, changed, ordered, and then refuses writes and names its order', async () => {
    let cart = await shop.openCart();
    const then = async (...write: Parameters<Shop['write']> extends [OpenCart, ...infer Rest] ? Rest : never) => {
      const { status, headers, body } = await shop.write(cart, ...write);
      expect([status, body]).toEqual([200, expect.anything()]);
      cart = { ...cart, etag: headers['etag'] ?? '' };
      return body as ShownCart;
    };
    expect((await read(cart)).buyerId).toMatch(/^guest-/);
    expect((await read(cart)).missing).toEqual(['lines', 'buyer', 'shipTo', 'shippingMethod', 'payment']);
    const lines = [
      { sku: 'A', quantity: 2 },
      { sku: 'B', quantity: 1 },
      { sku: 'A', quantity: 1 },
    ];
    const filled = await then('post', '/lines', { lines });
    expect(filled.lines.map(({ lineId, sku, price }) => [lineId, sku, price.amount])).toEqual([
      ['north.1', 'A', '1.25'],
      ['north.2', 'B', '2.50'],
      ['north.3', 'A', '1.25'],
    ]);
    expect((await then('patch', '/lines/north.1', { quantity: 5 })).subtotal.amount).toBe('10.00');
    expect((await then('delete', '/lines/north.2')).lines.map(({ lineId }) => lineId)).toEqual(['north.1', 'north.3']);
    expect((await then('post', '/lines', { lines: [{ sku: 'A', quantity: 1 }] })).lines.at(-1)?.lineId).toBe('north.4');
    expect((await then('patch', '', { shipTo: ADDRESS, comments: 'Ring "twice" & wait' })).missing).toEqual([
      ...['buyer', 'shippingMethod', 'payment'],
    ]);
    expect((await then('patch', '', DETAILS)).missing).toEqual([]);
    const placed = await shop.checkout(cart, { 'If-Match': cart.etag });
    expect(placed.status).toBe(201);
    const { orderId } = placed.body as { orderId: string };
    expect(placed.headers['location']).toBe(`http://north.example/v1/stores/shop/orders/${orderId}`);
    expect(await read(cart)).toMatchObject({ status: 'C', orderId });
    for (const refused of [
      await shop.write(cart, 'post', '/lines', { lines }),
      await shop.write(cart, 'patch', '/lines/north.1', { quantity: 1 }),
      await shop.write(cart, 'delete', '/lines/north.1'),
      await shop.write(cart, 'patch', '', DETAILS),
      await shop.write(cart, 'post', '/prices'),
    ]) {
      expect([refused.status, refused.body]).toMatchObject([409, { orderId, type: expect.stringMatching(/ordered$/) }]);
    }
    const again = await shop.checkout(cart);
    expect([again.status, again.body]).toMatchObject([200, { orderId }]);
  });

  test('a removed line stays as a tombstone with a counter of its own', async () => {
    const cart = await shop.fillCart([{ sku: 'A', quantity: 2 }]);
    await shop.write(cart, 'delete', '/lines/north.1');
    const row = await shop.db.get(
      'SELECT removed, counter, counter_site, quantity FROM cart_lines WHERE cart_id = ? AND line_sequence = 1',
      [cart.cartId],
    );
    expect(row).toEqual({ removed: 1, counter: 2, counter_site: 'north', quantity: 0 });
    const gone = await shop.write({ ...cart, etag: '*' }, 'patch', '/lines/north.1', { quantity: 2 });
    expect(gone.status).toBe(404);
  });

  test('without its token a cart is as unknown as one that never was', async () => {
    const cart = await shop.openCart();
    const other = await shop.openCart();
    const path = `/carts/${cart.cartId}`;
    const shapeOf = ({ status, body }: { status: number; body: object }) => {
      const { requestId: _requestId, detail, ...rest } = body as { requestId: string; detail: string };
      return { status, rest, detail: detail.replace(/[0-9a-f-]{36}/, '<id>') };
    };
    const unknown = shapeOf(
      await shop.call('get', `/carts/${UNKNOWN_CART}`, { headers: { 'Cart-Token': cart.token } }),
    );
    expect(unknown.status).toBe(404);
    for (const headers of [
      {},
      { 'Cart-Token': '' },
      { 'Cart-Token': other.token },
      { 'Cart-Token': `${cart.token}x` },
    ]) {
      expect(shapeOf(await shop.call('get', path, { headers }))).toEqual(unknown);
      const writing = { ...headers, 'If-Match': cart.etag };
      expect(shapeOf(await shop.call('patch', path, { headers: writing, body: DETAILS }))).toEqual(unknown);
      expect(shapeOf(await shop.call('post', `${path}/checkout`, { headers }))).toEqual(unknown);
      expect(shapeOf(await shop.call('post', `${path}/purchase-order`, { headers }))).toEqual(unknown);
    }
  });

  test('the token is shown once and kept nowhere in clear', async () => {
    const headers = { 'Idempotency-Key': 'same' };
    const first = await shop.call('post', '/carts', { headers });
    const second = await shop.call('post', '/carts', { headers });
    const { cartId, token } = first.body as { cartId: string; token: string };
    expect((second.body as { token: string }).token).not.toBe(token);
    expect(await read({ cartId, token, etag: '' })).not.toHaveProperty('token');
    const kept = await shop.db.all('SELECT * FROM carts');
    const answers = await shop.db.all('SELECT * FROM idempotency_keys');
    expect(JSON.stringify([kept, answers])).not.toContain(token);
  });

  test('a write needs the newest ETag: 428 without one, 412 with an old one and the newest told', async () => {
    const cart = await shop.fillCart([{ sku: 'A', quantity: 1 }]);
    const token = { 'Cart-Token': cart.token };
    const blind = await shop.call('patch', `/carts/${cart.cartId}`, { headers: token, body: { comments: 'x' } });
    expect(blind.status).toBe(428);
    const stale = await shop.write({ ...cart, etag: '"1"' }, 'patch', '', { comments: 'x' });
    expect([stale.status, stale.headers['etag']]).toEqual([412, cart.etag]);
    const sold = await shop.checkout(cart, { 'If-Match': '"1"' });
    expect(sold.status).toBe(412);
    const writes = await Promise.all(
      [1, 2, 3, 4].map((quantity) => shop.write(cart, 'patch', '/lines/north.1', { quantity })),
    );
    expect(writes.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    const winner = writes.find(({ status }) => status === 200);
    const { version, lines } = await read(cart);
    expect(winner?.headers['etag']).toBe(`"${version}"`);
    expect((winner?.body as ShownCart).lines).toEqual(lines);
    for (const { status, headers } of writes) if (status === 412) expect(headers['etag']).toBe(`"${version}"`);
  });

  test('what the catalogue does not sell, or nobody can pay, is refused by name and changes nothing', async () => {
    const cart = await shop.openCart();
    const add = (lines: object[]) => shop.write(cart, 'post', '/lines', { lines });
    const unknown = await add([
      { sku: 'A', quantity: 1 },
      { sku: 'a', quantity: 1 },
      { sku: 'NO', quantity: 1 },
    ]);
    expect([unknown.status, unknown.body]).toMatchObject([422, { unknown: ['a', 'NO'] }]);
    for (const quantity of [0, -1, 1.5, LINE_QUANTITY_MAX + 1, '2']) {
      expect((await add([{ sku: 'A', quantity }])).status).toBe(400);
    }
    const dear = await add([{ sku: 'GOLD', quantity: 2 }]);
    expect([dear.status, dear.body]).toMatchObject([422, { type: expect.stringMatching(/order-too-large$/) }]);
    expect(await read(cart)).toMatchObject({ version: 1, lines: [] });
    const bought = await add([{ sku: 'GOLD', quantity: 1 }]);
    const more = { ...cart, etag: bought.headers['etag'] ?? '' };
    expect((await shop.write(more, 'patch', '/lines/north.1', { quantity: 2 })).status).toBe(422);
  });

  test(`a cart has at most ${ORDER_LINES_MAX} lines`, async () => {
    let cart = await shop.openCart();
    const lines = Array.from({ length: 200 }, () => ({ sku: 'A', quantity: 1 }));
    for (let added = 0; added < ORDER_LINES_MAX; added += lines.length) {
      const { status, headers } = await shop.write(cart, 'post', '/lines', { lines });
      expect(status).toBe(200);
      cart = { ...cart, etag: headers['etag'] ?? '' };
    }
    const over = await shop.write(cart, 'post', '/lines', { lines: lines.slice(0, 1) });
    expect([over.status, over.body]).toMatchObject([422, { type: expect.stringMatching(/too-many-lines$/) }]);
    expect((await shop.write(cart, 'patch', '', DETAILS)).status).toBe(200);
    expect((await shop.checkout(cart)).status).toBe(201);
  });

  test.each([
    { method: 'token', provider: 'pay.example', token: CARD },
    { method: 'token', provider: 'pay.example', token: 'tok_4111111111111111' },
    { method: 'token', provider: `Visa ${CARD}`, token: 't' },
    { method: 'account', termsDays: 30, reference: `${CARD} 12/27` },
  ])('a payment with a card number is refused, not kept and not repeated: %j', async (payment) => {
    const cart = await shop.openCart();
    const { status, text } = await shop.write(cart, 'patch', '', { payment });
    expect(status).toBe(422);
    expect(text).not.toContain('1111');
    expect((await read(cart)).payment).toBeNull();
  });

  test.each([
    ['an unknown shipping method', { shippingMethod: 'rocket' }, 422],
    ['a country that is none', { shipTo: { ...ADDRESS, countryCode: 'ZZ' } }, 400],
    ['an address without a street', { shipTo: { ...ADDRESS, street: [] } }, 400],
    ['terms of years', { payment: { method: 'account', termsDays: 1000 } }, 400],
    ['a card', { payment: { method: 'card', number: CARD } }, 400],
    ['a character that XML has no place for', { comments: 'a\u0001b' }, 400],
    ['an unknown field', { discount: 5 }, 400],
  ])('%s is refused', async (_what, details, status) => {
    const cart = await shop.openCart();
    expect((await shop.write(cart, 'patch', '', details)).status).toBe(status);
    expect((await read(cart)).version).toBe(1);
  });

  test('the shipping methods are those of the store, with their prices', async () => {
    const { body } = await shop.call('get', '/shipping-methods');
    expect(body).toEqual({
      items: [
        { code: 'standard', description: 'Standard delivery', price: { amount: '3.50', currency: 'GBP' } },
        { code: 'express', description: 'By noon', price: { amount: '9.99', currency: 'GBP' } },
      ],
      next: null,
    });
  });
});
