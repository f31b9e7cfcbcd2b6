/** Counts what was asked for here and below, beside the sales. */
import { countDemand } from '../activities/inventory/demand';
import { type SiteContext } from '../activities/context';
import { type Rounds, storeRounds } from './rounds';

/** How often it is counted; while the database does not answer, less often. */
const WAITS = { everyMs: 5_000, retryMs: { first: 10_000, longest: 60_000 } };

export function demandCounter(context: SiteContext): Rounds {
  return storeRounds(context, WAITS, 'demand could not be counted; it is tried again', async (store, stopped) => {
    const counted = await countDemand(context, store, stopped);
    if (counted > 0) context.log.debug({ store, counted }, 'demand counted');
    return true;
  });
}
