/** What one attempt at an activity has of its own: a logger that names it, and a step in the trace that asked for it. */
import { Context, heartbeat } from '@temporalio/activity';
import { allActivities } from '../activities';
import { type SiteContext } from '../activities/context';
import { type SiteActivities } from '../activities/contract';
import { withFields } from '../activities/log-fields';
import { type TopologyListener } from '../activities/topology';
import { type Traced, parseTraceparent } from '../domain/trace';
import { failureToTell } from './activity-failures';

/** Every activity takes one argument (activities/contract.ts). */
type Activity = (input: Traced) => Promise<unknown>;
type Activities = Readonly<Record<string, Activity>>;

/** These show by heartbeats of their own that they get on: a stream that stands still must be found out. */
const OWN_PROGRESS: ReadonlySet<string> = new Set<keyof SiteActivities>(['applyCatalog']);
/** One may come late, or be lost. */
const BEATS_PER_TIMEOUT = 4;

/** The site's activities for its workers. */
export function scopedActivities(context: SiteContext, listener: TopologyListener): Activities {
  const names = Object.keys(allActivities(context, listener));
  return Object.fromEntries(names.map((name) => [name, (input: Traced) => attempt(context, listener, name, input)]));
}

async function attempt(site: SiteContext, listener: TopologyListener, activity: string, input: Traced) {
  const { workflowExecution, attempt, heartbeatTimeoutMs } = Context.current().info;
  const { workflowId = '' } = workflowExecution ?? {};
  const span = site.tracing.start(activity, {
    kind: 'consumer',
    parent: parseTraceparent(input.traceContext),
    attributes: { 'entrepot.workflow_id': workflowId, 'entrepot.attempt': attempt },
  });
  const log = withFields(site.log, { workflowId, activity, attempt, traceId: span.trace.traceId });
  const context = { ...site, log, trace: span.trace };
  const activities = allActivities(context, listener) as unknown as Activities;
  const { clock } = site.runtime;
  const startedAt = clock.now();
  const life = OWN_PROGRESS.has(activity) ? undefined : showLife(heartbeatTimeoutMs);
  try {
    const result = await activities[activity]?.(input);
    const durationMs = clock.now() - startedAt;
    log.debug({ durationMs }, 'activity done');
    site.metrics.attempted(activity, 'done', durationMs);
    span.end();
    return result;
  } catch (err) {
    const durationMs = clock.now() - startedAt;
    log.warn({ err, durationMs }, 'activity failed');
    site.metrics.attempted(activity, 'failed', durationMs);
    span.end({}, err);
    throw failureToTell(err, site.site);
  } finally {
    clearInterval(life);
  }
}

/** Where a heartbeat is asked for, Temporal learns while the work goes on that its worker lives. */
function showLife(heartbeatTimeoutMs: number | undefined): NodeJS.Timeout | undefined {
  if (heartbeatTimeoutMs === undefined) return undefined;
  return setInterval(() => heartbeat(), heartbeatTimeoutMs / BEATS_PER_TIMEOUT);
}
