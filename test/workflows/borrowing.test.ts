/** Sites that sell what others have: borrowing over HTTP, transfers, updates and moves on the real Temporal server. */
import { type SiteConfig } from '../../workers/config';
import { ANSWERS_WAIT_MS, withInventory } from '../support/inventory-settings';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

function patient(config: SiteConfig): SiteConfig {
  return withInventory(config, ({ borrowing }) => ({ borrowing: { ...borrowing, waitMs: ANSWERS_WAIT_MS } }));
}

describe('three sites', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start('sqlite', ['north', 'south'], { adapt: patient });
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.00', C: '3.00' }), ['north', 'south']);
  });
  afterAll(() => world.stop());
  afterEach(async () => expect(await world.violations()).toEqual([]));

  const level = async (site: string, sku: string) => {
    const { body } = await world.call(site, 'GET', `/inventory/levels?sku=${sku}`);
    const [row] = body.items ?? [];
    return Number(row?.['own'] ?? 0) + Number(row?.['pool'] ?? 0);
  };
  const ordered = async (site: string, orderId: unknown) =>
    (await world.call(site, 'GET', `/orders/${String(orderId)}`)).body['lines'];
  const settled = () =>
    until('every transfer to be settled', async () => {
      for (const site of world.configs.keys()) {
        for (const state of ['in-flight', 'in-doubt']) {
          const { body } = await world.call(site, 'GET', `/inventory/transfers?state=${state}`);
          if (body.items?.length !== 0) return false;
        }
      }
      return true;
    });

  test('an order gets what its site has not, and every giver hears of it', async () => {
    await world.stock([
      { sku: 'A', quantity: 10 },
      { sku: 'B', quantity: 10 },
    ]);
    expect((await world.buy('north', [{ sku: 'A', quantity: 8 }])).status).toBe(201);
    expect(await level('south', 'A')).toBe(2);
    const both = [
      { sku: 'A', quantity: 1 },
      { sku: 'B', quantity: 7 },
    ];
    expect((await world.buy('north', both)).status).toBe(201);
    const refused = await world.buy('north', [{ sku: 'A', quantity: 9 }]);
    expect([refused.status, refused.body['lines']]).toEqual([409, [{ sku: 'A', requested: 9, available: 1 }]]);
    await settled();
  });

  test('a buyer who takes a part gets what there is, with what others give', async () => {
    await world.stock([{ sku: 'C', quantity: 6 }]);
    const { cartId, token } = await world.fillCart('north', [{ sku: 'C', quantity: 9 }]);
    const answer = await world.call('north', 'POST', `/carts/${cartId}/checkout`, {
      headers: { 'Cart-Token': token },
      body: { ifShort: 'part' },
    });
    expect([answer.status, answer.body['cut']]).toEqual([201, [{ sku: 'C', requested: 9, ordered: 6 }]]);
    expect(await ordered('north', answer.body['orderId'])).toMatchObject([{ sku: 'C', quantity: 6 }]);
    const refused = await world.buy('south', [{ sku: 'C', quantity: 1 }]);
    expect(refused.status).toBe(409);
    await settled();
  });

  test('units are moved and traced, and an update that is short is listed where it was asked for', async () => {
    await world.call('hq', 'POST', '/inventory/receipts', {
      body: { receiptId: 'moved', lines: [{ sku: 'D', quantity: 5 }] },
    });
    const moved = await world.call('hq', 'POST', '/inventory/moves', {
      body: { to: 'south', lines: [{ sku: 'D', quantity: 4 }] },
    });
    expect(moved.status).toBe(202);
    await world.finished('hq', String(moved.body['workflowId']));
    const trace = await world.call('south', 'GET', `/inventory/transfers/${String(moved.body['transfer'])}`);
    expect(trace.body).toMatchObject({
      state: 'credited',
      movements: [{ kind: 'transfer-in', sku: 'D', quantity: 4 }],
    });
    const tooMany = { to: 'south', lines: [{ sku: 'D', quantity: 2 }] };
    expect((await world.call('hq', 'POST', '/inventory/moves', { body: tooMany })).status).toBe(409);
    const lines = [{ sku: 'D', quantity: 6 }];
    const asked = { updateId: 'gone', site: 'south', kind: 'shrinkage', lines };
    const { body } = await world.call('hq', 'POST', '/inventory/updates', { body: asked });
    await world.finished('hq', String(body['workflowId']));
    const listed = await world.call('hq', 'GET', '/inventory/updates?short=true');
    expect(listed.body.items).toMatchObject([
      { updateId: 'gone', state: 'applied', short: [{ sku: 'D', quantity: 2 }] },
    ]);
    const other = { ...asked, lines: [{ sku: 'D', quantity: 1 }] };
    expect((await world.call('hq', 'POST', '/inventory/updates', { body: other })).status).toBe(409);
    expect([await level('hq', 'D'), await level('south', 'D')]).toEqual([1, 0]);
  });
});
