/** What Temporal's SDK has to say goes to the site's log. */
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import { type Logger } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'debug', ERROR: 'error' } as const;

/** To be called once a process, before anything connects; signals stay the process's own business. */
export function installTemporalLog(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // The SDK's records carry whole objects; a few fields are what an operator needs.
      const { taskQueue, workflowId, activityType, error } = (meta ?? {}) as Record<string, unknown>;
      const fault = error === undefined ? {} : { err: error };
      log[LEVELS[level]](
        { source: 'temporal', queue: taskQueue, workflowId, activity: activityType, ...fault },
        message,
      );
    }),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}
