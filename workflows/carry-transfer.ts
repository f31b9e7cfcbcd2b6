/** Rights that were given are brought to their taker, however long it is away, and its giver hears of it. */
import { ActivityFailure, ApplicationFailure, log } from '@temporalio/workflow';
import { type SiteActivities } from '../activities/contract';
import { type TransferId, formatTransferId } from '../domain/inventory';
import { type TopologyWatch, askSite } from './hold';

export interface TransferToCarry {
  readonly transfer: TransferId;
  readonly taker: string;
}

/**
 * `refused`: its taker has given it up for ever, and its giver has the units or knows where they are; or its giver has
 * lost it with its data. Whoever carries others beside it goes on with those.
 */
export type Carried = 'settled' | 'refused';

export async function carryTransfer(
  watch: TopologyWatch,
  { transfer, taker }: TransferToCarry,
  onHeld: (what: string) => void,
): Promise<Carried> {
  const { giver } = transfer;
  const { store } = watch.current;
  const name = `transfer ${formatTransferId(transfer)}`;
  return unlessRefused({ transfer, taker }, async () => {
    const document = await at(giver, `document of ${name}`, (activities) =>
      activities.sealAllocation({ store, epoch: watch.current.epoch, transfer }),
    );
    const confirmation = await at(taker, `${name} to ${taker}`, (activities) =>
      activities.creditAllocation({ document }),
    );
    await at(giver, `settle ${name}`, (activities) =>
      activities.settleTransfer({ store, epoch: watch.current.epoch, confirmation }),
    );
  });

  function at<T>(site: string, summary: string, call: (activities: SiteActivities) => Promise<T>): Promise<T> {
    return askSite(watch, site, summary, call, onHeld);
  }
}

/** Does what brings a transfer on; says so when a site refuses it for ever, and leaves the caller to go on. */
export async function unlessRefused({ transfer, taker }: TransferToCarry, work: () => Promise<void>): Promise<Carried> {
  try {
    await work();
    return 'settled';
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (!(cause instanceof ApplicationFailure)) throw error;
    log.warn('a transfer was refused', { transfer: formatTransferId(transfer), taker, reason: cause.message });
    return 'refused';
  }
}
