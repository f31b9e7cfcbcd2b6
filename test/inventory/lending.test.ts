/** Borrowing at the sale: from the pool, from several givers, through a tree; once, whatever is lost on the way. */
import { engines } from '../support/databases';
import { INVENTORY_DTD, hasXmllint, xmllintText } from '../support/xmllint';
import { countDemand } from '../../activities/inventory/demand';
import { hearOfDemand } from '../../db/inventory';
import { DAY_MS } from '../../domain/inventory';
import { STORE } from '../support/lone-site';
import { REAL_RUNTIME } from '../../workers/site';
import { StockTree } from './stock-tree';

const short = (sku: string, requested: number, available = 0) => ({ sku, requested, available });
const newCart = () => REAL_RUNTIME.ids.uuid();

describe.each(engines())('on %s', (engine) => {
  let tree: StockTree;
  /** Every test has items of its own. */
  let A: string;
  let B: string;
  beforeEach(() => {
    [A, B] = [`A-${newCart()}`, `B-${newCart()}`];
    tree.asked.length = 0;
    tree.fateOf = () => 'passes';
  });
  afterEach(async () => {
    await tree.quiet();
    expect(await tree.violations()).toEqual([]);
  });

  describe('where a parent refills besides', () => {
    const DAYS = 20;
    beforeAll(async () => {
      tree = await StockTree.grow(
        engine,
        { hq: null, north: 'hq', south: 'hq' },
        { inventory: { borrowing: { waitMs: 20_000, refill: true } } },
      );
    });
    afterAll(() => tree.fell());
    /** What the site asked for of the item, `units` on each of some days. */
    const demandAt = async (site: string, sku: string, units: number) => {
      const { context, db } = tree.site('hq');
      const asked = Array.from({ length: DAYS }, (_, day) => ({
        ...{ source: `${sku}-${site}-${day}`, site, cartId: null, lines: [{ sku, quantity: units }] },
        at: Date.now() - day * DAY_MS,
      }));
      await db.transaction((tx) => hearOfDemand(tx, STORE, asked));
      await countDemand(context, STORE);
    };

    test('a child gets more of what it asks for again and again, once, and the pool keeps what others will ask for', async () => {
      await tree.has(
        'hq',
        [A, B].map((sku) => ({ sku, quantity: 60 })),
        'pool',
      );
      for (const site of ['north', 'south']) await demandAt(site, A, 6);
      const cart = newCart();
      tree.fateOf = () => 'answer-lost';
      await tree.borrow('north', cart, [short(A, 2), short(B, 2)]);
      await tree.quiet();
      tree.fateOf = () => 'passes';
      await tree.borrow('north', cart, [short(A, 2), short(B, 2)]);
      const { own, pool } = { own: (await tree.units('north', A)).own, pool: (await tree.units('hq', A)).pool };
      expect(own).toBeGreaterThan(2 + 6);
      expect(pool).toBeGreaterThan(6);
      expect(own + pool).toBe(60);
      expect((await tree.units('north', B)).own).toBeLessThan(own);
    });

    test('another site that is asked for a child gives what it is asked for', async () => {
      await tree.has('south', [{ sku: A, quantity: 60 }]);
      await demandAt('north', A, 6);
      await tree.borrow('north', newCart(), [short(A, 2)]);
      expect([(await tree.units('north', A)).own, (await tree.units('south', A)).own]).toEqual([2, 58]);
    });
  });

  describe('below one parent', () => {
    beforeAll(async () => {
      tree = await StockTree.grow(engine, { hq: null, north: 'hq', south: 'hq', east: 'hq' });
    });
    afterAll(() => tree.fell());
    const own = async (site: string, sku: string) => (await tree.units(site, sku)).own;

    test('all short lines are asked for at once, from the pool first, then from as few givers as cover them', async () => {
      await tree.has('hq', [{ sku: A, quantity: 3 }], 'pool');
      await tree.has('south', [
        { sku: A, quantity: 10 },
        { sku: B, quantity: 4 },
      ]);
      await tree.has('east', [{ sku: B, quantity: 3 }]);
      await tree.borrow('north', newCart(), [short(A, 5, 0), short(B, 4, 1)]);
      expect([await own('north', A), await own('north', B)]).toEqual([5, 3]);
      expect([await own('south', A), await own('south', B), await own('east', B)]).toEqual([8, 1, 3]);
      expect(tree.asked.filter((ask) => ask.includes('borrowings'))).toEqual([
        'north>hq inventory/borrowings',
        'hq>south inventory/borrowings',
      ]);
    });

    test('as many givers as are needed, and what nobody has is not there', async () => {
      for (const site of ['hq', 'south', 'east']) await tree.has(site, [{ sku: A, quantity: 2 }]);
      await tree.borrow('north', newCart(), [short(A, 9)]);
      expect(await own('north', A)).toBe(6);
      for (const site of ['hq', 'south', 'east']) expect(await own(site, A)).toBe(0);
    });

    test('a parent that sells takes from its pool without a message, then from its children', async () => {
      await tree.has('hq', [{ sku: A, quantity: 2 }], 'pool');
      await tree.has('south', [{ sku: A, quantity: 2 }]);
      await tree.borrow('hq', newCart(), [short(A, 1)]);
      expect([await tree.units('hq', A), tree.asked]).toEqual([{ own: 1, pool: 1 }, []]);
      await tree.borrow('hq', newCart(), [short(A, 4, 1)]);
      expect(await tree.units('hq', A)).toEqual({ own: 4, pool: 0 });
    });

    test('every document is valid by its DTD', async () => {
      await tree.has('hq', [{ sku: `${A} & <B>`, quantity: 2 }], 'pool');
      await tree.borrow('north', newCart(), [short(`${A} & <B>`, 5)]);
      const documents = [...tree.sites.values()].flatMap(({ emitted }) => [...emitted.values()]);
      expect(documents.length).toBeGreaterThanOrEqual(6);
      if (hasXmllint()) for (const document of documents) expect(xmllintText(INVENTORY_DTD, document)).toEqual([]);
    });

    test.each([
      ['to the parent', 'north', 'hq'],
      ['to a giver', 'hq', 'south'],
    ])(
      'an answer lost on the way %s: the same need is asked for again under its name, and borrowed once',
      async (_what, from, to) => {
        await tree.has('hq', [{ sku: A, quantity: 1 }], 'pool');
        await tree.has('south', [{ sku: A, quantity: 9 }]);
        const cart = newCart();
        tree.fateOf = (asking, asked, what) =>
          what === 'inventory/borrowings' && asking === from && asked === to ? 'answer-lost' : 'passes';
        await tree.borrow('north', cart, [short(A, 4)]);
        await tree.quiet();
        expect(await own('north', A)).toBe(from === 'north' ? 0 : 1);
        expect(await own('south', A)).toBe(6);
        expect(await tree.violations()).toEqual([]);
        tree.fateOf = () => 'passes';
        await tree.borrow('north', cart, [short(A, 4, await own('north', A))]);
        expect([await own('north', A), await own('south', A)]).toEqual([4, 6]);
      },
    );

    test('while an earlier answer is not known, nothing more is asked for the same need', async () => {
      await tree.has('south', [{ sku: A, quantity: 9 }]);
      const cart = newCart();
      tree.fateOf = (from, to) => (from === 'hq' && to === 'south' ? 'answer-lost' : 'passes');
      // The offer is lost too, so that nobody is known to have any.
      await tree.borrow('north', cart, [short(A, 2)]);
      expect(await own('south', A)).toBe(9);
      tree.fateOf = (_from, _to, what) => (what === 'inventory/borrowings' ? 'answer-lost' : 'passes');
      for (let times = 0; times < 3; times++) await tree.borrow('north', newCart(), [short(A, 2)]);
      for (let times = 0; times < 3; times++) await tree.borrow('north', cart, [short(A, 2)]);
      await tree.quiet();
      expect(await own('south', A)).toBe(9 - 4 * 2);
      const mine = (await tree.onTheWay('south')).filter(({ cause }) => cause.startsWith(cart));
      expect(mine).toHaveLength(1);
    });

    test('a giver that is cut off is left out, and others give', async () => {
      await tree.has('south', [{ sku: A, quantity: 9 }]);
      await tree.has('east', [{ sku: A, quantity: 2 }]);
      tree.fateOf = (_from, to) => (to === 'south' ? 'lost' : 'passes');
      await tree.borrow('north', newCart(), [short(A, 3)]);
      expect([await own('north', A), await own('south', A), await own('east', A)]).toEqual([2, 9, 0]);
    });

    test('an order that is short again borrows again, under another name', async () => {
      await tree.has('south', [{ sku: A, quantity: 9 }]);
      const cart = newCart();
      const first = await tree.borrow('north', cart, [short(A, 2)]);
      const second = await tree.borrow('north', cart, [short(A, 3, 2)]);
      expect(second).not.toBe(first);
      expect(await own('north', A)).toBe(3);
    });

    test('two attempts at one cart at once borrow once', async () => {
      await tree.has('hq', [{ sku: A, quantity: 2 }], 'pool');
      await tree.has('south', [{ sku: A, quantity: 9 }]);
      const cart = newCart();
      const names = await Promise.all([1, 2, 3].map(() => tree.borrow('north', cart, [short(A, 4)])));
      expect(new Set(names).size).toBe(1);
      await tree.borrow('north', cart, [short(A, 4, await own('north', A))]);
      await tree.quiet();
      expect([await own('north', A), await own('south', A)]).toEqual([4, 7]);
    });

    test('two sites short of the same item do not give each other what they have', async () => {
      await tree.has('north', [{ sku: A, quantity: 2 }]);
      await tree.has('south', [{ sku: A, quantity: 2 }]);
      const [older, younger] = [newCart(), newCart()];
      await Promise.all([
        tree.borrow('north', older, [short(A, 3, 2)]),
        tree.borrow('south', younger, [short(A, 3, 2)]),
      ]);
      expect([await own('north', A), await own('south', A)]).toEqual([3, 1]);
    });

    test('other lines under a name that was used are refused, and nothing is given', async () => {
      await tree.has('hq', [{ sku: A, quantity: 9 }], 'pool');
      const ask = (quantity: number) => tree.part('hq', 'north', 'north', 'one.1', [{ sku: A, quantity }]);
      const loan = await ask(2);
      expect(await ask(2)).toEqual(loan);
      await expect(ask(3)).rejects.toThrow('was received before with other content');
      expect((await tree.units('hq', A)).pool).toBe(7);
    });
  });

  describe('in a deeper tree', () => {
    beforeAll(async () => {
      tree = await StockTree.grow(engine, { hq: null, mid: 'hq', north: 'mid', far: 'hq', west: 'far' });
    });
    afterAll(() => tree.fell());

    test('a parent that is short asks its own, which asks its other children, and they theirs', async () => {
      await tree.has('mid', [{ sku: A, quantity: 1 }], 'pool');
      await tree.has('hq', [{ sku: A, quantity: 1 }], 'pool');
      await tree.has('far', [{ sku: A, quantity: 1 }], 'pool');
      await tree.has('west', [{ sku: A, quantity: 5 }]);
      await tree.borrow('north', newCart(), [short(A, 5)]);
      expect((await tree.units('north', A)).own).toBe(5);
      expect((await tree.units('west', A)).own).toBe(3);
    });

    test.each(['north>mid', 'mid>hq', 'hq>far', 'far>west'])(
      'what is lost on the way %s is found by the second attempt',
      async (lost) => {
        await tree.has('west', [{ sku: A, quantity: 5 }]);
        const cart = newCart();
        tree.fateOf = (from, to, what) =>
          what === 'inventory/borrowings' && lost === `${from}>${to}` ? 'answer-lost' : 'passes';
        await tree.borrow('north', cart, [short(A, 3)]);
        await tree.quiet();
        expect([(await tree.units('north', A)).own, (await tree.units('west', A)).own]).toEqual([0, 2]);
        tree.fateOf = () => 'passes';
        await tree.borrow('north', cart, [short(A, 3)]);
        expect([(await tree.units('north', A)).own, (await tree.units('west', A)).own]).toEqual([3, 2]);
      },
    );
  });
});
