/** Orders and deliveries as the API shows them, on both engines. */
import { parkDocument } from '../../db/orders';
import { enqueue } from '../../db/outbox';
import { HELD_AFTER_MS } from '../../domain/held';
import { engines } from '../support/databases';
import { STORE, Shop } from './shop';

interface Page {
  readonly items: Record<string, unknown>[];
  readonly next: string | null;
}

const A = [{ sku: 'A', quantity: 1 }];

describe.each(engines())('on %s', (engine) => {
  let north: Shop;
  beforeEach(async () => {
    north = await Shop.open(engine, 'north');
    await north.sells({ A: '1.25' });
    await north.has([{ sku: 'A', quantity: 100 }]);
  });
  afterEach(() => north.drop());

  const page = async (path: string): Promise<Page> => {
    const { status, body } = await north.call('get', path, { role: 'operator' });
    expect(status).toBe(200);
    return body as Page;
  };
  const deliveries = async () => (await page('/deliveries')).items;

  test('orders come newest first, a page at a time, all of them once, and by state', async () => {
    const sold: string[] = [];
    for (let made = 0; made < 5; made++) sold.push(await north.sell(A));
    const seen: unknown[] = [];
    let after: string | null = '';
    while (after !== null) {
      const { items, next }: Page = await page(`/orders?limit=2${after === '' ? '' : `&after=${after}`}`);
      expect(items.length).toBeLessThanOrEqual(2);
      seen.push(...items.map(({ orderId }) => orderId));
      after = next;
    }
    expect(seen).toEqual([...sold].reverse());
    const { batch } = await north.nextBatch();
    const answer = { orderId: sold[2] ?? '', by: 'hq', outcome: 'confirmed', epoch: 1 } as const;
    await north.orders.bookOrderAnswers({ store: STORE, batch, answers: [answer] });
    expect((await page('/orders?state=confirmed')).items.map(({ orderId }) => orderId)).toEqual([sold[2]]);
    expect((await page('/orders?state=waiting')).items).toHaveLength(4);
    expect((await north.call('get', '/orders?state=lost', { role: 'operator' })).status).toBe(400);
    expect((await north.call('get', '/orders?limit=201', { role: 'operator' })).status).toBe(400);
  });

  test('a buyer sees the order of its own cart, by its token, and no other', async () => {
    const [mine, other] = [await north.fillCart(A), await north.fillCart(A)];
    const { orderId } = (await north.checkout(mine)).body as { orderId: string };
    const as = (token?: string, path = '') =>
      north.call('get', `/orders/${orderId}${path}`, token === undefined ? {} : { headers: { 'Cart-Token': token } });
    for (const path of ['', '/document']) {
      expect((await as(mine.token, path)).status).toBe(200);
      expect((await as(other.token, path)).status).toBe(404);
      expect((await as(undefined, path)).status).toBe(404);
      expect((await north.call('get', `/orders/${orderId}${path}`, { role: 'integrator' })).status).toBe(200);
    }
    expect((await north.call('get', '/orders')).status).toBe(403);
    expect((await north.call('get', '/deliveries')).status).toBe(403);
  });

  test('an order shows its state, timeline, content, document and the workflow that delivers it', async () => {
    const orderId = await north.sell([{ sku: 'A', quantity: 3 }]);
    const read = async () => (await north.call('get', `/orders/${orderId}`, { role: 'operator' })).body as object;
    expect(await read()).toMatchObject({
      ...{ state: 'waiting', site: 'north', workflowId: null, temporalUi: null, reason: null },
      total: { amount: '7.25', currency: 'GBP' },
      shipping: { method: 'standard', price: { amount: '3.50' } },
      shipTo: { name: 'Ann & Sons <Ltd>', countryCode: 'GB' },
      lines: [{ lineNumber: 1, sku: 'A', description: 'Item <A> & co', quantity: 3, price: { amount: '1.25' } }],
      timeline: [{ sequence: 1, kind: 'placed', data: { by: 'north' } }],
    });
    const { batch } = await north.nextBatch();
    const workflowId = `purchaseOrderDelivery/shop/north/${batch}`;
    const temporalUi = `http://temporal.example/namespaces/default/workflows/${encodeURIComponent(workflowId)}`;
    expect(await read()).toMatchObject({ workflowId, temporalUi });
    const { text, headers } = await north.call('get', `/orders/${orderId}/document`, { role: 'operator' });
    expect(headers['content-type']).toMatch(/^text\/xml; charset=utf-8$/i);
    expect([...north.emitted.values()]).toEqual([text]);
    const unknown = await north.call('get', '/orders/01935c7c-0000-7000-8000-000000000000', { role: 'operator' });
    expect(unknown.status).toBe(404);
  });

  test('orders that wait, are under way, are held, and are answered show as such', async () => {
    expect(await deliveries()).toEqual([]);
    const orderId = await north.sell(A);
    expect(await deliveries()).toMatchObject([{ kind: 'orders', state: 'waiting', site: 'hq', count: 1 }]);
    const { batch } = await north.nextBatch();
    const workflowId = `purchaseOrderDelivery/shop/north/${batch}`;
    const [delivering] = await deliveries();
    expect(delivering).toMatchObject({ state: 'delivering', site: 'hq', subject: batch, count: 1, workflowId });
    north.dials.ahead += HELD_AFTER_MS + 1;
    const [held] = await deliveries();
    expect(held).toMatchObject({ state: 'held', since: delivering?.['since'], reason: expect.stringMatching(/hq/) });
    expect(held?.['temporalUi']).toContain(encodeURIComponent(workflowId));
    const answers = [{ orderId, by: 'hq', outcome: 'confirmed', epoch: 1 }] as const;
    await north.orders.bookOrderAnswers({ store: STORE, batch, answers });
    expect(await deliveries()).toEqual([]);
  });

  test('parked documents and workflows that wait for Temporal are listed, oldest first', async () => {
    const now = north.context.runtime.clock.now();
    const parked = { store: STORE, payloadId: 'p', kind: 'OrderRequest', sender: 'south', subject: 'o' };
    await north.db.transaction(async (tx) => {
      await parkDocument(tx, { ...parked, reason: 'its total is wrong', document: '', now });
      await enqueue(tx, {
        ...{ store: STORE, outboxId: north.context.runtime.ids.uuid(), destination: 'temporal', kind: 'workflow' },
        ...{ subject: 'w', epoch: 1, traceContext: null, createdAt: now - 1000 },
      });
    });
    expect(await deliveries()).toMatchObject([
      { kind: 'workflow', state: 'waiting', site: 'temporal', count: 1 },
      { kind: 'document', state: 'parked', site: 'north', subject: 'o', reason: 'its total is wrong' },
    ]);
  });
});
