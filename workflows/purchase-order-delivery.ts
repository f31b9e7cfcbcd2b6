import { getExternalWorkflowHandle, log, proxyActivities } from '@temporalio/workflow';
import { type PrimaryActivities, type SiteActivities } from '../activities/contract';
import { type OrderAnswer } from '../domain/orders';
import { queueOfParent, queueOfSite } from '../domain/topology';
import { type PurchaseOrderDeliveryInput } from '../domain/workflow-inputs';
import { TopologyWatch, deliver } from './hold';
import { smallDocument } from './options';
import { orderAnswered } from './signals';
import { Status } from './status';

type OrderReceiver = Pick<PrimaryActivities & SiteActivities, 'receiveOrders'>;

/**
 * Takes one batch of orders from the site that sold them to its parent (figure 14, step 1408; figure 18): deliver,
 * hold while the parent is away, book the answers. The change of the cart's status rides on the order.
 */
export async function purchaseOrderDelivery(input: PurchaseOrderDeliveryInput): Promise<{ orders: number }> {
  const { store, site, batch, document } = input;
  const orders = document.count;
  const watch = new TopologyWatch(input.topology);
  const status = new Status('delivering', `${orders} orders from ${site} to ${document.receiver}`);

  const answers = await sendToParent();
  status.become('answered', `${orders} orders from ${site} answered by ${document.receiver}`);
  await bookAnswers(answers);
  await tellRequesters(answers);
  await watch.leave();
  status.become('completed', `${orders} orders from ${site} delivered and booked`);
  return { orders };

  async function sendToParent(): Promise<OrderAnswer[]> {
    return deliver(watch, {
      queue: (topology) => queueOfParent(topology, site),
      send: (queue) =>
        proxyActivities<OrderReceiver>(smallDocument(queue, `${orders} orders from ${site}`)).receiveOrders({
          store,
          epoch: watch.current.epoch,
          batch: document,
        }),
      onHeld: () => status.become('held', `${orders} orders from ${site}: ${document.receiver} does not answer`),
    });
  }

  async function bookAnswers(booked: OrderAnswer[]): Promise<void> {
    await deliver(watch, {
      queue: (topology) => queueOfSite(topology, site),
      send: (queue) =>
        proxyActivities<SiteActivities>(smallDocument(queue, `answers for ${orders} orders`)).bookOrderAnswers({
          store,
          batch,
          answers: booked,
        }),
      onHeld: () => status.become('held', `answers for ${orders} orders: ${site} does not answer`),
    });
  }

  async function tellRequesters(told: OrderAnswer[]): Promise<void> {
    for (const { orderId, workflowId } of input.notify) {
      const answer = told.find((candidate) => candidate.orderId === orderId);
      if (!answer) continue;
      try {
        await getExternalWorkflowHandle(workflowId).signal(orderAnswered, answer);
      } catch (error) {
        // The order is booked whatever became of the workflow that asked for it.
        log.warn('the workflow that asked for an order is gone', { workflowId, orderId, error: String(error) });
      }
    }
  }
}
