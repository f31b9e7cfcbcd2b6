/**
 * What this site has lent, or given to a site that ran low, and its taker has not confirmed is brought to the taker: the
 * giver's side of every such transfer, whatever became of the answer that named it. A taker that is away gets it by a workflow, which outlives
 * this site.
 */
import { findTransfer, markTransfer, oldestLent } from '../../db/inventory';
import { type OwnTopology, loadTopology } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import { type TransferId, formatTransferId } from '../../domain/inventory';
import { type Site, findSite } from '../../domain/sites';
import { type InventoryReallocationInput } from '../../domain/workflow-inputs';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type Transaction } from '../../db/database';
import { type SiteContext, storeSettings } from '../context';
import { postToSite } from '../site-request';
import { askForWorkflow } from '../workflow-requests';
import { allocationOf, bookConfirmation } from './transfer-documents';

/** The answer to whoever borrows has this long before the giver asks what became of it, milliseconds. */
const ANSWER_TIME_MS = 2_000;
/** A taker that is reached has confirmed within this; from then on nobody here knows, milliseconds. */
const DOUBT_AFTER_MS = 10_000;
/** How long a taker may take to answer, milliseconds. */
const CONFIRMATION_WAIT_MS = 5_000;
/** Transfers of one round. */
const ROUND_MAX = 200;

/** One round; answers how many transfers it has settled, and how many it has not. */
export async function carryLent(
  context: SiteContext,
  store: string,
): Promise<{ readonly settled: number; readonly left: number }> {
  const { db, runtime } = context;
  const lent = await oldestLent(db, store, context.site, runtime.clock.now() - ANSWER_TIME_MS, ROUND_MAX);
  if (lent.length === 0) return { settled: 0, left: 0 };
  const own = await loadTopology(db, store);
  const takers = new Set(lent.map(({ taker }) => taker));
  const perTaker = await Promise.all(
    [...takers].map(async (taker) =>
      carryTo(
        context,
        own,
        taker,
        lent.filter((transfer) => transfer.taker === taker),
      ),
    ),
  );
  const settled = perTaker.reduce((sum, count) => sum + count, 0);
  return { settled, left: lent.length - settled };
}

interface Lent {
  readonly id: TransferId;
  readonly createdAt: number;
}

async function carryTo(context: SiteContext, own: OwnTopology, taker: string, lent: readonly Lent[]): Promise<number> {
  const { store } = own.topology;
  let settled = 0;
  for (const { id } of lent) {
    try {
      await carry(context, store, findSite(own.topology, taker), id);
      settled++;
    } catch (err) {
      // Whoever does not answer for one does not for the next.
      context.log.info({ store, taker, transfer: formatTransferId(id), err }, 'a lent transfer is not confirmed');
      break;
    }
  }
  const doubted = lent
    .slice(settled)
    .filter(({ createdAt }) => createdAt + DOUBT_AFTER_MS < context.runtime.clock.now());
  for (const { id } of doubted) await handOver(context, own, id, taker);
  return settled;
}

/** Brings one transfer to its taker, and books what that says. */
export async function carry(context: SiteContext, store: string, taker: Site, id: TransferId): Promise<void> {
  const { xml } = await allocationOf(context, store, id);
  const response = await postToSite(context, storeSettings(context, store), {
    url: `${taker.url}/v1/stores/${store}/inventory/transfers`,
    body: xml,
    headers: { 'Content-Type': 'text/xml; charset=UTF-8' },
    signal: AbortSignal.timeout(CONFIRMATION_WAIT_MS),
  });
  const answer = await response.text();
  if (!response.ok) {
    throw new TellableError(`site "${taker.site}" answered ${response.status} to transfer ${formatTransferId(id)}`);
  }
  await bookConfirmation(context, store, answer);
}

/** From here on a workflow has the transfer; this site goes on trying beside it. */
async function handOver(context: SiteContext, own: OwnTopology, id: TransferId, taker: string): Promise<void> {
  const { db, runtime } = context;
  await db.transaction(async (tx) => {
    const { store } = own.topology;
    if ((await findTransfer(tx, store, id))?.state !== 'in-flight') return;
    await markTransfer(tx, store, id, 'in-doubt', runtime.clock.now());
    await requestDelivery(context, tx, own, { transfer: id, taker });
  });
}

/** Asks for the workflow that brings a transfer of this site's to its taker, once. */
export async function requestDelivery(
  context: SiteContext,
  tx: Transaction,
  { topology, site }: OwnTopology,
  given: { readonly transfer: TransferId; readonly taker: string },
): Promise<string> {
  const { store, epoch } = topology;
  const id = { store, site, request: formatTransferId(given.transfer) };
  const input: InventoryReallocationInput = { ...id, given, topology };
  const workflowId = formatWorkflowId('inventoryReallocation', id);
  const requested = { store, workflowId, epoch, requestedBy: `site:${site}` };
  await askForWorkflow(context, tx, { ...requested, kind: 'inventoryReallocation', input });
  return workflowId;
}
