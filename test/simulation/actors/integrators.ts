/** Integrators have their carts ordered by a workflow, which converts the cart and waits for the order's answer. */
import { loadTopology } from '../../../db/topology';
import { requestWorkflow } from '../../../db/workflow-runs';
import { formatWorkflowId } from '../../../domain/workflow-ids';
import { type CartToPurchaseOrderInput } from '../../../domain/workflow-inputs';
import { STORE } from '../shop';
import { fillCart, wantCart } from './carts';
import { type Actor } from './index';

export const integrators: Actor = {
  name: 'integrators',
  every: [1_500, 12_000],
  act(world) {
    const { dice } = world;
    const site = world.site(dice.pick([...world.sites.keys()]));
    const wanted = wantCart(world);
    const { cart } = wanted;
    world.outsideDoes('integrator', async () => {
      await fillCart(world, site, wanted);
      await world.ask(site, 'purchase order', async (context) => {
        const { db, runtime } = context;
        const { topology } = await loadTopology(db, STORE);
        const input: CartToPurchaseOrderInput = { store: STORE, site: site.name, cart, topology };
        await db.transaction(async (tx) => {
          await requestWorkflow(tx, {
            ...{ store: STORE, kind: 'cartToPurchaseOrder', input, requestedBy: 'integrator:simulated' },
            workflowId: formatWorkflowId('cartToPurchaseOrder', { store: STORE, site: site.name, cart }),
            ...{ epoch: topology.epoch, outboxId: runtime.ids.uuid(), traceContext: null, now: runtime.clock.now() },
          });
          tx.afterCommit(context.outboxHasWork);
        });
      });
    });
  },
};
