/** Starting a workflow through the API: 202, whether Temporal is up or not (design, section 7). */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { requestWorkflow } from '../db/workflow-runs';
import { formatTraceparent } from '../domain/trace';
import { type WorkflowType } from '../domain/workflow-ids';
import { type Reply, type RouteRequest } from './route';

export const acceptedSchema = z
  .object({
    workflowId: z.string(),
    statusUrl: z.url(),
    temporalUi: z.url(),
  })
  .meta({ id: 'WorkflowAccepted' });

export interface WorkflowToStart {
  readonly kind: WorkflowType;
  readonly workflowId: string;
  /** The workflow's one argument. */
  readonly input: unknown;
  readonly epoch: number;
}

/** Queues the workflow in one transaction; the relay starts it at once, or when Temporal is back. */
export async function startWorkflow(
  { context, store, caller }: RouteRequest<unknown, unknown, unknown>,
  start: WorkflowToStart,
): Promise<Reply> {
  const { db, runtime } = context;
  await db.transaction(async (tx) => {
    await requestWorkflow(tx, {
      ...start,
      store: store.store,
      requestedBy: `${caller.role}:${caller.id}`,
      outboxId: runtime.ids.uuid(),
      traceContext: context.trace && formatTraceparent(context.trace),
      now: runtime.clock.now(),
    });
    tx.afterCommit(context.outboxHasWork);
  });
  const statusUrl = `${context.url}/v1/stores/${store.store}/workflows/${encodeURIComponent(start.workflowId)}`;
  return {
    status: 202,
    headers: { Location: statusUrl },
    body: { workflowId: start.workflowId, statusUrl, temporalUi: workflowPage(context, start.workflowId) },
  };
}
