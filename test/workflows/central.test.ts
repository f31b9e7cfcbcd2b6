/** Central items and a new site's first share, on the real Temporal server. */
import { NOTHING_CENTRAL } from '../../domain/inventory';
import { type SiteConfig } from '../../workers/config';
import { engines } from '../support/databases';
import { ANSWERS_WAIT_MS, withInventory } from '../support/inventory-settings';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

const EMERGENCY_UNITS = 2;
/** Long: the site looks when it starts, and when it is told. */
const EVERY_MINUTES = 60;

function central(config: SiteConfig): SiteConfig {
  return withInventory(config, ({ replenishment, borrowing }) => ({
    replenishment: { ...replenishment, everyMinutes: EVERY_MINUTES },
    borrowing: { ...borrowing, waitMs: ANSWERS_WAIT_MS },
    central: { ...NOTHING_CENTRAL, items: ['C'], emergencyUnits: EMERGENCY_UNITS },
  }));
}

describe.each(engines())('on %s', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(engine, ['north'], { adapt: central });
    await world.pushItems(itemsCsv({ A: '1.00', C: '2.00' }), ['north']);
  });
  afterAll(() => world.stop());
  afterEach(async () => expect(await world.violations()).toEqual([]));

  const level = async (site: string, sku: string) => {
    const { body } = await world.call(site, 'GET', `/inventory/levels?sku=${sku}`);
    const [found] = body.items ?? [];
    return { own: Number(found?.['own'] ?? 0), pool: Number(found?.['pool'] ?? 0) };
  };
  const has = (sku: string, units: number) => async () => (await level('north', sku)).own === units;
  const buy = async (sku: string, quantity: number) => (await world.buy('north', [{ sku, quantity }])).status;

  test('a site that has nothing gets its share when it starts, of central items what it keeps for emergencies', async () => {
    // When it first started there was nothing to have, so the primary looked for it elsewhere: had that gone on until there
    // was something, it would have brought as much again.
    await until('the search to end', async () => {
      const { body } = await world.call('hq', 'GET', '/workflows');
      return body.items?.some(({ kind, state }) => kind === 'inventoryReallocation' && state === 'completed');
    });
    const lines = ['A', 'C'].map((sku) => ({ sku, quantity: 10 }));
    await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'first', lines } });
    await world.stopSite('north');
    await world.startSite('north');
    await until('its share', has('A', 10));
    await until('what it keeps for emergencies', has('C', EMERGENCY_UNITS));
    expect(await level('hq', 'C')).toEqual({ own: 0, pool: 10 - EMERGENCY_UNITS });
  });

  test('an order is reserved at the primary; while that is away the share is sold, and filled up afterwards', async () => {
    expect(await buy('C', 3)).toBe(201);
    expect([await level('hq', 'C'), await level('north', 'C')]).toEqual([
      { own: 0, pool: 5 },
      { own: EMERGENCY_UNITS, pool: 0 },
    ]);
    await world.stopSite('hq');
    expect(await buy('C', 1)).toBe(201);
    expect(await buy('C', 2)).toBe(503);
    await world.startSite('hq');
    await world.call('north', 'POST', '/inventory/replenishments');
    await until('the share', has('C', EMERGENCY_UNITS));
    expect(await level('hq', 'C')).toEqual({ own: 0, pool: 4 });
  });
});
