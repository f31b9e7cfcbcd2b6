/** The sale: a cart becomes an order in one transaction, or nothing changes (figures 14 and 18). */
import { sellCart } from '../../activities/sale';
import { findCart } from '../../db/carts';
import { type Database, runTransaction } from '../../db/database';
import { UnknownCommitError } from '../../db/errors';
import { findWorkflowRun } from '../../db/workflow-runs';
import { engines } from '../support/databases';
import { DETAILS, STORE, Shop } from '../orders/shop';

const problem = (slug: string) => `https://entrepot.dev/problems/${slug}`;
const one = (sku: string, quantity = 1) => [{ sku, quantity }];

/** The database as it looks when the connection breaks during the first COMMIT: done, or not done. */
function breaking(db: Database, committed: boolean): Database {
  let broken = false;
  return {
    engine: db.engine,
    all: (sql, parameters) => db.all(sql, parameters),
    get: (sql, parameters) => db.get(sql, parameters),
    run: (sql, parameters) => db.run(sql, parameters),
    snapshot: (body) => db.snapshot(body),
    close: () => db.close(),
    transaction: (body, options) =>
      runTransaction(
        async (attempted) => {
          const lost = new UnknownCommitError(new Error('the connection broke'));
          const first = !broken;
          broken = true;
          const result = await db.transaction(async (tx) => {
            const done = await attempted(tx);
            if (first && !committed) throw lost;
            return done;
          });
          if (first) throw lost;
          return { result, effects: [] };
        },
        body,
        options,
      ),
  };
}

