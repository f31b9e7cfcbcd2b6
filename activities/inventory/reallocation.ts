/** Moving units between the sites of one parent, while no buyer waits (figure 12). */
import { createHash } from 'node:crypto';
import { takeOnce } from '../../db/inbox';
import { levelsOf, lockRights } from '../../db/inventory';
import { type Transaction } from '../../db/database';
import { isNumbered, loadTopology } from '../../db/topology';
import {
  type StockLine,
  aboveFloor,
  lessOf,
  partOf,
  planBorrowing,
  stockOfOffers,
  sumBySku,
} from '../../domain/inventory';
import { type SiteContext, storeSettings } from '../context';
import { type GiftRequest, type PlannedTransfer, type SiteActivities } from '../contract';
import { giveNext, givenFor, planned } from './giving';
import { lendableOf } from './lending';

type ReallocationActivities = Pick<SiteActivities, 'reportNeeds' | 'reportSpare' | 'planReallocation' | 'giveStock'>;

export function reallocationActivities(context: SiteContext): ReallocationActivities {
  const { db, site, log } = context;
  const skusOf = (lines: readonly StockLine[]) => lines.map(({ sku }) => sku);
  /** The pool is there to be given; of its own a site keeps its floor. */
  const spareOf = async (store: string, skus: readonly string[]) => {
    const { giverFloor, central } = storeSettings(context, store).inventory;
    const { own, pool } = await levelsOf(db, store, skus);
    const lendable = lendableOf(await loadTopology(db, store), central.items, own);
    return sumBySku([...pool, ...aboveFloor(lendable, giverFloor)]);
  };
  return {
    async reportNeeds({ store, wanted }) {
      const { own, pool } = await levelsOf(db, store, skusOf(wanted));
      return lessOf(wanted, [...own, ...pool]);
    },

    async reportSpare({ store, lines }) {
      return partOf(lines, await spareOf(store, skusOf(lines)));
    },

    async planReallocation({ store, taker, needs, spare }) {
      const here = { site, lines: await spareOf(store, skusOf(needs)) };
      const pool = new Map(here.lines.map(({ sku, quantity }) => [sku, quantity]));
      const { fromPool, givers, missing } = planBorrowing(
        { asker: taker, lines: needs },
        stockOfOffers(needs, spare, (sku) => (taker === site ? 0 : (pool.get(sku) ?? 0))),
      );
      const own = fromPool.length > 0 ? [{ site, lines: fromPool }] : [];
      return { givers: [...own, ...givers], missing };
    },

    async giveStock(gift) {
      const transfers = await giveOnce(context, gift);
      log.info(
        { store: gift.store, request: gift.request, taker: gift.taker, transfers: transfers.length },
        'stock given',
      );
      return transfers;
    },
  };
}

/** An attempt may run late beside its successor: whoever is first decides, also where nothing is given. */
async function giveOnce(context: SiteContext, gift: GiftRequest): Promise<PlannedTransfer[]> {
  const { db, runtime } = context;
  const { store, request, taker, lines } = gift;
  const digest = createHash('sha256')
    .update(JSON.stringify([taker, lines]))
    .digest('hex');
  const asked = { store, sender: taker, payloadId: causeOf(request), kind: 'GiftRequest', digest };
  const answer = await db.transaction((tx) =>
    takeOnce(tx, { ...asked, now: runtime.clock.now() }, async () =>
      JSON.stringify((await givenBefore(tx, gift)) ?? (await give(context, tx, gift))),
    ),
  );
  return JSON.parse(answer) as PlannedTransfer[];
}

function causeOf(request: string): string {
  return `reallocation:${request}`;
}

async function givenBefore(tx: Transaction, { store, request }: GiftRequest): Promise<PlannedTransfer[] | null> {
  const known = await givenFor(tx, store, causeOf(request));
  return known.length === 0 ? null : known.map(planned);
}

async function give(context: SiteContext, tx: Transaction, gift: GiftRequest): Promise<PlannedTransfer[]> {
  const { store, request, taker, takerIncarnation, lines, until } = gift;
  const now = context.runtime.clock.now();
  const own = await loadTopology(tx, store);
  if (now > until || !isNumbered(own)) return [];
  const { domain, inventory } = storeSettings(context, store);
  const skus = lines.map(({ sku }) => sku);
  const fromPool = partOf(lines, await lockRights(tx, store, 'pool', skus));
  const { giverFloor, central } = inventory;
  const spare = aboveFloor(lendableOf(own, central.items, await lockRights(tx, store, 'own', skus)), giverFloor);
  const fromOwn = partOf(lessOf(lines, fromPool), spare);
  const transfers: PlannedTransfer[] = [];
  for (const [account, given] of [
    ['pool', fromPool],
    ['own', fromOwn],
  ] as const) {
    if (given.length === 0) continue;
    const about = { taker, takerIncarnation, cause: causeOf(request), domain, now };
    const { transfer } = await giveNext(tx, own, account, { ...about, lines: given });
    transfers.push(planned({ transfer, taker, lines: given }));
  }
  return transfers;
}
