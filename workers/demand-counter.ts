/** Counts what was asked for here and below, beside the sales. */
import { countDemand } from '../activities/inventory/demand';
import { type SiteContext } from '../activities/context';
import { Rounds } from './rounds';

const ROUND_INTERVAL_MS = 5_000;
/** While the database does not answer, the wait grows to this. */
const ROUND_INTERVAL_LONGEST_MS = 60_000;

export function demandCounter(context: SiteContext): Rounds {
  return new Rounds({
    everyMs: ROUND_INTERVAL_MS,
    longestMs: ROUND_INTERVAL_LONGEST_MS,
    round: (stopped) => countRound(context, stopped),
  });
}

async function countRound(context: SiteContext, stopped: () => boolean): Promise<boolean> {
  let done = true;
  for (const store of context.stores.keys()) {
    try {
      const counted = await countDemand(context, store, stopped);
      if (counted > 0) context.log.debug({ store, counted }, 'demand counted');
    } catch (err) {
      context.log.warn({ store, err }, 'demand could not be counted; it is tried again');
      done = false;
    }
  }
  return done;
}
