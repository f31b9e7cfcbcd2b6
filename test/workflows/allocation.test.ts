/** Sharing out on the real Temporal server (figure 8), where a site refuses its part for ever. */
import { takeTransfer } from '../../db/inventory';
import { loadTopology } from '../../db/topology';
import { formatTransferId } from '../../domain/inventory';
import { World } from '../support/world';

let world: World;
beforeAll(async () => {
  world = await World.start('sqlite');
});
afterAll(() => world.stop());

/** Data that a backup has mixed up: the site knows the primary's next transfer, with other lines. */
async function mixUp(site: string, sequence: number): Promise<string> {
  const { db } = world.site(site).context;
  const { topology, incarnation } = await loadTopology(db, world.store);
  const giver = topology.sites.find((each) => each.site === 'hq');
  const id = { giver: 'hq', incarnation: giver?.incarnation ?? 0, sequence };
  await db.transaction((tx) =>
    takeTransfer(
      tx,
      {
        ...{
          store: world.store,
          id,
          taker: site,
          takerIncarnation: incarnation,
          cause: 'another',
          payloadId: 'another',
        },
        ...{ epoch: topology.epoch, incarnation, lines: [{ sku: 'other', quantity: 1 }], now: Date.now() },
      },
      'own',
    ),
  );
  return formatTransferId(id);
}

test('what one site refuses keeps nothing from the others', async () => {
  const refused = await mixUp('north', 1);
  const lines = [{ sku: 'A', quantity: 10 }];
  await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'first', lines } });
  const { body } = await world.call('hq', 'POST', '/inventory/allocations', { body: { sites: ['north', 'south'] } });
  const workflowId = String(body['workflowId']);
  await world.finished('hq', workflowId);
  const run = await world.call('hq', 'GET', `/workflows/${encodeURIComponent(workflowId)}`);
  expect(run.body['result']).toMatchObject({ refused: [refused] });
  const levels = await world.call('south', 'GET', '/inventory/levels?sku=A');
  expect(levels.body.items).toMatchObject([{ own: 5 }]);
  const open = await world.call('hq', 'GET', '/inventory/transfers?state=in-flight');
  expect(open.body.items).toMatchObject([{ transfer: refused, taker: 'north', units: 5 }]);
});
