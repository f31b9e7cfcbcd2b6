/** A backup that is taken while the site sells, and what becomes of what was sold after it. */
import { loadTopology } from '../../db/topology';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';
import { audit, loseDatabase, restore, takeBackup, topologyAt } from './backups';

const UNITS = 400;
const BUYERS = 4;
/** Sales before and after the copy. */
const SALES = 15;

describe.each(engines())('a backup on %s', (engine) => {
  test('is taken while the site sells, and restores as new data without rights to what may be sold', async () => {
    const world = await World.start(engine, ['north']);
    let remove = async () => undefined as void;
    try {
      await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
      await world.stock([{ sku: 'A', quantity: UNITS }], ['north']);
      const told: string[] = [];
      let selling = true;
      const buy = async () => {
        while (selling) told.push(String((await world.buy('north', [{ sku: 'A', quantity: 1 }])).body['orderId']));
      };
      const buyers = Promise.all(Array.from({ length: BUYERS }, buy));
      const sold = (count: number) => until('sales', async () => told.length >= count);
      await sold(SALES);
      const before = told.length;
      const copy = await takeBackup(world, 'north');
      const during = told.length;
      await sold(during + SALES);
      selling = false;
      await buyers;
      expect(during).toBeGreaterThan(before);
      expect(copy).toMatchObject({ site: 'north', stores: [{ incarnation: 1 }] });
      const confirmed = async (orderId: string) => (await world.orderState('hq', orderId)) === 'confirmed';
      for (const orderId of told) await until('the confirmation', () => confirmed(orderId));

      await world.stopSite('north');
      remove = loseDatabase(world, 'north');
      const { code, stdout, stderr } = await restore(world, copy.path, 'north');
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('restoring') });
      expect(stdout).toMatch(/[\d,]+ units are withdrawn, for they may have been sold or granted since/);
      const alone = await audit(world, ['north']);
      expect(alone.filter(({ site }) => site === 'north')).toEqual([]);

      await world.startSite('north');
      await until('the new incarnation', async () => {
        const numbers = [await topologyAt(world, 'hq'), await topologyAt(world, 'north')].map(
          ({ sites }) => sites.find(({ site }) => site === 'north')?.incarnation,
        );
        return numbers.every((number) => number === 2);
      });
      const own = await loadTopology(world.site('north').context.db, world.store);
      expect(own.dataId).not.toBe(copy.stores[0]?.dataId);

      const here = await world.call('north', 'GET', '/orders?limit=200');
      const kept = new Set(here.body.items?.map(({ orderId }) => String(orderId)));
      expect(kept.size).toBeGreaterThanOrEqual(before);
      expect(kept.size).toBeLessThan(told.length);
      for (const orderId of kept)
        await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
      const lost = told.filter((orderId) => !kept.has(orderId));
      const found = await audit(world, ['hq', 'north']);
      expect(found.map(({ rule, subject }) => `${rule} ${subject}`).sort()).toEqual(
        lost.map((orderId) => `order-unsold order ${orderId}`).sort(),
      );

      expect((await world.buy('north', [{ sku: 'A', quantity: 1 }])).body['type']).toMatch(/insufficient-stock$/);
      await world.stock([{ sku: 'A', quantity: 5 }], ['north']);
      expect((await world.buy('north', [{ sku: 'A', quantity: 5 }])).status).toBe(201);
    } finally {
      await world.stop();
      await remove();
    }
  });
});
