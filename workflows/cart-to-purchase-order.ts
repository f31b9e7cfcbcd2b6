import { condition, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { type CartConversionResult, type SiteActivities } from '../activities/contract';
import { type OrderAnswer, type OrderState } from '../domain/orders';
import { parentOf } from '../domain/sites';
import { queueOfSite } from '../domain/topology';
import { type CartToPurchaseOrderInput } from '../domain/workflow-inputs';
import { TopologyWatch, deliver } from './hold';
import { smallDocument } from './options';
import { Records } from './records';
import { orderAnswered } from './signals';
import { Status } from './status';

export type CartToPurchaseOrderResult =
  | { readonly outcome: 'refused'; readonly problem: string; readonly detail: string }
  | { readonly outcome: OrderState | 'ordered'; readonly orderId: string };

/** An integrator's cart becomes a purchase order (figures 14 and 18): convert, then wait for the parent's answer. */
export async function cartToPurchaseOrder(input: CartToPurchaseOrderInput): Promise<CartToPurchaseOrderResult> {
  const { store, site, cart } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const status = new Status('converting', `cart ${cart} at ${site}`);
  const records = new Records();
  let answer: OrderAnswer | undefined;
  setHandler(orderAnswered, (answered) => void (answer = answered));

  const conversion = await convertCart();
  if (conversion.outcome === 'refused') return finish('failed', conversion);

  const { orderId, answered } = conversion;
  if (answered !== undefined) return finish('completed', { outcome: answered, orderId });
  record('running', { outcome: 'ordered', orderId });
  if (parentOf(watch.current, site) === null) return finish('completed', { outcome: 'ordered', orderId });
  status.become('delivering', `order ${orderId} waits for the answer of ${site}'s parent`);
  await condition(() => answer !== undefined);
  return finish('completed', { outcome: answer?.outcome ?? 'ordered', orderId });

  async function convertCart(): Promise<CartConversionResult> {
    return deliver(watch, {
      queue: (topology) => queueOfSite(topology, site),
      send: (queue) =>
        activities(queue, `convert cart ${cart}`).convertCart({
          store,
          cart,
          workflowId,
          ...(input.version === undefined ? {} : { version: input.version }),
        }),
      onHeld: () => status.become('held', `cart ${cart}: ${site} does not answer`),
    });
  }

  function record(state: string, result: CartToPurchaseOrderResult): void {
    const text = JSON.stringify(result);
    records.add(() =>
      activities(queueOfSite(watch.current, site), `record ${state}`).recordWorkflow({
        store,
        workflowId,
        state,
        result: text,
      }),
    );
  }

  async function finish(
    state: 'completed' | 'failed',
    result: CartToPurchaseOrderResult,
  ): Promise<CartToPurchaseOrderResult> {
    record(state, result);
    await records.written();
    await watch.leave();
    status.become(state, `cart ${cart}: ${result.outcome}`);
    return result;
  }
}

function activities(queue: string, summary: string): SiteActivities {
  return proxyActivities<SiteActivities>(smallDocument(queue, summary));
}
