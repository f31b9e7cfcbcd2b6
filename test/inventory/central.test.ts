/** Central mode: what an order has is reserved at the primary first, and nothing of it lies about elsewhere for long. */
import { cartActivities } from '../../activities/carts';
import { type SiteContext, type StoreSettings } from '../../activities/context';
import { previewAllocation } from '../../activities/inventory/allocating';
import { newExpiries, returnExpired } from '../../activities/inventory/returning';
import { reallocationActivities } from '../../activities/inventory/reallocation';
import { type SaleResult, sellCart } from '../../activities/sale';
import { makeCart } from '../../bench/shop';
import { formatRevision } from '../../domain/catalog';
import { Expiry, NOTHING_CENTRAL, type StockLine, centralTest, reservedAndLeft } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { takeRevision } from '../support/catalog';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { StockTree } from './stock-tree';

const MINUTE_MS = 60_000;
const CATALOG = 'main';
const REVISION = formatRevision(1, 1);
/** One for each test. */
const SKUS = 'ABCDEFGHIJ'.split('');
/** Those that are not central. */
const ELSEWHERE = ['I', 'J'];
const SHIPPING = [{ code: 'standard', description: 'Standard delivery', amount: 35_000 }];
const EMERGENCY_UNITS = 2;

const line = (sku: string, quantity: number): StockLine => ({ sku, quantity });

