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
import { type longStep, spin } from './long-step';

/** The SDK's own limit. */
const LIMIT_MS = 5_000;
/** Longer by far enough for a machine that gets faster meanwhile. */
const STEP_MS = 6_000;
const TURNS_MEASURED = 20_000_000;

test('a step of a workflow may take long', async () => {
  spin(TURNS_MEASURED);
  const startedAt = performance.now();
  spin(TURNS_MEASURED);
  const turns = Math.round((TURNS_MEASURED * STEP_MS) / (performance.now() - startedAt));
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
    const { sum } = await worker.runUntil(
      client.workflow.execute<typeof longStep>('longStep', {
        ...{ workflowId: queue, taskQueue: queue, args: [turns], workflowTaskTimeout: '1 minute' },
      }),
    );
    expect(sum).toBeGreaterThan(0);
    expect(performance.now() - begunAt).toBeGreaterThan(LIMIT_MS);
    process.stderr.write(`a step of ${Math.round(performance.now() - begunAt)} ms, meant to be of ${STEP_MS}\n`);
  } finally {
    await connection.close();
    await native.close();
  }
});
