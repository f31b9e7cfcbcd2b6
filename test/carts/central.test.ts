/** Central items as a buyer meets them over HTTP, while the primary is away. */
import { NOTHING_CENTRAL } from '../../domain/inventory';
import { Shop } from '../orders/shop';
import { engines } from '../support/databases';
import { INVENTORY_AT_REST } from '../support/inventory-settings';

/** The primary is nowhere, so it is not waited for long; or there is not even the time to ask it. */
const WAITS_MS = [1_000, 1] as const;

describe.each(engines().flatMap((engine) => WAITS_MS.map((waitMs) => ({ engine, waitMs }))))(
  'on $engine, where an order waits $waitMs ms',
  ({ engine, waitMs }) => {
    let shop: Shop;
    beforeAll(async () => {
      const central = { ...NOTHING_CENTRAL, items: ['A', 'C'], emergencyUnits: 1 };
      const inventory = { ...INVENTORY_AT_REST, borrowing: { waitMs, refill: false }, central };
      shop = await Shop.open(engine, 'north', { settings: { inventory } });
      await shop.sells({ A: '1.25', B: '2.50', C: '5.00', D: '7.50' });
      await shop.has([
        { sku: 'A', quantity: 1 },
        { sku: 'B', quantity: 3 },
      ]);
    });
    afterAll(() => shop.drop());

    const listed = async (path: string) => {
      const { body } = await shop.call('get', path);
      return (body as { items: { sku: string; available: number | null }[] }).items.map(({ sku, available }) => [
        sku,
        available,
      ]);
    };

    test('nobody knows here how many there are, so they are listed as what can be bought', async () => {
      expect(await listed('/items?available=true')).toEqual([
        ['A', null],
        ['B', 3],
        ['C', null],
      ]);
      expect(await listed('/items')).toHaveLength(4);
      expect((await shop.call('get', '/items/C')).body).toMatchObject({ sku: 'C', available: null });
    });

    test('the share for emergencies is sold, then the checkout says that it can not know, and changes nothing', async () => {
      expect((await shop.checkout(await shop.fillCart([{ sku: 'A', quantity: 1 }]))).status).toBe(201);
      const cart = await shop.fillCart([
        { sku: 'A', quantity: 1 },
        { sku: 'B', quantity: 1 },
        { sku: 'C', quantity: 2 },
      ]);
      for (let attempt = 1; attempt <= 2; attempt++) {
        const { status, headers, body } = await shop.checkout(cart);
        expect([status, headers['retry-after'], body]).toMatchObject([
          503,
          expect.stringMatching(/^\d+$/),
          { type: 'https://entrepot.dev/problems/primary-away', skus: ['A', 'C'] },
        ]);
      }
      expect([await shop.units('B'), await shop.count('orders'), await shop.count('refused_demand')]).toEqual([
        3, 1, 0,
      ]);
    });
  },
);
