/**
 * A delivery of a catalogue that is asked again for what it has just brought, by a parent that has lost its table
 * meanwhile: as when the parent's database is gone and the workers' next step of the delivery came late.
 */
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { loadTopology } from '../../db/topology';
import { formatRevision, showRevision } from '../../domain/catalog';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { WORKFLOW_WORKER } from '../../workers/worker-options';
import { WORKFLOW_BUNDLE } from '../../workers/workflow-bundle';
import { type catalogDelivery } from '../../workflows/catalog-delivery';
import { startAttributes } from '../../workflows/search-attributes';
import { deliverRevision } from '../../workflows/signals';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { until } from '../support/until';
import { CATALOG, type World } from '../support/world';

const SITE = 'north';
/** Revision 1.1, which the world has published and its site has. */
const TARGET = formatRevision(1, 1);

/** What the primary's table says of the site. */
export async function stateInTable(world: World): Promise<unknown> {
  const { body } = await world.call('hq', 'GET', `/catalogs/${CATALOG}/status`);
  return body.items?.find((row) => row['site'] === SITE)?.['state'];
}

/** `world` runs, has published once, and its site has that. Resolves when the delivery has ended. */
export async function askAgainAfterLoss(world: World): Promise<void> {
  const { store } = world;
  const address = String(process.env[TEMPORAL_ADDRESS]);
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const loseTable = () => world.site('hq').context.db.run('DELETE FROM catalog_confirmations WHERE site = ?', [SITE]);
  try {
    // On a queue of its own, so that it takes its steps when they are due here.
    const workflowId = formatWorkflowId('catalogDelivery', { store, catalog: CATALOG, site: SITE });
    const taskQueue = `${workflowId}-alone`;
    const makeWorker = () =>
      Worker.create({
        ...WORKFLOW_WORKER,
        ...{ connection: native, namespace: TEMPORAL_NAMESPACE, taskQueue },
        workflowBundle: { codePath: WORKFLOW_BUNDLE },
      });
    const { topology } = await loadTopology(world.site('hq').context.db, store);
    const input = { store, catalog: CATALOG, partition: '', site: SITE, topology };
    await world.stopSite(SITE);
    await loseTable();

    const worker = await makeWorker();
    const handle = await worker.runUntil(async () => {
      const started = await client.workflow.start<typeof catalogDelivery>('catalogDelivery', {
        ...{ workflowId, taskQueue, args: [{ ...input, wanted: { target: TARGET, reportTo: [] } }] },
        typedSearchAttributes: startAttributes({ store, site: SITE, document: `${CATALOG}@${showRevision(TARGET)}` }),
      });
      await until('the hold', async () => (await stateInTable(world)) === 'held');
      await world.stopSite('hq');
      await world.startSite(SITE);
      await until('the confirmation to wait for the primary', async () => {
        const pending = await pendingAt(started);
        return pending.length === 1 && pending[0] === 'recordCatalogDelivery';
      });
      return started;
    });
    await world.startSite('hq');
    await until('the confirmation', async () => (await stateInTable(world)) === 'confirmed');
    await loseTable();
    await handle.signal(deliverRevision, { target: TARGET, reportTo: ['a push that has ended'] });
    await (await makeWorker()).runUntil(handle.result());
  } finally {
    await connection.close();
    await native.close();
  }
}

/** The activities that have not ended. */
async function pendingAt(handle: WorkflowHandle): Promise<unknown[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name);
}
