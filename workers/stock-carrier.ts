/** Brings what this site has lent to its takers, as long as they have not confirmed it. */
import { carryLent } from '../activities/inventory/carrying';
import { type SiteContext } from '../activities/context';
import { type Rounds, storeRounds } from './rounds';

/** How often what is on the way is looked at; while takers do not answer, less often. */
const WAITS = { everyMs: 1_000, retryMs: { first: 2_000, longest: 4_000 } };

export function stockCarrier(context: SiteContext): Rounds {
  return storeRounds(context, WAITS, 'lent stock could not be looked at; it is tried again', async (store) => {
    const { settled, left } = await carryLent(context, store);
    if (settled > 0) context.log.info({ store, settled, left }, 'lent stock confirmed');
    return left === 0;
  });
}
