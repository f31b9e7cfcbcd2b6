/** Asking for the entity that looks what a site is short of: it is started, or told to look now. */
import { loadTopology } from '../../db/topology';
import { requestEntity } from '../../db/workflow-runs';
import { parentOf } from '../../domain/sites';
import { formatTraceparent } from '../../domain/trace';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type InventoryReplenishmentInput } from '../../domain/workflow-inputs';
import { type SiteContext } from '../context';

/** Answers the workflow's id; null at a site without a parent, which has nobody to ask. */
export async function lookForShortItems(
  { db, runtime, trace, outboxHasWork }: SiteContext,
  store: string,
  requestedBy: string,
): Promise<string | null> {
  return db.transaction(async (tx) => {
    const { topology, site } = await loadTopology(tx, store);
    if (!parentOf(topology, site)) return null;
    const id = { store, site };
    const input: InventoryReplenishmentInput = { ...id, topology };
    const workflowId = formatWorkflowId('inventoryReplenishment', id);
    await requestEntity(tx, {
      ...{ store, workflowId, kind: 'inventoryReplenishment', input, epoch: topology.epoch, requestedBy },
      outboxId: runtime.ids.uuid(),
      traceContext: trace && formatTraceparent(trace),
      now: runtime.clock.now(),
    });
    tx.afterCommit(outboxHasWork);
    return workflowId;
  });
}
