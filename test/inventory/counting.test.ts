/** Demand is counted once, beside the sales: sold, cut or refused, late or twice, here or below. */
import { sellCart } from '../../activities/sale';
import { countDemand } from '../../activities/inventory/demand';
import { recordRefusedDemand, talliesOf } from '../../db/inventory';
import {
  ALL_ITEMS,
  DAY_MS,
  DEMAND_DEFAULTS,
  Tallies,
  cartOfBorrowing,
  formatAsk,
  formatBorrowing,
  newlyRefused,
  notRefusedBefore,
} from '../../domain/inventory';
import { type SiteContext } from '../../activities/context';
import { engines } from '../support/databases';
import { STORE, Shop } from '../orders/shop';
import { StockTree } from './stock-tree';

const one = (sku: string, quantity = 1) => [{ sku, quantity }];
const MINUTE_MS = 60_000;

describe('the rules', () => {
  test('of a cart that is refused again only what is more is new', () => {
    const refused = new Map<string, number>();
    expect(newlyRefused([...one('A', 3), ...one('A', 2), ...one('B', 1)], refused)).toEqual([
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 1 },
    ]);
    expect(newlyRefused(one('A', 5), refused)).toEqual([]);
    expect(newlyRefused(one('A', 7), refused)).toEqual(one('A', 2));
    expect(notRefusedBefore([...one('A', 4), ...one('A', 4), ...one('C', 1)], refused)).toEqual([
      ...one('A', 1),
      ...one('C', 1),
    ]);
  });

  test('lines in any order of arrival make the same tally', () => {
    const asked = [0, 50, 20, 90].map((day) => ({ site: 'north', lines: one('A', day + 1), at: day * DAY_MS }));
    const units = (order: typeof asked) => {
      const tallies = new Tallies();
      for (const each of order) tallies.count(each, DEMAND_DEFAULTS);
      return tallies.of('A').get('north')?.units ?? 0;
    };
    const inTime = [...asked].sort((a, b) => a.at - b.at);
    expect(units(asked)).toBeCloseTo(units(inTime), 9);
    expect(units([...inTime].reverse())).toBeLessThanOrEqual(
      asked.reduce((sum, { lines }) => sum + (lines[0]?.quantity ?? 0), 0),
    );
  });

  test('a borrowing says whose cart it is for, also where a site has "-" in its name', () => {
    const borrowing = formatBorrowing('0199-cart', 'far-north', 3, 2);
    expect(cartOfBorrowing(formatAsk(borrowing, 4), 'far-north', 3)).toBe('0199-cart');
    expect(cartOfBorrowing('by hand', 'north', 1)).toBeNull();
  });
});

/** What the site has counted of an item (or of all), by site: units and lines. */
async function counted(context: SiteContext, sku: string): Promise<Record<string, [number, number]>> {
  await countDemand(context, STORE);
  const found: Record<string, [number, number]> = {};
  for (const { site, sku: of, tally } of await talliesOf(context.db, STORE, [sku])) {
    const lines = tally.lines.reduce((sum, count) => sum + count, 0);
    // What fades within a test is far less.
    if (of === sku) found[site] = [Number(tally.units.toFixed(2)), Number(lines.toFixed(2))];
  }
  return found;
}

