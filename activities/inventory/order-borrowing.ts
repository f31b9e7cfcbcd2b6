/** Borrowing at the sale (figure 14, step 1406; figure 12): asked once for all the lines of which an order is short. */
import { createHash } from 'node:crypto';
import { borrowingForCart, shortOf } from '../../db/inventory';
import { loadTopology } from '../../db/topology';
import { missingOf, type ShortLine, sumBySku } from '../../domain/inventory';
import { type Cart } from '../../domain/carts';
import { type SiteContext, type StoreSettings } from '../context';
import { takePart } from './borrowing';

/**
 * Borrows what the cart's order lacks, until the deadline (milliseconds UTC). What an earlier attempt has asked for
 * without an answer is asked for again first, and nothing more while that is still without one. Answers the borrowing's
 * name; the sale finds out by itself what there is now.
 */
export async function borrowForCart(
  context: SiteContext,
  settings: StoreSettings,
  cart: Pick<Cart, 'store' | 'cartId' | 'lines'>,
  short: readonly ShortLine[],
  deadline: number,
): Promise<string> {
  const { db, site } = context;
  const { store, cartId } = cart;
  const { incarnation } = await loadTopology(db, store);
  const mine = { store, asker: site, taker: site, takerIncarnation: incarnation };
  const wanting = { lines: sumBySku(cart.lines) };
  let lacking = short;
  for (;;) {
    const { borrowing, begun } = await borrowingForCart(db, store, cartId, site, incarnation);
    const lines = missingOf(lacking);
    const digest = createHash('sha256').update(JSON.stringify(lines)).digest('hex');
    const asked = begun ?? { ...mine, borrowing, cartId, lines, digest };
    const { complete } = await takePart(context, settings, asked, deadline, wanting);
    if (!begun || !complete) return borrowing;
    lacking = await shortOf(db, store, cart.lines);
    if (lacking.length === 0) return borrowing;
  }
}
