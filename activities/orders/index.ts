/** Orders between sites. */
import { type Transaction } from '../../db/database';
import { appendEvent, orderSubject } from '../../db/events';
import { returnSale } from '../../db/inventory';
import { bookAnswers, findOrder, soldLines } from '../../db/orders';
import { removeEntries } from '../../db/outbox';
import { loadTopology } from '../../db/topology';
import { type SiteContext } from '../context';
import { type SiteActivities } from '../contract';
import { receiveOrders } from './receive';

export { formOrderBatch, loadOrderBatch } from './batch';

/** The loser's units go back to where they were sold from; a site on the order's way up never had them. */
async function returnUnits(tx: Transaction, store: string, orderId: string, now: number): Promise<void> {
  const { topology, site, incarnation } = await loadTopology(tx, store);
  const order = await findOrder(tx, store, orderId);
  if (order?.site !== site) return;
  const lines = await soldLines(tx, store, orderId);
  const sale = { store, orderId, lines, epoch: topology.epoch, incarnation, now };
  await returnSale(tx, sale, order.incarnation);
  await appendEvent(tx, store, orderSubject(orderId), 'stock-returned', { by: site, lines }, now);
}

export function orderActivities(context: SiteContext): Pick<SiteActivities, 'receiveOrders' | 'bookOrderAnswers'> {
  const { db, runtime, log } = context;
  return {
    // Orders are facts: they are taken whatever the sender's epoch.
    receiveOrders: ({ batch }) => receiveOrders(context, batch),

    async bookOrderAnswers({ store, batch, answers }) {
      await db.transaction(async (tx) => {
        const now = runtime.clock.now();
        const changed = await bookAnswers(tx, store, answers, now);
        const lost = answers.filter(({ orderId, outcome }) => outcome === 'cancelled' && changed.includes(orderId));
        for (const { orderId } of lost) await returnUnits(tx, store, orderId, now);
        await removeEntries(
          tx,
          store,
          'order',
          answers.map(({ orderId }) => orderId),
        );
        tx.afterCommit(context.outboxHasWork);
      });
      log.info({ store, batch, orders: answers.length }, 'answers booked');
    },
  };
}
