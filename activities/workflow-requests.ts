/** Asking for a workflow in the transaction that gives the reason; the relay starts it when that is committed. */
import { type Transaction } from '../db/database';
import { type WorkflowRequest, requestEntity, requestWorkflow } from '../db/workflow-runs';
import { formatTraceparent } from '../domain/trace';
import { type SiteContext } from './context';

export type WorkflowWanted = Pick<WorkflowRequest, 'store' | 'workflowId' | 'kind' | 'input' | 'requestedBy' | 'epoch'>;

/** Asked for the same id again, nothing changes. */
export function askForWorkflow(context: SiteContext, tx: Transaction, wanted: WorkflowWanted): Promise<void> {
  return ask(context, tx, wanted, requestWorkflow);
}

/** One that runs for as long as its subject is there: asked for again, it is told again. */
export function askForEntity(context: SiteContext, tx: Transaction, wanted: WorkflowWanted): Promise<void> {
  return ask(context, tx, wanted, requestEntity);
}

async function ask(
  { runtime, trace, outboxHasWork }: SiteContext,
  tx: Transaction,
  wanted: WorkflowWanted,
  request: typeof requestWorkflow,
): Promise<void> {
  const outboxId = runtime.ids.uuid();
  const traceContext = trace && formatTraceparent(trace);
  await request(tx, { ...wanted, outboxId, traceContext, now: runtime.clock.now() });
  tx.afterCommit(outboxHasWork);
}
