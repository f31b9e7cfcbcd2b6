/** The demo's seeded choices and its sample day. */
import { readDayOrders, siteForOrder } from '../../cli/demo/day-orders';
import { SALES_WHILE_GONE_MIN, KILL_AFTER_SHARE, chooseScarceItem, inParallel } from '../../cli/demo/scenario';
import { seededRandom } from '../support/random';
import { formatTable } from '../../cli/output';

describe('the sample day', () => {
  it('has the 141 sold invoices of 2010-12-02, one line a sku', async () => {
    const orders = await readDayOrders();
    expect(orders).toHaveLength(141);
    for (const { lines } of orders) {
      expect(new Set(lines.map(({ sku }) => sku)).size).toBe(lines.length);
      expect(lines.every(({ quantity }) => Number.isInteger(quantity) && quantity > 0)).toBe(true);
    }
  });

  it('gives every secondary enough orders to sell while the primary is gone', async () => {
    const orders = await readDayOrders();
    for (const site of ['north', 'south']) {
      const own = orders.filter((order) => siteForOrder(order, ['north', 'south']) === site).length;
      expect(own * (1 - KILL_AFTER_SHARE)).toBeGreaterThan(SALES_WHILE_GONE_MIN + 8);
    }
  });

  it('sends buyers abroad to one site', async () => {
    const abroad = (await readDayOrders()).filter(({ country }) => country !== 'United Kingdom');
    expect(abroad.length).toBeGreaterThan(0);
    expect(new Set(abroad.map((order) => siteForOrder(order, ['north', 'south'])))).toEqual(new Set(['south']));
  });
});

describe('seeded choices', () => {
  it('are the same for the same seed, and others for another', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(3).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it('keep an item scarce that nobody buys on the day', () => {
    expect(chooseScarceItem(['a', 'b', 'c'], new Set(['a', 'c']), seededRandom(1))).toBe('b');
    expect(() => chooseScarceItem(['a'], new Set(['a']), seededRandom(1))).toThrow('none can be kept scarce');
  });

  it('run as many at a time as asked, in order', async () => {
    const started: number[] = [];
    const width = { now: 0, most: 0 };
    await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      width.most = Math.max(width.most, ++width.now);
      await Promise.resolve();
      width.now--;
    });
    expect(started).toEqual([1, 2, 3, 4, 5]);
    expect(width.most).toBe(2);
  });
});

describe('tables', () => {
  it('put numbers to the right and a dash for nothing', () => {
    expect(
      formatTable(
        ['site', 'units'],
        [
          ['hq', 12_345],
          ['north', 7],
        ],
      ),
    ).toBe(['site    units', '-----  ------', 'hq     12,345', 'north       7'].join('\n'));
    expect(formatTable(['a'], [[null]])).toBe('a\n-\n-');
  });
});
