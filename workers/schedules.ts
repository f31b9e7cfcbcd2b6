/** Keeps Temporal's schedules as the store's triggers say: each starts a catalogPush at its time. */
import { type Client, ScheduleNotFoundError, type ScheduleOptions } from '@temporalio/client';
import { type SiteContext } from '../activities/context';
import { type StoredTrigger, triggerTold, untoldTriggers } from '../db/catalog/triggers';
import { loadTopology } from '../db/topology';
import { formatScheduleId, isScheduled } from '../domain/catalog-triggers';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { type Topology } from '../domain/sites';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type CatalogPushInput } from '../domain/workflow-inputs';
import { startAttributes } from '../workflows/search-attributes';
import { CALL_TIMEOUT_MS } from './temporal-connection';

/** A time that came while Temporal was away is made up for when it returns, if it is not older than this. */
const CATCH_UP = '30 days';

export async function tellTriggers({ db, site, log }: SiteContext, client: Client, store: string): Promise<void> {
  const untold = await untoldTriggers(db, store);
  if (untold.length === 0) return;
  const { topology } = await loadTopology(db, store);
  if (topology.primary !== site) return;
  for (const trigger of untold) {
    await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () => tell(client, trigger, topology));
    await db.transaction((tx) => triggerTold(tx, trigger));
    log.info({ store, catalog: trigger.catalog, trigger: trigger.trigger, state: trigger.state }, 'trigger told');
  }
}

async function tell(client: Client, trigger: StoredTrigger, topology: Topology): Promise<void> {
  const handle = client.schedule.getHandle(formatScheduleId(trigger));
  // What it was is nothing to what it is to be; a schedule can't be told twice.
  await handle.delete().catch((error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  });
  const wanted = isScheduled(trigger.spec) && (trigger.state === 'active' || trigger.state === 'paused');
  if (wanted) await client.schedule.create(scheduleOf(trigger, topology));
}

function scheduleOf(trigger: StoredTrigger, topology: Topology): ScheduleOptions {
  const { store, catalog, draft, trigger: name, state } = trigger;
  const id = { store, catalog, request: name };
  const input: CatalogPushInput = { ...id, draft, trigger: name, topology };
  return {
    scheduleId: formatScheduleId(trigger),
    ...timesOf(trigger),
    action: {
      type: 'startWorkflow',
      workflowType: 'catalogPush',
      workflowId: formatWorkflowId('catalogPush', id),
      taskQueue: WORKFLOW_QUEUE,
      args: [input],
      typedSearchAttributes: startAttributes({ store }),
      staticSummary: `catalogue ${catalog}: trigger ${name}`,
    },
    // Behind a push that is held for the primary one more waits, which takes what was drafted meanwhile.
    policies: { overlap: 'BUFFER_ONE', catchupWindow: CATCH_UP },
    typedSearchAttributes: startAttributes({ store }),
    memo: { store, catalog, draft, trigger: name },
    state: { paused: state === 'paused', ...(trigger.spec.kind === 'at' ? { remainingActions: 1 } : {}) },
  };
}

function timesOf({ spec }: StoredTrigger): Pick<ScheduleOptions, 'spec'> {
  if (spec.kind === 'every') return { spec: { intervals: [{ every: spec.everySeconds * 1000 }] } };
  if (spec.kind === 'changes') throw new Error('a trigger that counts changes has no times');
  // A calendar knows whole seconds: an earlier one would come too soon, or be over before it is told.
  const at = new Date(Math.ceil(spec.at / SECOND_MS) * SECOND_MS);
  const month = MONTHS[at.getUTCMonth()] as (typeof MONTHS)[number];
  const calendar = { year: at.getUTCFullYear(), month, dayOfMonth: at.getUTCDate() };
  const time = { hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds() };
  return { spec: { calendars: [{ ...calendar, ...time }], timezone: 'UTC' } };
}

const SECOND_MS = 1_000;

const MONTHS = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'] as const),
  ...(['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
] as const;
