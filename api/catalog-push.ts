/** Starting the workflow that publishes a draft and sends the revision to the sites. */
import { type Topology } from '../domain/sites';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type Reply, type RouteRequest } from './route';
import { startWorkflow } from './workflow-requests';

export function startPush(
  request: RouteRequest<unknown, unknown, unknown>,
  { catalog, draft, topology }: { catalog: string; draft: string; topology: Topology },
): Promise<Reply> {
  const { context, store } = request;
  const id = { store: store.store, catalog, request: context.runtime.ids.uuid() };
  const workflowId = formatWorkflowId('catalogPush', id);
  const input = { ...id, draft, topology };
  return startWorkflow(request, { kind: 'catalogPush', workflowId, input, epoch: topology.epoch });
}
