/** How a site's workers are set: how many of what at once, and how long for. */
import { type CompiledWorkerOptions, type WorkerOptions } from '@temporalio/worker';

/** A worker that dies costs its sticky workflows this long, not the default ten seconds. */
const STICKY_TIMEOUT = '1s';
/** Workflows kept in memory by one worker. */
const CACHED_WORKFLOWS_MAX = 50;
/** Activities of one queue at a time: more would only wait for the same database. */
const CONCURRENT_ACTIVITIES_MAX = 16;
/** Pollers of one queue. */
const ACTIVITY_POLLERS = 4;
const WORKFLOW_POLLERS = 4;
/** How long a stopping worker lets activities finish. */
const SHUTDOWN_GRACE = '5s';
/**
 * How long one step of a workflow may run by the wall's clock. A step that is cut short can take the whole process with it
 * ("async hook stack has become corrupted"), so with the SDK's five seconds a machine that was paused for six, or is
 * busy, can cost a site. An endless loop, the only thing to guard against, is as dead after an hour.
 */
const WORKFLOW_STEP_MAX = '1 hour';

/** The SDK takes the limit of a step, too, but does not offer it. */
type WorkflowWorkerOptions = Partial<WorkerOptions> & Pick<CompiledWorkerOptions, 'isolateExecutionTimeout'>;

export const WORKFLOW_WORKER: WorkflowWorkerOptions = {
  stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
  maxCachedWorkflows: CACHED_WORKFLOWS_MAX,
  workflowThreadPoolSize: 1,
  workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: WORKFLOW_POLLERS },
  isolateExecutionTimeout: WORKFLOW_STEP_MAX,
  shutdownGraceTime: SHUTDOWN_GRACE,
};

export const ACTIVITY_WORKER: Partial<WorkerOptions> = {
  maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES_MAX,
  activityTaskPollerBehavior: { type: 'simple-maximum', maximum: ACTIVITY_POLLERS },
  shutdownGraceTime: SHUTDOWN_GRACE,
};