describe.each(engines())('on %s', (engine) => {
  let tree: StockTree;

  async function grow(inventory: Partial<StoreSettings['inventory']>): Promise<void> {
    tree = await StockTree.grow(
      engine,
      { hq: null, north: 'hq', south: 'hq' },
      { shippingMethods: SHIPPING, inventory },
    );
    for (const { db } of tree.sites.values()) {
      const revision = { store: STORE, catalog: CATALOG, revision: REVISION };
      await takeRevision(
        db,
        revision,
        SKUS.map((sku) => ({ sku, price: 10_000 })),
      );
    }
  }

  const cartOf = (site: string, ...lines: readonly StockLine[]) =>
    makeCart(tree.site(site).context, {
      ...{ store: STORE, catalog: CATALOG, tokenHash: '' },
      lines: lines.map(({ sku, quantity }) => ({ sku, quantity, price: 10_000, priceRevision: REVISION })),
    });
  const sellAt = (site: string, cartId: string) => sellCart(tree.site(site).context, { store: STORE, cartId });
  const outcome = (result: SaleResult) => (result.outcome === 'ordered' ? 'ordered' : result.refusal.problem);
  const buy = async (site: string, sku: string, quantity: number) =>
    outcome(await sellAt(site, await cartOf(site, line(sku, quantity))));
  const own = async (site: string, sku: string) => (await tree.units(site, sku)).own;
  const pool = async (sku: string) => (await tree.units('hq', sku)).pool;
  const loans = () => tree.asked.filter((asked) => asked.includes('borrowings'));

  beforeEach(() => {
    tree.asked.length = 0;
    tree.fateOf = () => 'passes';
  });
  afterEach(async () => {
    await tree.quiet();
    expect(await tree.violations()).toEqual([]);
  });

  describe('with nothing set aside for emergencies', () => {
    beforeAll(() => grow({ central: { ...NOTHING_CENTRAL, items: SKUS.filter((sku) => !ELSEWHERE.includes(sku)) } }));
    afterAll(() => tree.fell());

    test('an order reserves at the primary what it has, in one message, and of nobody else', async () => {
      await tree.has('hq', [line('A', 5), line('B', 4)], 'pool');
      await tree.has('south', [line('A', 3)]);
      const cart = await cartOf('north', line('A', 2), line('B', 4));
      expect(outcome(await sellAt('north', cart))).toBe('ordered');
      expect([await pool('A'), await pool('B'), await own('north', 'A'), await own('south', 'A')]).toEqual([
        3, 0, 0, 3,
      ]);
      expect(tree.asked).toEqual(['north>hq inventory/borrowings']);
    });

    test('the last units are sold once, at whatever sites they are wanted', async () => {
      await tree.has('hq', [line('C', 3)], 'pool');
      const outcomes = await Promise.all(['north', 'south', 'hq', 'north', 'south'].map((site) => buy(site, 'C', 1)));
      expect(outcomes.sort()).toEqual(['insufficient-stock', 'insufficient-stock', 'ordered', 'ordered', 'ordered']);
      expect([await pool('C'), await own('hq', 'C'), await own('north', 'C'), await own('south', 'C')]).toEqual([
        0, 0, 0, 0,
      ]);
    });

    test('while the primary is away the sale is refused as unknown; afterwards the same cart is sold', async () => {
      await tree.has('hq', [line('D', 2)], 'pool');
      const cart = await cartOf('north', line('D', 1));
      tree.fateOf = () => 'lost';
      expect(await sellAt('north', cart)).toEqual({
        outcome: 'refused',
        refusal: { problem: 'primary-away', skus: ['D'] },
      });
      const { convertCart } = cartActivities(tree.site('north').context);
      // An integrator's workflow goes on asking.
      await expect(convertCart({ store: STORE, cart, workflowId: 'w' })).rejects.toThrow(
        'the stock of D is kept at the primary, which does not answer: try again',
      );
      tree.fateOf = () => 'answer-lost';
      expect(outcome(await sellAt('north', cart))).toBe('primary-away');
      await tree.quiet();
      tree.fateOf = () => 'passes';
      expect(outcome(await sellAt('north', cart))).toBe('ordered');
      expect([await pool('D'), await own('north', 'D')]).toEqual([1, 0]);
    });

    test('what lies unused for as long as a reservation lasts goes back, and no more than that', async () => {
      await tree.has('north', [line('G', 5), line('I', 5)]);
      const { context, settings, db } = tree.site('north');
      let now = Date.now();
      const later: SiteContext = { ...context, runtime: { ...REAL_RUNTIME, clock: { now: () => now } } };
      const expiries = newExpiries();
      const look = () => returnExpired(later, settings, expiries);
      expect(await look()).toBe(0);
      expect(await buy('north', 'G', 2)).toBe('ordered');
      now += 10 * MINUTE_MS;
      expect(await look()).toBe(0);
      await tree.has('north', [line('G', 1)]);
      now += 5 * MINUTE_MS;
      expect(await look()).toBe(3);
      expect([await own('north', 'G'), await own('north', 'I')]).toEqual([1, 5]);
      expect(await tree.onTheWay('north')).toMatchObject([{ taker: 'hq', units: 3 }]);
      const asked = await db.all<{ subject: string }>(`SELECT subject FROM outbox WHERE kind = 'workflow'`);
      expect(asked.map(({ subject }) => subject).join()).toContain('inventoryReallocation/shop/north/');
    });

    test('what an earlier order has left is sold first, and what another order waits for is not', async () => {
      await tree.has('hq', [line('E', 9)], 'pool');
      await tree.has('north', [line('E', 2)]);
      expect(await buy('north', 'E', 2)).toBe('ordered');
      expect(loans()).toEqual([]);
      await tree.has('north', [line('E', 2)]);
      const both = await Promise.all([buy('north', 'E', 3), buy('north', 'E', 3)]);
      expect(both).toEqual(['ordered', 'ordered']);
      expect((await pool('E')) + (await own('north', 'E'))).toBe(9 + 2 - 6);
    });

    test('it is neither shared out nor reallocated', async () => {
      await tree.has('hq', [line('F', 10), line('J', 10)], 'pool');
      await tree.has('north', [line('F', 5), line('J', 5)]);
      const { shares } = await previewAllocation(tree.site('hq').context, {
        ...{ store: STORE, sites: [], skus: ['F', 'J'], ownShare: false },
      });
      expect(new Set(shares.flatMap(({ lines }) => lines.map(({ sku }) => sku)))).toEqual(new Set(['J']));
      const { reportSpare } = reallocationActivities(tree.site('north').context);
      expect(await reportSpare({ store: STORE, lines: [line('F', 9), line('J', 9)] })).toEqual([line('J', 4)]);
    });

    test('the primary has nobody to give anything back to', async () => {
      await tree.has('hq', [line('H', 5)]);
      const { context, settings } = tree.site('hq');
      const expiries = newExpiries();
      for (const ahead of [0, 60 * MINUTE_MS]) {
        const at = { ...context, runtime: { ...REAL_RUNTIME, clock: { now: () => Date.now() + ahead } } };
        expect(await returnExpired(at, settings, expiries)).toBe(0);
      }
      expect(await own('hq', 'H')).toBe(5);
    });
  });

  describe('with a share for emergencies', () => {
    beforeAll(() => grow({ central: { ...NOTHING_CENTRAL, items: 'all', emergencyUnits: EMERGENCY_UNITS } }));
    afterAll(() => tree.fell());

    test('it is sold only while the primary does not answer, and then there is no more', async () => {
      await tree.has('hq', [line('A', 5)], 'pool');
      await tree.has('north', [line('A', EMERGENCY_UNITS)]);
      expect(await buy('north', 'A', 1)).toBe('ordered');
      expect([await pool('A'), await own('north', 'A')]).toEqual([4, EMERGENCY_UNITS]);
      tree.fateOf = () => 'lost';
      expect(await buy('north', 'A', 1)).toBe('ordered');
      expect(await own('north', 'A')).toBe(EMERGENCY_UNITS - 1);
      expect(await buy('north', 'A', 2)).toBe('primary-away');
      tree.fateOf = () => 'passes';
      expect(await buy('north', 'A', 2)).toBe('ordered');
      expect([await pool('A'), await own('north', 'A')]).toEqual([2, EMERGENCY_UNITS - 1]);
    });

    test('when the primary has none left, it is stock like any other', async () => {
      await tree.has('north', [line('B', EMERGENCY_UNITS)]);
      expect([await buy('south', 'B', 1), await buy('north', 'B', 2)]).toEqual(['insufficient-stock', 'ordered']);
    });

    test('it does not go back', async () => {
      await tree.has('north', [line('C', EMERGENCY_UNITS + 1)]);
      const { context, settings } = tree.site('north');
      const expiries = newExpiries();
      const looks: number[] = [];
      for (const ahead of [0, 15 * MINUTE_MS]) {
        const at = { ...context, runtime: { ...REAL_RUNTIME, clock: { now: () => Date.now() + ahead } } };
        looks.push(await returnExpired(at, settings, expiries));
      }
      expect([looks, await own('north', 'C')]).toEqual([[0, 1], EMERGENCY_UNITS]);
    });
  });
});

