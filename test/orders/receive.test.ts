/** Orders on their way up: taken once, answered each for itself, on both engines (figures 14 and 18). */
import { sealDocument } from '../../activities/sealing';
import { sellCart } from '../../activities/sale';
import { type BatchedOrder, encodeOrderBatch } from '../../activities/orders/batch';
import { checkOrderRequest } from '../../cxml/order-check';
import { parseXml } from '../../cxml/reader';
import { documentsOfOrders, findOrder, listParked } from '../../db/orders';
import { type SealedDocument } from '../../domain/documents';
import { type OrderAnswer } from '../../domain/orders';
import { engines } from '../support/databases';
import { CXML_DTD, hasXmllint, xmllintText } from '../support/xmllint';
import { DEEP, DETAILS, STORE, Shop } from './shop';

const KEYS = { current: 'test', keys: new Map([['test', Buffer.alloc(32, 7)]]) };
const one = (sku: string, quantity = 1) => [{ sku, quantity }];

/** Stands in `answers` for an order. */
const answerFor = (answers: readonly OrderAnswer[], orderId: string) =>
  answers.find((answer) => answer.orderId === orderId);

describe.each(engines())('on %s', (engine) => {
  let hq: Shop;
  let north: Shop;
  let south: Shop;
  beforeEach(async () => {
    [hq, north, south] = [
      await Shop.open(engine, 'hq'),
      await Shop.open(engine, 'north'),
      await Shop.open(engine, 'south'),
    ];
    for (const site of [north, south]) {
      await site.sells({ A: '1.25', B: '2.50' });
      await site.has([...one('A', 100), ...one('B', 100)]);
    }
  });
  afterEach(async () => {
    for (const site of [hq, north, south]) await site.drop();
  });

  const receive = (shop: Shop, batch: SealedDocument) => shop.orders.receiveOrders({ store: STORE, epoch: 1, batch });
  const book = (shop: Shop, batch: string, answers: readonly OrderAnswer[]) =>
    shop.orders.bookOrderAnswers({ store: STORE, batch, answers });
  const orderAt = (shop: Shop, orderId: string) => findOrder(shop.db, STORE, orderId);

  /** The documents of these orders as `change` makes them, sealed as a batch of the site. */
  const batchOf = async (
    shop: Shop,
    orderIds: readonly string[],
    change: (order: BatchedOrder) => BatchedOrder = (order) => order,
    receiver = 'hq',
  ): Promise<SealedDocument> => {
    const documents = await documentsOfOrders(shop.db, STORE, orderIds);
    const orders = documents.map(({ orderId, payloadId, document }) => change({ orderId, payloadId, xml: document }));
    const identity = { kind: 'OrderBatch', payloadID: 'b@shop.example', store: STORE, sender: shop.site } as const;
    const count = orders.length;
    return sealDocument({ ...identity, receiver, count }, encodeOrderBatch(orders), KEYS, shop.context.runtime.random);
  };

  /** Copies of one cart at several sites, ready for checkout. */
  const copyCart = async (sites: readonly Shop[], quantity: number): Promise<string> => {
    const cartId = north.context.runtime.ids.uuid();
    for (const site of sites) await site.copyCart(cartId, one('A', quantity));
    return cartId;
  };
  const sellCopy = async (shop: Shop, cartId: string): Promise<string> => {
    const result = await sellCart(shop.context, { store: STORE, cartId });
    if (result.outcome !== 'ordered') throw new Error(JSON.stringify(result.refusal));
    return result.orderId;
  };

  test('a batch is confirmed by the root, byte for byte, and its answers empty the outbox', async () => {
    const sold = [await north.sell(one('A')), await north.sell([...one('B', 2), ...one('A')])];
    const { batch, document } = await north.nextBatch();
    expect(document).toMatchObject({ count: 2, sender: 'north', receiver: 'hq' });
    expect(document.payloadID).toMatch(new RegExp(`^\\d+\\.${batch}\\.1@shop\\.example$`));
    const answers = await receive(hq, document);
    expect(answers.map(({ orderId }) => orderId).sort()).toEqual([...sold].sort());
    for (const answer of answers) expect(answer).toMatchObject({ outcome: 'confirmed', by: 'hq', epoch: 1 });
    expect(await north.count('outbox')).toBe(2);
    await book(north, batch, answers);
    expect(await north.count('outbox')).toBe(0);
    for (const orderId of sold) {
      const [here, there] = [await orderAt(north, orderId), await orderAt(hq, orderId)];
      expect(here).toMatchObject({ state: 'confirmed', confirmedEpoch: 1, batch });
      expect(there).toMatchObject({ state: 'confirmed', confirmedEpoch: 1, site: 'north', total: here?.total });
      expect(await documentsOfOrders(hq.db, STORE, [orderId])).toEqual(
        await documentsOfOrders(north.db, STORE, [orderId]),
      );
      expect(await north.timeline(orderId)).toEqual(['placed', 'confirmed']);
      expect(await hq.timeline(orderId)).toEqual(['confirmed']);
    }
    expect(await hq.count('outbox')).toBe(0);
  });

  test('every document is valid by its DTD and by the stricter check, whatever buyers write', async () => {
    const awkward = { ...DETAILS, comments: ']]> &amp; "ü" 你好\n\ttab', buyer: { name: '<Ann>', email: null } };
    await north.sell([...one('A'), ...one('B', 3)], awkward);
    const token = { method: 'token', provider: 'pay.example', token: 'tok_1NirD82eZvKYlo2C' };
    await north.sell(one('B'), { ...DETAILS, payment: token, billTo: { ...DETAILS.shipTo, countryCode: 'DE' } });
    await north.nextBatch();
    expect(north.emitted.size).toBe(2);
    for (const [payloadID, xml] of north.emitted) {
      expect(payloadID).toMatch(/^\d+\.[0-9a-f-]{36}\.1@shop\.example$/);
      expect(checkOrderRequest(parseXml(xml))).toEqual([]);
      if (hasXmllint()) expect(xmllintText(CXML_DTD, xml)).toEqual([]);
    }
  });

  test('a batch that comes twice, late or at once, leaves what it left once', async () => {
    await north.sell(one('A'));
    await north.sell(one('B'));
    const { document } = await north.nextBatch();
    const [first, beside] = await Promise.all([receive(hq, document), receive(hq, document)]);
    const late = await receive(hq, document);
    const sorted = (answers: OrderAnswer[]) => [...answers].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));
    expect(sorted(beside)).toEqual(sorted(first));
    expect(sorted(late)).toEqual(sorted(first));
    expect(
      await Promise.all(['orders', 'order_lines', 'inbox', 'cart_orders', 'events'].map((t) => hq.count(t))),
    ).toEqual([2, 2, 2, 2, 2]);
  });

  test('other bytes under a known payloadID are parked; what came first stays', async () => {
    const orderId = await north.sell(one('A'));
    await receive(hq, await batchOf(north, [orderId]));
    const before = await documentsOfOrders(hq.db, STORE, [orderId]);
    const changed = await batchOf(north, [orderId], (order) => ({ ...order, xml: order.xml.replace('Leeds', 'York') }));
    const [answer] = await receive(hq, changed);
    expect(answer).toMatchObject({ outcome: 'parked', reason: expect.stringMatching(/other content/) });
    expect(await documentsOfOrders(hq.db, STORE, [orderId])).toEqual(before);
    expect(await listParked(hq.db, STORE, 5)).toMatchObject([{ subject: orderId, sender: 'north' }]);
  });

  test.each<[string, (order: BatchedOrder) => BatchedOrder, RegExp, RegExp]>([
    ['a wrong total', (order) => ({ ...order, xml: order.xml.replace('>4.75<', '>4.74<') }), /Total/, /4\.74/],
    ['no XML', (order) => ({ ...order, xml: 'what?' }), /not well-formed/, /./],
    ['an odd price', (order) => ({ ...order, xml: order.xml.replaceAll('>1.25<', '>1,25<') }), /Money/, /1,25/],
    [
      'a country that is none',
      (order) => ({ ...order, xml: order.xml.replaceAll('isoCountryCode="GB"', 'isoCountryCode="Avalon"') }),
      /Country/,
      /Avalon/,
    ],
    [
      "another order's id",
      (order) => ({ ...order, orderId: '01935c7c-0000-7000-8000-000000000000' }),
      /not what it was sent as/,
      /speaks of/,
    ],
    [
      'another seller',
      (order) => ({ ...order, xml: order.xml.replace('>north</Extrinsic', '>elsewhere</Extrinsic') }),
      /not what it was sent as/,
      /elsewhere/,
    ],
  ])(
    'an order with %s is parked with its reason, and holds none of the others',
    async (_what, spoil, reason, value) => {
      const [good, bad, fine] = [await north.sell(one('B')), await north.sell(one('A')), await north.sell(one('B', 2))];
      const document = await batchOf(north, [good, bad, fine], (order) =>
        order.orderId === bad ? spoil(order) : order,
      );
      const answers = await receive(hq, document);
      expect(answers).toHaveLength(3);
      for (const orderId of [good, fine]) expect(answerFor(answers, orderId)).toMatchObject({ outcome: 'confirmed' });
      const parked = answers.find(({ outcome }) => outcome === 'parked');
      expect(parked).toMatchObject({ reason: expect.stringMatching(reason) });
      expect(await orderAt(hq, bad)).toBeUndefined();
      // What stands in the document stays with it: the answer goes through Temporal.
      expect(await listParked(hq.db, STORE, 5)).toMatchObject([{ reason: expect.stringMatching(value) }]);
      if (String(value) !== '/./') expect(JSON.stringify(parked)).not.toMatch(value);
      await book(north, 'b', [{ ...(parked as OrderAnswer), orderId: bad }]);
      expect(await orderAt(north, bad)).toMatchObject({ state: 'parked', acceptedAt: null });
      expect(await north.units('A')).toBe(99);
    },
  );

  test('what is wrong with the database and not with the orders parks none: they are taken when it is put right', async () => {
    const sold = [await north.sell(one('A')), await north.sell(one('B'))];
    const document = await batchOf(north, sold);
    await hq.db.run('ALTER TABLE order_lines RENAME TO put_away');
    await expect(receive(hq, document)).rejects.toThrow(/order_lines/);
    expect(await listParked(hq.db, STORE, 5)).toEqual([]);
    await hq.db.run('ALTER TABLE put_away RENAME TO order_lines');
    const answers = await receive(hq, document);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['confirmed', 'confirmed']);
  });

  test('of two orders from copies of one cart the first wins; the other is cancelled and its units returned once', async () => {
    const cartId = await copyCart([north, south], 4);
    const [won, lost] = [await sellCopy(north, cartId), await sellCopy(south, cartId)];
    expect([await north.units('A'), await south.units('A')]).toEqual([96, 96]);
    await receive(hq, (await north.nextBatch()).document);
    const { batch, document } = await south.nextBatch();
    const answers = await receive(hq, document);
    expect(answers).toMatchObject([{ orderId: lost, outcome: 'cancelled', winner: won }]);
    expect(await receive(hq, document)).toEqual(answers);
    expect(await orderAt(hq, lost)).toMatchObject({ state: 'cancelled', stateReason: expect.stringContaining(won) });
    await book(south, batch, answers);
    await Promise.all([book(south, batch, answers), book(south, batch, answers)]);
    expect(await orderAt(south, lost)).toMatchObject({ state: 'cancelled', confirmedAt: null });
    expect([await north.units('A'), await south.units('A')]).toEqual([96, 100]);
    expect(await south.timeline(lost)).toEqual(['placed', 'cancelled', 'stock-returned']);
    expect([await south.count('outbox'), await hq.count('cart_orders')]).toEqual([0, 1]);
  });

  test.each([1, 2])('copies of %d carts that come at the same moment leave one winner each', async (count) => {
    const carts = await Promise.all(Array.from({ length: count }, () => copyCart([north, south], 1)));
    for (const cartId of carts) for (const site of [north, south]) await sellCopy(site, cartId);
    const [up, down] = [(await north.nextBatch()).document, (await south.nextBatch()).document];
    const answers = (await Promise.all([receive(hq, up), receive(hq, down)])).flat();
    expect(await hq.count('cart_orders')).toBe(count);
    const winners = answers.filter(({ outcome }) => outcome === 'confirmed').map(({ orderId }) => orderId);
    expect([answers.length, winners.length]).toEqual([2 * count, count]);
    for (const answer of answers) if (answer.outcome === 'cancelled') expect(winners).toContain(answer.winner);
  });

  test('a state never goes back, however late an answer comes', async () => {
    const orderId = await north.sell(one('A'));
    const confirmed = { orderId, by: 'hq', outcome: 'confirmed', epoch: 1 } as const;
    const accepted = { orderId, by: 'hq', outcome: 'accepted' } as const;
    const parked = { orderId, by: 'hq', outcome: 'parked', reason: 'late' } as const;
    await Promise.all([book(north, 'b', [confirmed]), book(north, 'b', [accepted]), book(north, 'b', [parked])]);
    await book(north, 'b', [confirmed, accepted, parked]);
    expect(await orderAt(north, orderId)).toMatchObject({ state: 'confirmed', confirmedEpoch: 1 });
    expect((await north.timeline(orderId)).at(-1)).toBe('confirmed');
    expect((await north.timeline(orderId)).filter((kind) => kind === 'confirmed')).toHaveLength(1);
  });

  test('a parent in between accepts, passes the same bytes on, and gives no units back that it never had', async () => {
    const open = (site: string) => Shop.open(engine, site, { tree: DEEP });
    const [root, mid, leaf] = [await open('hq'), await open('mid'), await open('north')];
    try {
      await leaf.sells({ A: '1.25' });
      await leaf.has(one('A', 9));
      const orderId = await leaf.sell(one('A', 2));
      const up = await leaf.nextBatch();
      expect(up.document.receiver).toBe('mid');
      const [accepted] = await receive(mid, up.document);
      expect(accepted).toEqual({ orderId, by: 'mid', outcome: 'accepted' });
      expect([await mid.state(orderId), await mid.count('outbox')]).toEqual(['accepted', 1]);
      await book(leaf, up.batch, [accepted as OrderAnswer]);
      expect(await leaf.state(orderId)).toBe('accepted');
      const higher = await mid.nextBatch();
      expect(higher.document).toMatchObject({ sender: 'mid', receiver: 'hq' });
      const answers = await receive(root, higher.document);
      expect(answers).toEqual([{ orderId, by: 'hq', outcome: 'confirmed', epoch: 1 }]);
      await book(mid, higher.batch, answers);
      expect([await mid.state(orderId), await root.state(orderId)]).toEqual(['confirmed', 'confirmed']);
      const winner = root.context.runtime.ids.uuid();
      await book(mid, 'b', [{ orderId, by: 'hq', outcome: 'cancelled', reason: 'r', winner }]);
      expect([await mid.state(orderId), await mid.units('A'), await mid.count('stock_ledger')]).toEqual([
        ...['cancelled', 0, 0],
      ]);
    } finally {
      for (const site of [root, mid, leaf]) await site.drop();
    }
  });
});
