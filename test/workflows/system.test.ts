/** The thin line through every layer, on both engines and the real Temporal server. */
import { randomBytes, randomUUID } from 'node:crypto';
import { askForWorkflow } from '../../activities/workflow-requests';
import { readOrderRequest } from '../../cxml/orders';
import { parseXml } from '../../cxml/reader';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { ADDRESS, World, itemsCsv } from '../support/world';

/** As hexadecimal digits more than the 2 MB that Temporal takes as an argument. */
const TOO_LARGE_BYTES = 1_200_000;

/** What buyers may write, at its edges. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'markup and quotes': { comments: `<b>"5 > 3 & 2 < 4"</b> it's ]]> &amp; done`, buyer: { name: 'A & B <Ltd>' } },
  'letters of other scripts': {
    buyer: { name: 'Žofie Ångström 株式会社 🛒', email: 'zofie@example.org' },
    shipTo: { ...ADDRESS, name: 'Жанна', deliverTo: ['Büro 3', '二階'], city: 'Łódź', countryCode: 'PL' },
  },
  'white space and line ends': { comments: 'first line\nsecond\tline\r\n  third  ' },
  'a bill that goes elsewhere': {
    billTo: { ...ADDRESS, name: 'Accounts', state: 'West Yorkshire', email: 'bills@example.org', phone: '+44 113 000' },
  },
  "a provider's token": { payment: { method: 'token', provider: 'psp', token: 'tok_4f"<&>' } },
  'terms and a reference': { payment: { method: 'account', termsDays: 60, reference: 'PO 4711/b & co' } },
  'as little as may be': { shipTo: { name: 'B', street: ['1'], city: 'C', countryCode: 'US' } },
};

describe.each(engines())('a primary and two secondaries on %s', (engine) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(engine);
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.50' }), ['north', 'south']);
    await world.stock([
      { sku: 'A', quantity: 400 },
      { sku: 'B', quantity: 7 },
    ]);
  });

  afterAll(() => world.stop());

  test('the catalogue is at every site, at one revision and one digest', async () => {
    const heads = await Promise.all(
      ['hq', 'north', 'south'].map(async (site) => (await world.call(site, 'GET', '/catalogs')).body.items?.[0]),
    );
    expect(new Set(heads.map((head) => `${String(head?.['revision'])} ${String(head?.['digest'])}`)).size).toBe(1);
    expect(heads[0]).toMatchObject({ revision: '1.1', items: 2 });
  });

  test('the pool is shared out equally, and nothing is left over or made', async () => {
    const own = async (site: string) => {
      const { body } = await world.call(site, 'GET', '/inventory/levels');
      return new Map(body.items?.map((level) => [level['sku'], level['own'] as number]));
    };
    const [north, south] = [await own('north'), await own('south')];
    expect([north.get('A'), south.get('A')]).toEqual([200, 200]);
    expect((north.get('B') ?? 0) + (south.get('B') ?? 0)).toBe(7);
    expect(Math.abs((north.get('B') ?? 0) - (south.get('B') ?? 0))).toBe(1);
    const { body } = await world.call('hq', 'GET', '/inventory/levels');
    expect(body.items).toEqual([
      { sku: 'A', own: 0, pool: 0, inFlight: 0 },
      { sku: 'B', own: 0, pool: 0, inFlight: 0 },
    ]);
  });

  test('a sale debits the stock and its order is confirmed by the primary', async () => {
    const { status, body } = await world.buy('north', [{ sku: 'A', quantity: 3 }]);
    expect(status).toBe(201);
    const orderId = String(body['orderId']);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    const [sold, received] = await Promise.all(
      ['north', 'hq'].map((site) => world.call(site, 'GET', `/orders/${orderId}/document`)),
    );
    expect(received?.body['text']).toBe(sold?.body['text']);
    const order = (await world.call('north', 'GET', `/orders/${orderId}`)).body;
    expect(order).toMatchObject({ total: { amount: '6.50', currency: 'GBP' }, confirmedEpoch: 1, site: 'north' });
    expect((order['timeline'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(['placed', 'confirmed']);
  });

  test.each(Object.entries(SHAPES))('an order with %s reaches the primary as it was sold', async (_, details) => {
    const line = [{ sku: 'A', quantity: 1 }];
    for (const site of ['north', 'south']) {
      const { status, body } = await world.buy(site, line, details);
      expect(status).toBe(201);
      const orderId = String(body['orderId']);
      await until('the confirmation', async () => (await world.orderState(site, orderId)) === 'confirmed');
      const [sold, received] = await Promise.all(
        [site, 'hq'].map(async (asked) => (await world.call(asked, 'GET', `/orders/${orderId}/document`)).body['text']),
      );
      expect(received).toBe(sold);
      const { order } = readOrderRequest(parseXml(String(received)));
      expect(order).toMatchObject(details);
    }
  });

  test('an integrator turns a cart into a purchase order by workflow and hears of the confirmation', async () => {
    const { cartId, token } = await world.fillCart('south', [{ sku: 'A', quantity: 1 }]);
    const { status, body } = await world.call('south', 'POST', `/carts/${cartId}/purchase-order`, {
      headers: { 'Cart-Token': token },
    });
    expect(status).toBe(202);
    const run = await until('the workflow', async () => {
      const { body: found } = await world.call(
        'south',
        'GET',
        `/workflows/${encodeURIComponent(String(body['workflowId']))}`,
      );
      return found['state'] === 'completed' && found;
    });
    expect(run['result']).toMatchObject({ outcome: 'confirmed' });
  });

  test("a push is held for a site that is down and reaches it on its return without anyone's doing", async () => {
    await world.stopSite('south');
    await world.pushItems(itemsCsv({ A: '1.20', B: '2.50', C: '9.00' }), ['north']);
    const held = await until('the hold', async () => {
      const { body } = await world.call('hq', 'GET', '/deliveries');
      return body.items?.find((row) => row['kind'] === 'catalog' && row['state'] === 'held');
    });
    expect(held).toMatchObject({ site: 'south', subject: 'main 1.2' });
    expect(held['reason']).toMatch(/south has not taken the document/);
    await world.startSite('south');
    await world.confirmed(['north', 'south']);
    const { body } = await world.call('south', 'GET', '/items/C');
    expect(body['price']).toEqual({ amount: '9.00', currency: 'GBP' });
  });

  test('a price that changed since it was put in the cart must be taken first', async () => {
    const cart = await world.fillCart('north', [{ sku: 'B', quantity: 1 }]);
    await world.pushItems(itemsCsv({ A: '1.20', B: '2.75', C: '9.00' }), ['north', 'south']);
    const headers = { 'Cart-Token': cart.token };
    const refused = await world.call('north', 'POST', `/carts/${cart.cartId}/checkout`, { headers });
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      type: 'https://entrepot.dev/problems/price-changed',
      lines: [{ sku: 'B', oldPrice: { amount: '2.50' }, newPrice: { amount: '2.75' } }],
    });
    await world.call('north', 'POST', `/carts/${cart.cartId}/prices`, {
      headers: { ...headers, 'If-Match': cart.etag },
    });
    expect((await world.call('north', 'POST', `/carts/${cart.cartId}/checkout`, { headers })).status).toBe(201);
  });

  test('orders sold while the primary is down are held, shown, and confirmed on its return', async () => {
    await world.stopSite('hq');
    const sales = await Promise.all(
      ['north', 'south'].map(async (site) => ({ site, answer: await world.buy(site, [{ sku: 'A', quantity: 1 }]) })),
    );
    for (const { site, answer } of sales) {
      expect(answer.status).toBe(201);
      const held = await until('the hold', async () => {
        const { body } = await world.call(site, 'GET', '/deliveries');
        return body.items?.find((row) => row['kind'] === 'orders' && row['state'] === 'held');
      });
      expect(held).toMatchObject({ site: 'hq', count: 1 });
      expect(String(held['temporalUi'])).toContain(encodeURIComponent(`purchaseOrderDelivery/${world.store}/${site}/`));
    }
    await world.startSite('hq');
    for (const { site, answer } of sales) {
      await until(
        'the confirmation',
        async () => (await world.orderState(site, String(answer.body['orderId']))) === 'confirmed',
      );
    }
    await until('nothing to be held any more', async () => {
      const { body } = await world.call('north', 'GET', '/deliveries');
      return body.items?.length === 0;
    });
  });

  test('an order whose answer a backup does not know is offered anew, and is the same order', async () => {
    const { body } = await world.buy('north', [{ sku: 'A', quantity: 1 }]);
    const orderId = String(body['orderId']);
    const confirmed = async () => (await world.orderState('north', orderId)) === 'confirmed';
    await until('the confirmation', confirmed);
    const { db } = world.site('north').context;
    await db.transaction(async (tx) => {
      const batch = (await tx.get<{ batch: string }>('SELECT batch FROM orders WHERE order_id = ?', [orderId]))?.batch;
      await tx.run(
        `UPDATE orders SET state = 'waiting', confirmed_at = NULL, confirmed_epoch = NULL WHERE order_id = ?`,
        [orderId],
      );
      await tx.run(
        `INSERT INTO outbox (store, outbox_id, destination, kind, subject, epoch, tries, batch, batched_at, created_at)
         VALUES (?, ?, 'hq', 'order', ?, 1, 1, ?, 1, 1)`,
        [world.store, randomUUID(), orderId, batch ?? ''],
      );
    });
    await until('the confirmation', confirmed);
    const orders = (await world.call('hq', 'GET', '/orders?limit=200')).body.items;
    expect(orders?.filter((order) => order['orderId'] === orderId)).toHaveLength(1);
  });

  test('a workflow that Temporal refuses to start stays queued, and holds up no order', async () => {
    const { store } = world;
    const { context } = world.site('north');
    const workflowId = formatWorkflowId('cartToPurchaseOrder', { store, site: 'north', cart: 'too-large' });
    const input = { tooLarge: randomBytes(TOO_LARGE_BYTES).toString('hex') };
    const wanted = { store, workflowId, kind: 'cartToPurchaseOrder', input, requestedBy: 'test', epoch: 1 } as const;
    await context.db.transaction((tx) => askForWorkflow(context, tx, wanted));
    const orderId = String((await world.buy('north', [{ sku: 'A', quantity: 1 }])).body['orderId']);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    const run = await world.call('north', 'GET', `/workflows/${encodeURIComponent(workflowId)}`);
    expect(run.body['state']).toBe('queued');
    await context.db.transaction((tx) => tx.run('DELETE FROM outbox WHERE subject = ?', [workflowId]));
  });

  test('a workflow that the store does not know is not found', async () => {
    const id = encodeURIComponent(`catalogPush/${world.store}/main/${randomUUID()}`);
    expect((await world.call('hq', 'GET', `/workflows/${id}`)).status).toBe(404);
  });
});
