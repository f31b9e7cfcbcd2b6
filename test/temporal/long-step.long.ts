/**
 * A step of a workflow that takes longer than the SDK's five seconds, as it does where the machine was paused or is busy.
 * Ended by its time-out, which can end a whole site, it would only be tried again for ever here (decision 0054).
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { WORKFLOW_WORKER } from '../../workers/worker-options';
import { QUIET } from '../support/quiet-logger';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import type { longStep } from './long-step';

/** The SDK's own limit. */
const LIMIT_MS = 5_000;
const STEP_MS = 6_000;

test('a step of a workflow may take long', async () => {
  const address = String(process.env[TEMPORAL_ADDRESS]);
  const queue = `long-step-${randomUUID()}`;
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  try {
    const worker = await Worker.create({
      ...WORKFLOW_WORKER,
      ...{ connection: native, namespace: TEMPORAL_NAMESPACE, taskQueue: queue },
      workflowBundle: await bundleWorkflowCode({ workflowsPath: require.resolve('./long-step'), logger: QUIET }),
    });
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    const begunAt = performance.now();
    const waited = await worker.runUntil(
      client.workflow.execute<typeof longStep>('longStep', {
        ...{ workflowId: queue, taskQueue: queue, args: [STEP_MS], workflowTaskTimeout: '1 minute' },
      }),
    );
    expect(waited).toBe('timed-out');
    expect(performance.now() - begunAt).toBeGreaterThan(LIMIT_MS);
  } finally {
    await connection.close();
    await native.close();
  }
});
