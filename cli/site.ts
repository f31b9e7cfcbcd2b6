/** `entrepot site`: one site in this process, until it is told to stop. */
import { setFlagsFromString } from 'node:v8';
import { type Logger } from 'pino';
import { createLogger } from '../workers/log';
import { startSite } from '../workers/site';
import { installTemporalLog } from '../workers/temporal-log';
import { loadRunnableConfig } from './config';
import { failed } from './exit-codes';
import { print } from './output';
import { SITE_STOP_GRACE_MS, type SiteReady } from './trial/site-protocol';

/**
 * How far V8's heap may grow before its old objects are collected, percent of what lived after the last time. By its own
 * measure V8 lets it double and more: a primary that took orders at full speed stood at 317 MiB, and so at 250 MiB, at
 * the same speed.
 */
const HEAP_GROWING_PERCENT = 25;

export async function runSite(options: { config: string }): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const config = loadRunnableConfig(options.config);
  const stop = stopRequested();
  const log = createLogger(config);
  logItsOwnEnd(log);
  installTemporalLog(log);
  const site = await startSite(config).catch((error: unknown) => {
    throw failed(startProblem(config.site, config.listen, error), error);
  });
  const ready: SiteReady = { ready: true, url: site.url };
  if (process.send) process.send(ready);
  else print(`site ${site.site} serves at ${site.url}; Ctrl-C stops it`);
  const reason = await stop;
  site.context.log.info({ reason }, 'site is stopping');
  const overdue = setTimeout(() => {
    site.context.log.error({ graceMs: SITE_STOP_GRACE_MS }, 'site did not stop in time: what is under way is cut off');
    process.exit(1);
  }, SITE_STOP_GRACE_MS);
  // It also ends what is left of a dead link to Temporal, which would keep the process for another minute.
  overdue.unref();
  await site.stop();
  if (process.connected) process.disconnect();
}

/** Node would print all that such an error holds. */
function logItsOwnEnd(log: Logger): void {
  const end = (error: unknown) => {
    log.fatal({ err: error }, 'the site broke: start it again');
    process.exit(1);
  };
  process.on('uncaughtException', end).on('unhandledRejection', end);
}

function startProblem(site: string, listen: { host: string; port: number }, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as { code?: unknown };
  return code === 'EADDRINUSE'
    ? `site ${site} can't listen on ${listen.host}:${listen.port}: the port is taken; change listen.port`
    : `site ${site} can't start: ${message}`;
}

/** A signal, or the end of the process that started this one: a supervised site never outlives its supervisor. */
function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (process.send) process.once('disconnect', () => resolve('the supervisor is gone'));
  });
}