test('items are named, or none is central, or all are', () => {
  const tested = (items: Parameters<typeof centralTest>[0]) => ['A', 'B'].map(centralTest(items));
  expect([tested('none'), tested('all'), tested(['B'])]).toEqual([
    [false, false],
    [true, true],
    [false, true],
  ]);
});

test('an order may have of what is there what no other waits for, beyond the share for emergencies', () => {
  const settings = { ...NOTHING_CENTRAL, emergencyUnits: 2 };
  expect([reservedAndLeft(5, 0, settings), reservedAndLeft(5, 2, settings), reservedAndLeft(1, 0, settings)]).toEqual([
    3, 1, 0,
  ]);
});

test('of a reservation expires what was never used in all of its time', () => {
  const expiry = new Expiry();
  const look = (minute: number, quantity: number) =>
    expiry.look(quantity === 0 ? [] : [line('A', quantity)], minute * MINUTE_MS, NOTHING_CENTRAL);
  expect([look(0, 5), look(7, 2), look(14, 4), look(15, 4)]).toEqual([[], [], [], [line('A', 2)]]);
  // What came later has its own time, and where nothing is left it begins anew.
  expect([look(16, 2), look(20, 0), look(31, 2), look(45, 2), look(46, 2)]).toEqual([[], [], [], [], [line('A', 2)]]);
});
