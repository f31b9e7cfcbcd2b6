/** Orders between sites. */
import { loadTopology } from '../../db/topology';
import { returnSale } from '../../db/inventory';
import { bookAnswers, soldLines } from '../../db/orders';
import { removeEntries } from '../../db/outbox';
import { type SiteContext } from '../context';
import { type SiteActivities } from '../contract';
import { receiveOrders } from './receive';

export { loadOrderBatch } from './batch';

export function orderActivities(context: SiteContext): Pick<SiteActivities, 'receiveOrders' | 'bookOrderAnswers'> {
  const { db, runtime } = context;
  return {
    // Orders are facts: they are taken whatever the sender's epoch.
    receiveOrders: ({ batch }) => receiveOrders(context, batch),

    async bookOrderAnswers({ store, answers }) {
      await db.transaction(async (tx) => {
        const now = runtime.clock.now();
        const changed = await bookAnswers(tx, store, answers, now);
        const lost = answers.filter(({ orderId, outcome }) => outcome === 'cancelled' && changed.includes(orderId));
        if (lost.length > 0) {
          const { topology, incarnation } = await loadTopology(tx, store);
          const { epoch } = topology;
          for (const { orderId } of lost) {
            await returnSale(tx, {
              store,
              orderId,
              lines: await soldLines(tx, store, orderId),
              epoch,
              incarnation,
              now,
            });
          }
        }
        await removeEntries(
          tx,
          store,
          'order',
          answers.map(({ orderId }) => orderId),
        );
        tx.afterCommit(context.outboxHasWork);
      });
    },
  };
}
