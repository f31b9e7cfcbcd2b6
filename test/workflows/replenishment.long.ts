/** A site that looks for short items for months: the workflow begins anew, and loses nothing of what it is told. */
import { Client, Connection } from '@temporalio/client';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { SHORT } from '../../domain/workflow-inputs';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { until } from '../support/until';
import { World } from '../support/world';

const TOLD_AT_ONCE = 10;

/** Longer than the 4,096 events after which Temporal suggests to begin anew; it takes no more than 10,000 signals. */
const LONG_EVENTS = 4_200;

/** What is asked for after the workflow began anew, a request each. */
const ITEMS = ['A', 'B', 'C', 'D'];

test('after some hundred looks it begins anew, and goes on', async () => {
  const world = await World.start('sqlite', ['north']);
  const connection = await Connection.connect({ address: process.env[TEMPORAL_ADDRESS] ?? '' });
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const id = formatWorkflowId('inventoryReplenishment', { store: world.store, site: 'north' });
  const requests = async () => (await world.call('north', 'GET', '/inventory/replenishments')).body.items ?? [];
  try {
    await world.call('north', 'POST', '/inventory/replenishments');
    await until('the workflow', async () => (await client.workflow.getHandle(id).describe()).status.name === 'RUNNING');
    const { runId } = await client.workflow.getHandle(id).describe();
    const first = client.workflow.getHandle(id, runId);
    // Each signal is an event of the history, and so are the looks. A workflow that is told without end can't end a run.
    for (;;) {
      const { historyLength, status } = await first.describe();
      if (historyLength >= LONG_EVENTS || status.name !== 'RUNNING') break;
      await Promise.all(Array.from({ length: TOLD_AT_ONCE }, () => client.workflow.getHandle(id).signal(SHORT)));
    }
    await until('the next run', async () => (await first.describe()).status.name === 'CONTINUED_AS_NEW');
    const receipt = { receiptId: 'r', lines: ITEMS.map((sku) => ({ sku, quantity: 9 })) };
    await world.call('hq', 'POST', '/inventory/receipts', { body: receipt });
    for (const [index, sku] of ITEMS.entries()) {
      await world.call('north', 'PUT', `/inventory/thresholds/${sku}`, { body: { threshold: { units: 3 } } });
      await world.call('north', 'POST', '/inventory/replenishments');
      await until(
        `the answer for ${sku}`,
        async () => (await requests()).filter(({ state }) => state === 'answered').length === index + 1,
      );
    }
    const answers = ITEMS.map((sku) => ({ answers: [{ sku, outcome: 'full', granted: 6 }] }));
    expect(await requests()).toMatchObject(answers.toReversed());
  } finally {
    await connection.close();
    await world.stop();
  }
}, 300_000);
