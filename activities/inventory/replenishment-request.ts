/** Asking for the entity that looks what a site is short of: it is started, or told to look now. */
import { loadTopology } from '../../db/topology';
import { parentOf } from '../../domain/sites';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type InventoryReplenishmentInput } from '../../domain/workflow-inputs';
import { type SiteContext } from '../context';
import { askForEntity } from '../workflow-requests';

/** Answers the workflow's id; null at a site without a parent, which has nobody to ask. */
export async function lookForShortItems(
  context: SiteContext,
  store: string,
  requestedBy: string,
): Promise<string | null> {
  return context.db.transaction(async (tx) => {
    const { topology, site } = await loadTopology(tx, store);
    if (!parentOf(topology, site)) return null;
    const id = { store, site };
    const input: InventoryReplenishmentInput = { ...id, topology };
    const workflowId = formatWorkflowId('inventoryReplenishment', id);
    const requested = { store, workflowId, epoch: topology.epoch, requestedBy };
    await askForEntity(context, tx, { ...requested, kind: 'inventoryReplenishment', input });
    return workflowId;
  });
}
