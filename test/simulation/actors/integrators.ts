/** Integrators have their carts ordered by a workflow, which converts the cart and waits for the order's answer. */
import { formatWorkflowId } from '../../../domain/workflow-ids';
import { type CartToPurchaseOrderInput } from '../../../domain/workflow-inputs';
import { STORE } from '../shop';
import { fillCart, wantCart } from './carts';
import { type Actor } from './index';
import { askForWorkflow } from './requests';

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
      await askForWorkflow(world, site, (topology) => {
        const id = { store: STORE, site: site.name, cart };
        const input: CartToPurchaseOrderInput = { ...id, topology };
        return { kind: 'cartToPurchaseOrder', workflowId: formatWorkflowId('cartToPurchaseOrder', id), input };
      });
    });
  },
};
