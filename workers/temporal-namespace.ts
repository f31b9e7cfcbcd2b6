/** The namespace on a Temporal server of one's own; that of Temporal Cloud is made there. */
import { type Connection } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time';
import { isNotThere } from './grpc-error';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Makes the namespace when it is missing, and gives it the retention. */
export async function ensureNamespace(
  connection: Connection,
  namespace: string,
  retentionDays: number,
): Promise<'made' | 'changed' | 'unchanged'> {
  const wanted = retentionDays * DAY_MS;
  const retention = await retentionOf(connection, namespace);
  if (retention === wanted) return 'unchanged';
  const workflowExecutionRetentionPeriod = msToTs(wanted);
  if (retention === null) {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    return 'made';
  }
  const config = { workflowExecutionRetentionTtl: workflowExecutionRetentionPeriod };
  await connection.workflowService.updateNamespace({ namespace, config });
  return 'changed';
}

/** Milliseconds; null when there is no such namespace. */
async function retentionOf(connection: Connection, namespace: string): Promise<number | null> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const retention = config?.workflowExecutionRetentionTtl;
    return retention ? tsToMs(retention) : null;
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}
