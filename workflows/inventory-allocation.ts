import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { type PlannedTransfer, type PrimaryActivities, type SiteActivities } from '../activities/contract';
import { type SealedDocument } from '../domain/documents';
import { formatTransferId } from '../domain/inventory';
import { queueOfPrimary, queueOfSite } from '../domain/topology';
import { type InventoryAllocationInput } from '../domain/workflow-inputs';
import { unlessRefused } from './carry-transfer';
import { TopologyWatch, deliver } from './hold';
import { bulkWork, smallDocument } from './options';
import { Records } from './records';
import { Status } from './status';

export interface InventoryAllocationResult {
  readonly ownUnits: number;
  readonly transfers: readonly PlannedTransfer[];
  /** Those of them that a site has refused for ever. */
  readonly refused: readonly string[];
}

/**
 * Shares received stock out to the sites (figure 8), one document a site, and waits for the confirmations. What one site
 * refuses for ever keeps nothing from the others.
 */
export async function inventoryAllocation(input: InventoryAllocationInput): Promise<InventoryAllocationResult> {
  const { store, request, sites, skus, ownShare, sharing, requestedAt } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const status = new Status('allocating', `request ${request}`);
  const records = new Records();

  // Steps 800 to 804.
  const plan = await onPrimary('plan the allocation', (activities) =>
    activities.planAllocation({
      ...{ store, epoch: watch.current.epoch, request, sites, skus, ownShare },
      ...(sharing ? { sharing } : {}),
    }),
  );
  status.become('delivering', `${plan.transfers.length} transfers`);
  // Steps 808 and 810. One document at a time is brought in, so that no workflow task carries them all.
  const refused: string[] = [];
  const deliveries: Promise<void>[] = [];
  for (const transfer of plan.transfers) {
    await tryTo(transfer, async () => {
      const document = await seal(transfer);
      deliveries.push(tryTo(transfer, () => credit(transfer, document)));
    });
  }
  await Promise.all(deliveries);
  const result = { ...plan, refused };
  record('completed', result);
  await records.written();
  await watch.leave();
  const confirmed = `${plan.transfers.length - refused.length} transfers confirmed`;
  status.become('completed', refused.length > 0 ? `${confirmed}, ${refused.length} refused` : confirmed);
  return result;

  async function tryTo(transfer: PlannedTransfer, work: () => Promise<void>): Promise<void> {
    if ((await unlessRefused(transfer, work)) === 'refused') refused.push(formatTransferId(transfer.transfer));
  }

  function seal({ transfer }: PlannedTransfer): Promise<SealedDocument> {
    return onPrimary(`document of transfer ${formatTransferId(transfer)}`, (activities) =>
      activities.sealAllocation({ store, epoch: watch.current.epoch, transfer }),
    );
  }

  async function credit({ taker, transfer }: PlannedTransfer, document: SealedDocument): Promise<void> {
    const summary = `transfer ${formatTransferId(transfer)} to ${taker}`;
    const confirmation = await deliver(watch, {
      queue: (topology) => queueOfSite(topology, taker),
      send: (queue) => proxyActivities<SiteActivities>(smallDocument(queue, summary)).creditAllocation({ document }),
      onHeld: () => {
        status.become('held', `${summary}: ${taker} does not answer`);
        record('held', { ...plan, refused });
      },
    });
    await onPrimary(`settle ${summary}`, (activities) =>
      activities.settleTransfer({ store, epoch: watch.current.epoch, confirmation }),
    );
  }

  function record(state: string, result: InventoryAllocationResult): void {
    records.add(() =>
      deliver(watch, {
        queue: requestedAt === undefined ? queueOfPrimary : (topology) => queueOfSite(topology, requestedAt),
        send: (queue) =>
          proxyActivities<PrimaryActivities>(smallDocument(queue, `record ${state}`)).recordWorkflow({
            store,
            workflowId,
            state,
            result: JSON.stringify(result),
          }),
        onHeld: () => undefined,
      }),
    );
  }

  function onPrimary<T>(summary: string, call: (activities: PrimaryActivities) => Promise<T>): Promise<T> {
    return deliver(watch, {
      queue: queueOfPrimary,
      send: (queue) => call(proxyActivities<PrimaryActivities>(bulkWork(queue, summary))),
      onHeld: () => status.become('held', `${summary}: the primary does not answer`),
    });
  }
}
