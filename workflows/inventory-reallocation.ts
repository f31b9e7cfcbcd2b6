import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { type PlannedTransfer, type SiteActivities } from '../activities/contract';
import { type StockLine, formatTransferId } from '../domain/inventory';
import { childrenOf, findSite, parentOf } from '../domain/sites';
import { queueOfSite } from '../domain/topology';
import { type InventoryReallocationInput } from '../domain/workflow-inputs';
import { type Carried, type TransferToCarry, carryTransfer } from './carry-transfer';
import { TopologyWatch, askSite } from './hold';
import { GIFT_GOOD_FOR_MS, LEVELS_WAIT, smallDocument } from './options';
import { Records } from './records';
import { startReallocation } from './start-reallocation';
import { Status } from './status';

export interface InventoryReallocationResult {
  readonly transfers: readonly { readonly transfer: string; readonly taker: string; readonly outcome: Carried }[];
  /** What the taker lacked and nobody in reach had to spare. */
  readonly missing: readonly StockLine[];
}

/**
 * Moves units to a site that lacks them (figure 12): its needs of now, the levels of all sites that are reached, grants
 * from the pool and from as many givers as are needed, each debited first and credited once. It may change nothing. Or
 * it finishes one transfer that was given before.
 */
export async function inventoryReallocation(input: InventoryReallocationInput): Promise<InventoryReallocationResult> {
  const { store, site, request, wanted, given } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const status = new Status('analysing', given ? `transfer ${request} to ${given.taker}` : `request ${request}`);
  const records = new Records();

  const missing: StockLine[] = [];
  const transfers: TransferToCarry[] = given ? [given] : await gather();
  status.become('delivering', `${transfers.length} transfers`);
  // Step 1208.
  const carried = await Promise.all(
    transfers.map(async (transfer) => ({
      ...{ transfer: formatTransferId(transfer.transfer), taker: transfer.taker },
      outcome: await carryTransfer(watch, transfer, hold),
    })),
  );
  const result = { transfers: carried, missing };
  record('completed', result);
  await records.written();
  await watch.leave();
  status.become('completed', `${carried.length} transfers, ${missing.length} items still missing`);
  return result;

  /** Steps 1200 to 1206: answers what was given. */
  async function gather(): Promise<TransferToCarry[]> {
    if (!wanted) return [];
    const { taker } = wanted;
    const needs = await at(taker, `needs of ${taker}`, (activities) =>
      activities.reportNeeds({ store, wanted: wanted.lines }),
    );
    if (needs.length === 0) return [];
    const spare = await spareBelow(taker, needs);
    const plan = await at(site, 'whom to ask', (activities) =>
      activities.planReallocation({ store, taker, needs, spare }),
    );
    missing.push(...plan.missing);
    if (plan.missing.length > 0) await askAbove(plan.missing);
    const gifts = await Promise.all(plan.givers.map((giver) => giftOf(giver.site, taker, giver.lines)));
    return gifts.flat();
  }

  /** Step 1202: of the sites that are reached. */
  async function spareBelow(
    taker: string,
    lines: readonly StockLine[],
  ): Promise<{ site: string; lines: readonly StockLine[] }[]> {
    const others = childrenOf(watch.current, site).filter((child) => child.site !== taker);
    const reports = await Promise.all(
      others.map(async (other) => {
        const options = smallDocument(queueOfSite(watch.current, other.site), `levels of ${other.site}`);
        const activities = proxyActivities<SiteActivities>({ ...options, scheduleToCloseTimeout: LEVELS_WAIT });
        return activities.reportSpare({ store, lines }).then(
          (spare) => [{ site: other.site, lines: spare }],
          () => [],
        );
      }),
    );
    return reports.flat();
  }

  function giftOf(giver: string, taker: string, lines: readonly StockLine[]): Promise<PlannedTransfer[]> {
    const { incarnation: takerIncarnation } = findSite(watch.current, taker);
    const until = Date.now() + GIFT_GOOD_FOR_MS;
    return at(giver, `gift of ${giver} to ${taker}`, (activities) =>
      activities.giveStock({ store, request: `${site}.${request}`, taker, takerIncarnation, lines, until }),
    );
  }

  /** The sub-tree is short: its parent asks its own, which goes on by itself. */
  async function askAbove(lines: readonly StockLine[]): Promise<void> {
    const above = parentOf(watch.current, site);
    if (!above) return;
    const id = { store, site: above.site, request: `${site}.${request}` };
    await startReallocation({ ...id, wanted: { taker: site, lines }, topology: watch.current }, request);
  }

  function at<T>(where: string, summary: string, call: (activities: SiteActivities) => Promise<T>): Promise<T> {
    return askSite(watch, where, summary, call, hold);
  }

  function hold(what: string): void {
    status.become('held', what);
    record('held', null);
  }

  function record(state: string, recorded: InventoryReallocationResult | null): void {
    records.add(() =>
      askSite(
        watch,
        site,
        `record ${state}`,
        (activities) => activities.recordWorkflow({ store, workflowId, state, result: JSON.stringify(recorded) }),
        () => undefined,
      ),
    );
  }
}
