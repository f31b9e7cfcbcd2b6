/** Gives back to the primary what sites have reserved of central items and not used. */
import { type Expiries, newExpiries, returnExpired } from '../activities/inventory/returning';
import { type SiteContext, storeSettings } from '../activities/context';
import { type Rounds, storeRounds } from './rounds';

/** How often it is looked; while the database does not answer, less often. */
const WAITS = { everyMs: 5_000, retryMs: { first: 10_000, longest: 60_000 } };

export function reservationExpiry(context: SiteContext): Rounds {
  const expiries = new Map<string, Expiries>();
  return storeRounds(
    context,
    WAITS,
    'expired reservations could not be given back; it is tried again',
    async (store) => {
      const known = expiries.get(store) ?? newExpiries();
      expiries.set(store, known);
      await returnExpired(context, storeSettings(context, store), known);
      return true;
    },
  );
}
