/** Sharing stock out and taking it in (figures 8 and 9). */
import { readAllocation } from '../../cxml/inventory';
import { allocationCause, grantToSelf, lockPool, takeSequences, unitsGrantedToSelf } from '../../db/inventory';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import { INVENTORY_LINES_MAX, type Share, unitsOf } from '../../domain/inventory';
import { findSite } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type AllocationRequest, type PlannedTransfer, type PrimaryActivities, type SiteActivities } from '../contract';
import { openDocument } from '../sealing';
import { type StockView, sharesOf, viewFor } from './allocating';
import { giveAs, givenFor, planned } from './giving';
import { asRefusal, openSame, seal } from './sealed';
import { allocationOf, bookConfirmation, creditAllocation } from './transfer-documents';

type InventoryActivities = Pick<PrimaryActivities, 'planAllocation' | 'sealAllocation' | 'settleTransfer'> &
  Pick<SiteActivities, 'creditAllocation'>;

export function inventoryActivities(context: SiteContext): InventoryActivities {
  const { db, log } = context;
  return {
    async planAllocation(request) {
      const view = await viewFor(context, request);
      const plan = await db.transaction(async (tx) => {
        await requirePrimacy(tx, request.store, request.epoch);
        return (await plannedBefore(tx, request)) ?? (await planAllocation(context, tx, request, view));
      });
      log.info({ store: request.store, request: request.request, transfers: plan.transfers.length }, 'stock allocated');
      return plan;
    },

    async sealAllocation({ store, transfer }) {
      try {
        return await seal(context, 'InventoryAllocation', await allocationOf(context, store, transfer));
      } catch (error) {
        throw asRefusal(error);
      }
    },

    async creditAllocation({ document }) {
      try {
        const xml = await openSame(context, document, (opened) => readAllocation(opened).envelope);
        return await seal(context, 'InventoryConfirmation', await creditAllocation(context, document.store, xml));
      } catch (error) {
        throw asRefusal(error);
      }
    },

    async settleTransfer({ store, confirmation }) {
      const { sealing } = storeSettings(context, store);
      try {
        await bookConfirmation(context, store, await openDocument(confirmation, sealing));
      } catch (error) {
        throw asRefusal(error);
      }
    },
  };
}

/** Asked twice, the same request gives the same transfers. */
async function plannedBefore(
  tx: Transaction,
  { store, request }: AllocationRequest,
): Promise<{ transfers: PlannedTransfer[]; ownUnits: number } | null> {
  const known = await givenFor(tx, store, allocationCause(request));
  const ownUnits = await unitsGrantedToSelf(tx, store, request);
  if (known.length === 0 && ownUnits === null) return null;
  return { transfers: known.map(planned), ownUnits: ownUnits ?? 0 };
}

async function planAllocation(
  context: SiteContext,
  tx: Transaction,
  request: AllocationRequest,
  view: StockView,
): Promise<{ transfers: PlannedTransfer[]; ownUnits: number }> {
  const { store, epoch } = request;
  const own = await loadTopology(tx, store);
  const { topology, site, incarnation } = own;
  if (incarnation === 0)
    throw new TellableError(`site "${site}" has no incarnation yet: it must register before it gives stock`);
  const shares = sharesOf(context, topology, request, await lockPool(tx, store, request.skus), view);
  const now = context.runtime.clock.now();
  const ownShare = shares.find(({ taker }) => taker === site);
  const cause = allocationCause(request.request);
  const { domain } = storeSettings(context, store);
  if (ownShare) {
    const { lines } = ownShare;
    await grantToSelf(tx, { store, request: request.request, cause, lines, epoch, incarnation, now });
  }
  const documents = shares.filter(({ taker }) => taker !== site).flatMap(documentsOf);
  const first = await takeSequences(tx, store, incarnation, documents.length);
  const transfers: PlannedTransfer[] = [];
  for (const [index, { taker, lines }] of documents.entries()) {
    const { incarnation: takerIncarnation } = findSite(topology, taker);
    const gift = { taker, takerIncarnation, cause, lines, domain, now };
    const { transfer } = await giveAs(tx, own, 'pool', first + index, gift);
    transfers.push(planned({ transfer, taker, lines }));
  }
  return { transfers, ownUnits: ownShare ? unitsOf(ownShare.lines) : 0 };
}

/** One document a site, or several when it would have too many lines. */
function documentsOf({ taker, lines }: Share): Share[] {
  const documents: Share[] = [];
  for (let start = 0; start < lines.length; start += INVENTORY_LINES_MAX) {
    documents.push({ taker, lines: lines.slice(start, start + INVENTORY_LINES_MAX) });
  }
  return documents;
}