describe.each(engines())('on %s', (engine) => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await Shop.open(engine, 'north');
    await shop.sells({ A: '1.25', B: '2.50' });
    await shop.has([
      { sku: 'A', quantity: 20 },
      { sku: 'B', quantity: 1 },
    ]);
  });
  afterEach(() => shop.drop());

  const ledger = async (kind: string) =>
    (
      await shop.db.get<{ units: number | null }>('SELECT SUM(quantity) AS units FROM stock_ledger WHERE kind = ?', [
        kind,
      ])
    )?.units ?? 0;
  const everything = async () =>
    Promise.all(
      ['orders', 'order_lines', 'order_documents', 'cart_orders', 'outbox', 'events', 'stock_ledger'].map((table) =>
        shop.count(table),
      ),
    );

  test('50 buyers at once for 20 units: exactly 20 are sold, and the demand of the others is recorded', async () => {
    const carts = await Promise.all(Array.from({ length: 50 }, () => shop.fillCart(one('A'))));
    const answers = await Promise.all(carts.map((cart) => shop.checkout(cart)));
    const sold = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 409);
    expect([sold.length, refused.length]).toEqual([20, 30]);
    expect(refused[0]?.body).toMatchObject({
      type: problem('insufficient-stock'),
      lines: [{ sku: 'A', requested: 1, available: 0 }],
    });
    expect(new Set(sold.map(({ body }) => (body as { orderId: string }).orderId)).size).toBe(20);
    expect(await shop.units('A')).toBe(0);
    expect(await ledger('sale')).toBe(-20);
    expect(await everything()).toEqual([20, 20, 20, 20, 20, 20, 22]);
    expect(await shop.count('refused_demand')).toBe(30);
    expect(await shop.db.all('SELECT status, COUNT(*) AS n FROM carts GROUP BY status ORDER BY status')).toEqual([
      { status: 'C', n: 20 },
      { status: 'I', n: 30 },
    ]);
  });

  test('one cart, checked out ten times at once, is one order', async () => {
    const cart = await shop.fillCart(one('A', 3));
    const answers = await Promise.all(Array.from({ length: 10 }, () => shop.checkout(cart)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(9).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => (body as { orderId: string }).orderId)).size).toBe(1);
    expect(await shop.units('A')).toBe(17);
    expect(await everything()).toEqual([1, 1, 1, 1, 1, 1, 3]);
    expect(shop.dials.pokes).toBe(1);
  });

  test('too little stock of one line changes nothing, and says which lines and how much there is', async () => {
    const cart = await shop.fillCart([
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 1 },
      { sku: 'B', quantity: 1 },
    ]);
    const before = await everything();
    const { status, body } = await shop.checkout(cart);
    expect([status, body]).toMatchObject([409, { lines: [{ sku: 'B', requested: 2, available: 1 }] }]);
    expect(await everything()).toEqual(before);
    expect([await shop.units('A'), await shop.units('B')]).toEqual([20, 1]);
    const demand = await shop.db.all('SELECT sku, cart_id, offered, available FROM refused_demand');
    expect(demand).toEqual([{ sku: 'B', cart_id: cart.cartId, offered: 2, available: 1 }]);
    expect(shop.dials.pokes).toBe(0);
  });

  test('a cart that changed after it was read is not sold as it was', async () => {
    const cart = await shop.fillCart(one('A', 2));
    const seen = await findCart(shop.db, STORE, cart.cartId);
    if (!seen) throw new Error('the cart is gone');
    expect((await shop.write(cart, 'patch', '/lines/north.1', { quantity: 7 })).status).toBe(200);
    const result = await sellCart(shop.context, { store: STORE, cartId: cart.cartId, cart: seen });
    expect(result).toEqual({ outcome: 'refused', refusal: { problem: 'cart-changed', version: seen.version + 1 } });
    expect([await shop.count('orders'), await shop.units('A')]).toEqual([0, 20]);
  });

  test('what is missing is listed', async () => {
    const cart = await shop.openCart();
    const { status, body } = await shop.checkout(cart);
    const missing = ['lines', 'buyer', 'shipTo', 'shippingMethod', 'payment'];
    expect([status, body]).toMatchObject([422, { type: problem('cart-incomplete'), missing }]);
  });

  test('a price that has changed is shown, and sold at once it was taken; an item that is gone is named', async () => {
    const cart = await shop.fillCart([...one('A'), ...one('B')]);
    await shop.sells({ A: '1.30', B: '2.50' });
    const { status, body } = await shop.checkout(cart);
    const oldPrice = { amount: '1.25', currency: 'GBP' };
    const newPrice = { amount: '1.30', currency: 'GBP' };
    const lines = [{ lineId: 'north.1', sku: 'A', oldPrice, newPrice }];
    expect([status, body]).toMatchObject([409, { type: problem('price-changed'), lines }]);
    const taken = await shop.write(cart, 'post', '/prices');
    expect([taken.status, taken.body]).toMatchObject([200, { subtotal: { amount: '3.80' } }]);
    await shop.sells({ A: '1.30' });
    const gone = await shop.checkout(cart);
    expect([gone.status, gone.body]).toMatchObject([409, { type: problem('item-not-sold'), skus: ['B'] }]);
    const without = { ...cart, etag: taken.headers['etag'] ?? '' };
    expect((await shop.write(without, 'delete', '/lines/north.2')).status).toBe(200);
    const placed = await shop.checkout(cart);
    expect(placed.status).toBe(201);
    const { orderId } = placed.body as { orderId: string };
    await shop.sells({ A: '9.00' });
    const order = await shop.call('get', `/orders/${orderId}`, { role: 'integrator' });
    expect(order.body).toMatchObject({ total: { amount: '4.80' }, lines: [{ sku: 'A', price: newPrice }] });
  });

  test('a store may honour the price that was shown, but never another currency', async () => {
    const honest = await Shop.open(engine, 'north', { settings: { priceChange: 'honour' } });
    try {
      await honest.sells({ A: '1.25' });
      await honest.has(one('A', 5));
      const [cart, late] = [await honest.fillCart(one('A')), await honest.fillCart(one('A'))];
      await honest.sells({ A: '7.00' });
      const { orderId } = (await honest.checkout(cart)).body as { orderId: string };
      const order = await honest.call('get', `/orders/${orderId}`, { role: 'operator' });
      expect(order.body).toMatchObject({ total: { amount: '4.75' } });
      await honest.sells({ A: '7.00' }, 'EUR');
      expect((await honest.checkout(late)).body).toMatchObject({ type: problem('item-not-sold') });
      const added = await honest.write({ ...late, etag: '*' }, 'post', '/lines', { lines: one('A') });
      expect([added.status, added.body]).toMatchObject([422, { unknown: ['A'] }]);
    } finally {
      await honest.drop();
    }
  });

  test('a shipping method that is no longer offered is missing', async () => {
    const cart = await shop.fillCart(one('A'));
    await shop.db.run("UPDATE carts SET shipping_method = 'pigeon'");
    expect((await shop.checkout(cart)).body).toMatchObject({ missing: ['shippingMethod'] });
  });

  test('an Idempotency-Key gives the same answer again, and a refusal is not counted twice', async () => {
    const cart = await shop.fillCart(one('A'));
    const [first, again] = [
      await shop.checkout(cart, { 'Idempotency-Key': 'k1' }),
      await shop.checkout(cart, { 'Idempotency-Key': 'k1' }),
    ];
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([201, first.body, 'true']);
    const greedy = await shop.fillCart(one('B', 2));
    expect((await shop.checkout(greedy, { 'Idempotency-Key': 'k2' })).status).toBe(409);
    await shop.has(one('B', 2));
    expect((await shop.checkout(greedy)).status).toBe(201);
    expect(await shop.count('refused_demand')).toBe(1);
  });

  test.each([true, false])('a COMMIT without an answer (done: %s) is one order', async (committed) => {
    const cart = await shop.fillCart(one('A', 4));
    const context = { ...shop.context, db: breaking(shop.db, committed) };
    const result = await sellCart(context, { store: STORE, cartId: cart.cartId });
    expect(result).toMatchObject({ outcome: 'ordered', already: false });
    expect(await shop.units('A')).toBe(16);
    expect(await everything()).toEqual([1, 1, 1, 1, 1, 1, 3]);
  });

  test('what the root sells is confirmed in its epoch by being written, and goes nowhere', async () => {
    const root = await Shop.open(engine, 'hq');
    try {
      await root.sells({ A: '1.00' });
      await root.has(one('A', 2));
      const orderId = await root.sell(one('A'));
      const { body } = await root.call('get', `/orders/${orderId}`, { role: 'operator' });
      expect(body).toMatchObject({ state: 'confirmed', confirmedEpoch: 1, timeline: [{ kind: 'confirmed' }] });
      expect([await root.count('outbox'), root.dials.pokes]).toEqual([0, 0]);
    } finally {
      await root.drop();
    }
  });

  test('an order beyond what its receiver takes is refused before anything is sold', async () => {
    await shop.sells({ A: '90000000.00' });
    const cart = await shop.fillCart(one('A'), { ...DETAILS, shippingMethod: 'express' });
    await shop.db.run('UPDATE cart_lines SET quantity = 2');
    const { status, body } = await shop.checkout(cart);
    expect([status, body]).toMatchObject([422, { type: problem('order-too-large') }]);
    expect(await shop.units('A')).toBe(20);
  });

  describe('by workflow', () => {
    const ask = (cart: { cartId: string; token: string }) =>
      shop.call('post', `/carts/${cart.cartId}/purchase-order`, {
        headers: { 'Cart-Token': cart.token },
        role: 'integrator',
      });

    test('it is queued with its status and its page, and asking again is the same', async () => {
      const cart = await shop.fillCart(one('A'));
      const [first, again] = [await ask(cart), await ask(cart)];
      const workflowId = `cartToPurchaseOrder/shop/north/${cart.cartId}`;
      expect([first.status, first.body]).toMatchObject([202, { workflowId }]);
      expect([again.status, again.body]).toEqual([202, first.body]);
      expect(await shop.count('outbox')).toBe(1);
      expect(await findWorkflowRun(shop.db, STORE, workflowId)).toMatchObject({
        ...{ state: 'queued', kind: 'cartToPurchaseOrder' },
        input: { store: STORE, site: 'north', cart: cart.cartId, version: 3 },
      });
    });

    test('the conversion can be run again; it refuses what checkout refuses, and what another has ordered', async () => {
      const workflowId = 'cartToPurchaseOrder/shop/north/x';
      const cart = await shop.fillCart(one('A', 2));
      const conversion = { store: STORE, cart: cart.cartId, version: 3, workflowId };
      const [first, second] = [await shop.carts.convertCart(conversion), await shop.carts.convertCart(conversion)];
      expect(first).toEqual({ outcome: 'ordered', orderId: expect.any(String) });
      expect(second).toEqual(first);
      expect(await shop.units('A')).toBe(18);
      // A run that begins after the answer was booked is told so: nobody signals it again.
      await shop.db.run(`UPDATE orders SET state = 'confirmed' WHERE cart_id = ?`, [cart.cartId]);
      expect(await shop.carts.convertCart(conversion)).toEqual({ ...first, answered: 'confirmed' });
      const greedy = await shop.fillCart(one('B', 2));
      expect(await shop.carts.convertCart({ ...conversion, cart: greedy.cartId })).toEqual({
        ...{ outcome: 'refused', problem: 'insufficient-stock' },
        detail: 'too little stock: 2 of "B" wanted, 1 there',
      });
      const sold = await shop.fillCart(one('A'));
      const { orderId } = (await shop.checkout(sold)).body as { orderId: string };
      expect(await shop.carts.convertCart({ ...conversion, cart: sold.cartId })).toMatchObject({
        ...{ outcome: 'refused', problem: 'cart-ordered' },
        detail: expect.stringContaining(orderId),
      });
      const late = await ask(sold);
      expect([late.status, late.body]).toMatchObject([409, { type: problem('cart-ordered'), orderId }]);
    });
  });
});
