import { workflowInfo } from '@temporalio/workflow';
import { type SiteActivities } from '../activities/contract';
import { type UpdateResult, formatTransferId, unitsOf } from '../domain/inventory';
import { findSite } from '../domain/sites';
import { type InventoryUpdateInput } from '../domain/workflow-inputs';
import { type Carried, carryTransfer } from './carry-transfer';
import { TopologyWatch, askSite } from './hold';
import { Records } from './records';
import { Status } from './status';

export interface InventoryUpdateResult extends UpdateResult {
  /** Of a recall: what has gone back to the parent. */
  readonly transfers: readonly { readonly transfer: string; readonly taker: string; readonly outcome: Carried }[];
}

/**
 * An unsolicited change of a site's stock (figure 13): it waits at the site's queue, is applied there once, and whoever
 * asked for it hears what could not be taken.
 */
export async function inventoryUpdate(input: InventoryUpdateInput): Promise<InventoryUpdateResult> {
  const { store, site, update, asker, kind, lines } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const { incarnation } = findSite(input.topology, site);
  const status = new Status('delivering', `${kind} ${update} to ${site}`);
  const records = new Records();

  const applied = await at(site, `${kind} ${update}`, (activities) =>
    activities.applyInventoryUpdate({ store, update, kind, lines, incarnation }),
  );
  const short = unitsOf(applied.result.short);
  status.become('applied', `${kind} ${update} at ${site}: ${short} units short`);
  // The asker hears of a shortage before what was recalled has arrived, which may take days.
  await at(asker, `result of ${update}`, (activities) =>
    activities.recordInventoryUpdate({ store, update, result: applied.result }),
  );
  const transfers = await Promise.all(
    applied.transfers.map(async ({ transfer, taker }) => ({
      ...{ transfer: formatTransferId(transfer), taker },
      outcome: await carryTransfer(watch, { transfer, taker }, hold),
    })),
  );
  const result = { ...applied.result, transfers };
  record('completed', result);
  await records.written();
  await watch.leave();
  status.become('completed', `${kind} ${update} at ${site}: ${short} units short`);
  return result;

  function at<T>(where: string, summary: string, call: (activities: SiteActivities) => Promise<T>): Promise<T> {
    return askSite(watch, where, summary, call, hold);
  }

  function hold(what: string): void {
    status.become('held', what);
    record('held', null);
  }

  function record(state: string, recorded: InventoryUpdateResult | null): void {
    records.add(() =>
      askSite(
        watch,
        asker,
        `record ${state}`,
        (activities) => activities.recordWorkflow({ store, workflowId, state, result: JSON.stringify(recorded) }),
        () => undefined,
      ),
    );
  }
}
