/** A delivery that is held while nobody speaks for the topology: its receiver comes back with other data. */
import { Client, Connection } from '@temporalio/client';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

/** A tree of three sites. */
export function startTree(): Promise<World> {
  return World.start('sqlite', ['mid', 'north'], { parent: (site) => (site === 'north' ? 'mid' : 'hq') });
}

/** Sells at the lowest site while all above it and the authority are gone; resolves when its order was answered. */
export async function sellWithoutAuthority(world: World): Promise<void> {
  const connection = await Connection.connect({ address: String(process.env[TEMPORAL_ADDRESS]) });
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const authority = client.workflow.getHandle(formatWorkflowId('storeTopology', { store: world.store }));
  try {
    await world.pushItems(itemsCsv({ A: '1.00' }), ['mid']);
    const found = { updateId: 'found', site: 'north', kind: 'receipt', lines: [{ sku: 'A', quantity: 9 }] };
    await world.call('hq', 'POST', '/inventory/updates', { body: found });
    await until('goods to sell at north', async () => {
      const { body } = await world.call('north', 'GET', '/items/A');
      return Number(body['available'] ?? 0) > 0;
    });
    await world.stopSite('mid');
    await world.stopSite('hq');
    await authority.terminate('lost');
    const { body: sold } = await world.buy('north', [{ sku: 'A', quantity: 1 }]);
    await until('the question that nobody takes', async () => {
      const { body } = await world.call('north', 'GET', '/deliveries');
      const id = body.items?.find((row) => row['kind'] === 'orders')?.['workflowId'];
      const { events } = await client.workflow.getHandle(String(id)).fetchHistory();
      return events?.some((event) => event.signalExternalWorkflowExecutionFailedEventAttributes);
    });
    await world.loseDatabase('mid');
    await world.startSite('hq');
    await until('another authority', async () => (await authority.describe()).status.name === 'RUNNING');
    await world.startSite('mid');
    const state = () => world.orderState('north', String(sold['orderId']));
    await until('the answer', async () => (await state()) === 'accepted');
  } finally {
    await connection.close();
  }
}
