/** Brings what this site has lent to its takers, as long as they have not confirmed it. */
import { carryLent } from '../activities/inventory/carrying';
import { type SiteContext } from '../activities/context';
import { Rounds } from './rounds';

/** How often what is on the way is looked at. */
const ROUND_INTERVAL_MS = 1_000;
/** While takers do not answer, the wait grows to this. */
const ROUND_INTERVAL_LONGEST_MS = 4_000;

export function stockCarrier(context: SiteContext): Rounds {
  return new Rounds({
    everyMs: ROUND_INTERVAL_MS,
    longestMs: ROUND_INTERVAL_LONGEST_MS,
    round: () => carryRound(context),
  });
}

/** True when every taker that was asked has answered. */
async function carryRound(context: SiteContext): Promise<boolean> {
  let done = true;
  for (const store of context.stores.keys()) {
    try {
      const { settled, left } = await carryLent(context, store);
      if (settled > 0) context.log.info({ store, settled, left }, 'lent stock confirmed');
      done &&= left === 0;
    } catch (err) {
      context.log.warn({ store, err }, 'lent stock could not be looked at; it is tried again');
      done = false;
    }
  }
  return done;
}
