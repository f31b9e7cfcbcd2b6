/** The root's operator shares the pool out. */
import { loadTopology } from '../../../db/topology';
import { requestWorkflow } from '../../../db/workflow-runs';
import { childrenOf } from '../../../domain/sites';
import { formatWorkflowId } from '../../../domain/workflow-ids';
import { type InventoryAllocationInput } from '../../../domain/workflow-inputs';
import { ITEMS, STORE } from '../shop';
import { type Actor } from './index';

export const allocations: Actor = {
  name: 'allocations',
  every: [500, 9_000],
  act(world) {
    const { dice, root } = world;
    const children = childrenOf(world.topology, root.name).map(({ site }) => site);
    const sites = dice.oneIn(2) ? [] : dice.some(children, dice.between(1, children.length));
    const skus = dice.oneIn(2) ? [] : dice.some(ITEMS, dice.between(1, 2)).map(({ sku }) => sku);
    const ownShare = dice.oneIn(2);
    world.outsideDoes('allocation', () =>
      world.ask(root, 'allocation', async (context) => {
        const { db, runtime } = context;
        const { topology } = await loadTopology(db, STORE);
        const id = { store: STORE, request: runtime.ids.uuid() };
        const input: InventoryAllocationInput = { ...id, sites, skus, ownShare, topology };
        await db.transaction(async (tx) => {
          await requestWorkflow(tx, {
            ...{ store: STORE, workflowId: formatWorkflowId('inventoryAllocation', id), kind: 'inventoryAllocation' },
            ...{ input, requestedBy: 'operator:simulated', epoch: topology.epoch, outboxId: runtime.ids.uuid() },
            ...{ traceContext: null, now: runtime.clock.now() },
          });
          tx.afterCommit(context.outboxHasWork);
        });
      }),
    );
  },
};
