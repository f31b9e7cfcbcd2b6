/** Starting a workflow through the API: 202, whether Temporal is up or not (design, section 7). */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { askForWorkflow } from '../activities/workflow-requests';
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
  await context.db.transaction(async (tx) => {
    await askForWorkflow(context, tx, { ...start, store: store.store, requestedBy: `${caller.role}:${caller.id}` });
  });
  const statusUrl = `${context.url}/v1/stores/${store.store}/workflows/${encodeURIComponent(start.workflowId)}`;
  return {
    status: 202,
    headers: { Location: statusUrl },
    body: { workflowId: start.workflowId, statusUrl, temporalUi: workflowPage(context, start.workflowId) },
  };
}
