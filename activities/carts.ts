/** An integrator's cart becomes an order (figure 18, step 1800). */
import { findOrder } from '../db/orders';
import { TellableError } from '../domain/errors';
import { type SiteContext } from './context';
import { type SiteActivities } from './contract';
import { describeRefusal, sellCart } from './sale';

export function cartActivities(context: SiteContext): Pick<SiteActivities, 'convertCart'> {
  return {
    async convertCart({ store, cart, version, workflowId }) {
      const request = { store, cartId: cart, requestedBy: workflowId };
      const result = await sellCart(context, { ...request, ...(version === undefined ? {} : { version }) });
      if (result.outcome === 'refused') {
        const { refusal } = result;
        // Nothing is decided, and nobody waits at a counter: it is asked again until the primary answers.
        if (refusal.problem === 'primary-away') throw new TellableError(describeRefusal(refusal, cart));
        return { outcome: 'refused', problem: refusal.problem, detail: describeRefusal(refusal, cart) };
      }
      const { orderId } = result;
      const order = result.already ? await findOrder(context.db, store, orderId) : undefined;
      // Its answer goes to whoever asked for it, so a workflow that did not would wait for ever.
      if (order && order.requestedBy !== workflowId) {
        const detail = `cart ${cart} became order ${orderId} before: begin a new cart`;
        return { outcome: 'refused', problem: 'cart-ordered', detail };
      }
      if (!order || order.state === 'waiting') return { outcome: 'ordered', orderId };
      return { outcome: 'ordered', orderId, answered: order.state };
    },
  };
}