describe.each(engines())('on %s', (engine) => {
  describe('at one site', () => {
    let shop: Shop;
    beforeEach(async () => {
      shop = await Shop.open(engine, 'north');
      await shop.sells({ A: '1.25', B: '2.50' });
      await shop.has([...one('A', 20), ...one('B', 3)]);
    });
    afterEach(() => shop.drop());

    const ask = (cart: Awaited<ReturnType<Shop['fillCart']>>, ifShort?: string) =>
      shop.call('post', `/carts/${cart.cartId}/checkout`, {
        headers: { 'Cart-Token': cart.token },
        ...(ifShort ? { body: { ifShort } } : {}),
      });

    test('a sale is counted once, its lines by their size, and all items together', async () => {
      await shop.sell([...one('A', 4), ...one('B', 1)]);
      await shop.sell(one('A', 2));
      for (const _again of [1, 2]) expect(await counted(shop.context, 'A')).toEqual({ north: [6, 2] });
      await shop.sell(one('A', 1));
      expect(await counted(shop.context, 'A')).toEqual({ north: [7, 3] });
      expect(await counted(shop.context, ALL_ITEMS)).toEqual({ north: [8, 4] });
    });

    test('a cart that is refused, tried again and sold in part is asked for once, as a whole', async () => {
      const cart = await shop.fillCart(one('B', 5));
      expect((await ask(cart)).status).toBe(409);
      expect(await counted(shop.context, 'B')).toEqual({ north: [5, 1] });
      expect((await ask(cart)).status).toBe(409);
      expect(await counted(shop.context, 'B')).toEqual({ north: [5, 1] });
      expect((await ask(cart, 'part')).status).toBe(201);
      expect(await counted(shop.context, 'B')).toEqual({ north: [5, 1] });
    });

    test('what is cut at once is one line as it was asked for; what was refused and is sold later is not new', async () => {
      expect((await ask(await shop.fillCart(one('B', 7)), 'part')).status).toBe(201);
      expect(await counted(shop.context, 'B')).toEqual({ north: [7, 1] });
      const cart = await shop.fillCart(one('B', 2));
      expect((await ask(cart)).status).toBe(409);
      await shop.has(one('B', 2));
      expect((await ask(cart)).status).toBe(201);
      expect(await counted(shop.context, 'B')).toEqual({ north: [9, 2] });
    });

    test('a sale that commits after later ones were counted is counted too, once', async () => {
      shop.dials.ahead = 1.5 * MINUTE_MS;
      expect(await counted(shop.context, 'A')).toEqual({});
      shop.dials.ahead = 0;
      await shop.sell(one('A', 3));
      for (const minutes of [0, 1.5, 3, 30]) {
        shop.dials.ahead = minutes * MINUTE_MS;
        expect(await counted(shop.context, 'A')).toEqual({ north: [3, 1] });
      }
      expect(await shop.count('demand_counted')).toBe(0);
    });

    test('more than a batch is counted whole, also by two at once', async () => {
      const { ids, clock } = shop.context.runtime;
      await shop.sell(one('A', 2));
      await shop.db.transaction(async (tx) => {
        for (let refusal = 0; refusal < 450; refusal++) {
          const lines = [{ sku: 'A', requested: 1, available: 0 }];
          const about = { store: STORE, demandId: ids.uuid(), cartId: ids.uuid(), now: clock.now() };
          await recordRefusedDemand(tx, { ...about, lines });
        }
      });
      await shop.sell(one('A', 3));
      await Promise.all([countDemand(shop.context, STORE), countDemand(shop.context, STORE)]);
      expect(await counted(shop.context, 'A')).toEqual({ north: [455, 452] });
    });
  });

  describe('at the parent', () => {
    let hq: Shop;
    let north: Shop;
    let south: Shop;
    beforeEach(async () => {
      [hq, north, south] = [
        await Shop.open(engine, 'hq'),
        await Shop.open(engine, 'north'),
        await Shop.open(engine, 'south'),
      ];
      for (const site of [hq, north, south]) {
        await site.sells({ A: '1.25' });
        await site.has(one('A', 20));
      }
    });
    afterEach(async () => {
      for (const site of [hq, north, south]) await site.drop();
    });

    const sendUp = async (site: Shop) => {
      const { document } = await site.nextBatch();
      for (const _again of [1, 2]) await hq.orders.receiveOrders({ store: STORE, epoch: 1, batch: document });
    };

    test('orders of children count under the child, once, however late they come', async () => {
      await north.sell(one('A', 4));
      await hq.sell(one('A', 2));
      expect(await counted(hq.context, 'A')).toEqual({ hq: [2, 1] });
      await sendUp(north);
      expect(await counted(hq.context, 'A')).toEqual({ hq: [2, 1], north: [4, 1] });
      await south.sell(one('A', 5));
      hq.dials.ahead = 90 * DAY_MS;
      await counted(hq.context, 'A');
      await sendUp(south);
      for (const _again of [1, 2]) {
        expect(await counted(hq.context, 'A')).toEqual({ hq: [2, 1], north: [4, 1], south: [5, 1] });
      }
      expect(await hq.count('demand_heard')).toBe(0);
    });

    test('a cart of which two sites sold a copy was asked for once', async () => {
      const cartId = north.context.runtime.ids.uuid();
      for (const site of [north, south]) {
        await site.copyCart(cartId, one('A', 3));
        expect((await sellCart(site.context, { store: STORE, cartId })).outcome).toBe('ordered');
        await sendUp(site);
      }
      expect(await counted(hq.context, 'A')).toEqual({ north: [3, 1] });
    });
  });

  test('what a child wanted to borrow and nobody had is counted under it, once for a cart', async () => {
    const tree = await StockTree.grow(engine, { hq: null, north: 'hq', south: 'hq' });
    try {
      const { context } = tree.site('hq');
      await tree.has('hq', one('A', 2), 'pool');
      const cartId = context.runtime.ids.uuid();
      const short = (requested: number) => [{ sku: 'A', requested, available: 0 }];
      await tree.borrow('north', cartId, short(5));
      expect(await counted(context, 'A')).toEqual({ north: [3, 1] });
      await tree.borrow('north', cartId, short(3));
      expect(await counted(context, 'A')).toEqual({ north: [3, 1] });
      await tree.borrow('south', context.runtime.ids.uuid(), short(1));
      expect(await counted(context, 'A')).toEqual({ north: [3, 1], south: [1, 1] });
    } finally {
      await tree.fell();
    }
  });
});
