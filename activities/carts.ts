/** An integrator's cart becomes an order (figure 18, step 1800). */
import { type SiteContext } from './context';
import { type SiteActivities } from './contract';
import { describeRefusal, sellCart } from './sale';

export function cartActivities(context: SiteContext): Pick<SiteActivities, 'convertCart'> {
  return {
    async convertCart({ store, cart, version, workflowId }) {
      const request = { store, cartId: cart, requestedBy: workflowId };
      const result = await sellCart(context, { ...request, ...(version === undefined ? {} : { version }) });
      if (result.outcome === 'ordered') return { outcome: 'ordered', orderId: result.orderId };
      const { refusal } = result;
      return { outcome: 'refused', problem: refusal.problem, detail: describeRefusal(refusal, cart) };
    },
  };
}
