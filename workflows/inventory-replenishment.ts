import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { condition, continueAsNew, log, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import { type ReplenishmentAsked, type SiteActivities } from '../activities/contract';
import { type InventoryReplenishmentInput, type LookResult } from '../domain/workflow-inputs';
import { TopologyWatch, askSite } from './hold';
import { THRESHOLDS_GOOD_FOR_MS } from './options';
import { Records } from './records';
import { short } from './signals';
import { startReallocation } from './start-reallocation';
import { Status } from './status';

const MINUTE_MS = 60_000;

/**
 * Sees to it that a site does not run low (figure 11): looks at all its items from time to time, or when it is told that
 * some are short, and asks its parent for what is below its threshold. Runs for as long as the site is there.
 */
export async function inventoryReplenishment(input: InventoryReplenishmentInput): Promise<never> {
  const { store, site } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const status = new Status('checking', `stock of ${site}`);
  const records = new Records();
  let told = false;
  let measuredAt: number | null = null;
  /** Short at the last look; null before the first. */
  let items: number | null = null;
  setHandler(short, () => void (told = true));

  for (;;) {
    const all = told;
    told = false;
    const everyMinutes = await replenish(all);
    await records.written();
    // The next run looks at once, so what is told from here on is not lost.
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof inventoryReplenishment>({ store, site, topology: watch.current });
    }
    // Step 1112.
    if (everyMinutes === 0) await condition(() => told);
    else await condition(() => told, everyMinutes * MINUTE_MS);
  }

  /**
   * Looks at every item once; answers how long to wait until the next time. `all`: whoever tells it to look wants what
   * nobody had a while ago, too.
   */
  async function replenish(all: boolean): Promise<number> {
    await measure();
    let found = 0;
    let after = '';
    for (;;) {
      // Steps 1100 to 1104.
      const { everyMinutes, asked, waiting = 0 } = await look(after, all);
      found += (asked?.document.count ?? 0) + waiting;
      const isLast = !asked || asked.next === null;
      if (isLast) items = found;
      if (asked) await ask(asked);
      if (isLast) {
        if (status.current !== 'refused') become('running', `${found} items of ${site} were short`);
        return everyMinutes;
      }
      after = asked.next;
    }
  }

  async function measure(): Promise<void> {
    if (measuredAt !== null && Date.now() - measuredAt < THRESHOLDS_GOOD_FOR_MS) return;
    await at(site, `thresholds of ${site}`, (activities) => activities.measureThresholds({ store }));
    measuredAt = Date.now();
  }

  function look(after: string, all: boolean): Promise<ReplenishmentAsked> {
    status.become('checking', `stock of ${site}`);
    const request = uuid4();
    return at(site, `what ${site} is short of`, (activities) =>
      activities.requestReplenishment({ store, request, after, all }),
    );
  }

  /** Steps 1106 to 1110. What a parent refuses is asked for again at the next look, of whoever is parent then. */
  async function ask({ document, parent }: NonNullable<ReplenishmentAsked['asked']>): Promise<void> {
    const { payloadID } = document;
    status.become('asking', `${document.count} items of ${parent}`);
    try {
      const answer = await at(parent, `request ${payloadID}`, (activities) =>
        activities.answerReplenishment({ document }),
      );
      const { confirmations, wanted } = await at(site, `answer ${answer.payloadID}`, (activities) =>
        activities.applyReplenishment({ document: answer }),
      );
      for (const confirmation of confirmations) {
        await at(parent, `settle ${confirmation.payloadID}`, (activities) =>
          activities.settleTransfer({ store, epoch: watch.current.epoch, confirmation }),
        );
      }
      if (wanted.length > 0) {
        const about = { store, site: parent, request: `${site}.${uuid4()}`, topology: watch.current };
        await startReallocation({ ...about, wanted: { taker: site, lines: wanted } }, payloadID);
      }
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : error;
      if (!(cause instanceof ApplicationFailure)) throw error;
      log.warn('a replenishment was refused', { payloadID, parent, reason: cause.message });
      become('refused', `${parent} refused request ${payloadID}`);
    }
  }

  function at<T>(where: string, summary: string, call: (activities: SiteActivities) => Promise<T>): Promise<T> {
    return askSite(watch, where, summary, call, (what) => become('held', what));
  }

  function become(state: 'running' | 'held' | 'refused', details: string): void {
    status.become(state, details);
    const result: LookResult = { details, short: items };
    const recorded = state === 'refused' ? 'running' : state;
    records.add(() =>
      askSite(
        watch,
        site,
        `record ${recorded}`,
        (activities) =>
          activities.recordWorkflow({ store, workflowId, state: recorded, result: JSON.stringify(result) }),
        () => undefined,
      ),
    );
  }
}
