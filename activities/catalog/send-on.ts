/** Asking for a push from the transaction that gives the reason. */
import { type Transaction } from '../../db/database';
import { type Topology } from '../../domain/sites';
import { type CatalogPushInput } from '../../domain/workflow-inputs';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type SiteContext } from '../context';
import { askForWorkflow } from '../workflow-requests';

export interface PushOn {
  readonly catalog: string;
  /** The reason's name: asked twice, the same push is made once. */
  readonly request: string;
  /** What is published goes to these; absent: a draft is published, and goes to all children. */
  readonly sites?: readonly string[];
  readonly draft?: string;
  /** For example `site:north`. */
  readonly requestedBy: string;
}

export async function requestPush(
  context: SiteContext,
  tx: Transaction,
  topology: Topology,
  { catalog, request, sites, draft, requestedBy }: PushOn,
): Promise<void> {
  const { store, epoch } = topology;
  const id = { store, catalog, request };
  const input: CatalogPushInput = {
    ...{ ...id, topology },
    ...(sites ? { only: { sites } } : {}),
    ...(draft === undefined ? {} : { draft }),
    ...(topology.primary === context.site ? {} : { publisher: context.site }),
  };
  const workflowId = formatWorkflowId('catalogPush', id);
  await askForWorkflow(context, tx, { store, workflowId, kind: 'catalogPush', input, epoch, requestedBy });
}
