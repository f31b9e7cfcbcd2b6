/** A site that has nothing yet asks for its share of what the primary keeps to grant (figure 8, step 800). */
import { wasGranted } from '../../db/inventory';
import { loadTopology } from '../../db/topology';
import { parentOf } from '../../domain/sites';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type InventoryAllocationInput } from '../../domain/workflow-inputs';
import { type SiteContext, type StoreSettings } from '../context';
import { askForWorkflow } from '../workflow-requests';

/** Its share by the store's rule, and nobody else's; answers the workflow's id, or null where there is nothing to ask for. */
export async function askForFirstShare(context: SiteContext, settings: StoreSettings): Promise<string | null> {
  const { db, runtime } = context;
  const { store, inventory } = settings;
  return db.transaction(async (tx) => {
    const { topology, site } = await loadTopology(tx, store);
    // The pool of any other parent is filled, and asked, by replenishments.
    if (parentOf(topology, site)?.site !== topology.primary || (await wasGranted(tx, store))) return null;
    const request = runtime.ids.uuid();
    const terms = { sites: [site], skus: [], ownShare: false, sharing: { ...inventory.allocation, only: true } };
    const input: InventoryAllocationInput = { store, request, ...terms, requestedAt: site, topology };
    const workflowId = formatWorkflowId('inventoryAllocation', { store, request });
    const requested = { store, workflowId, epoch: topology.epoch, requestedBy: `site:${site}` };
    await askForWorkflow(context, tx, { ...requested, kind: 'inventoryAllocation', input });
    return workflowId;
  });
}
