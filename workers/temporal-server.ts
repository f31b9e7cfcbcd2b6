/**
 * A Temporal server for trials and tests: found, downloaded or built, then run (design, section 9). In production the
 * server is elsewhere, and TEMPORAL_ADDRESS or the configuration names it.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import {
  type Environment,
  type Progress,
  announced,
  cacheFolder,
  findOnPath,
  install,
  isExecutable,
  withLock,
} from './program-cache';
import { runCommand } from './run-command';
import { GO_MINOR_MIN, TEMPORAL_CLI_VERSION, buildTemporalCli } from './temporal-build';

/** A network without internet must not make anyone wait. */
const DOWNLOAD_ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const PROBE_INTERVAL_MS = 100;
const LOG_TAIL_LINES = 5;

export interface FindOptions {
  readonly env?: Environment;
  readonly cacheDir?: string;
  readonly progress?: Progress;
}

export type FoundTemporal =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'binary'; readonly path: string; readonly source: 'path' | 'cache' | 'download' | 'build' };

/** Where the binary is kept between runs. */
export function temporalCacheDir(env: Environment = process.env): string {
  return cacheFolder(`temporal-${TEMPORAL_CLI_VERSION}`, env);
}

/** What is there already: TEMPORAL_ADDRESS, `temporal` on PATH, the cache; null when none is. */
export async function locateTemporal(options: FindOptions = {}): Promise<FoundTemporal | null> {
  const env = options.env ?? process.env;
  const address = env['TEMPORAL_ADDRESS'];
  if (address !== undefined && address !== '') return { kind: 'address', address };
  const onPath = await findOnPath('temporal', env);
  if (onPath !== null) return { kind: 'binary', path: onPath, source: 'path' };
  const cached = join(options.cacheDir ?? temporalCacheDir(env), 'temporal');
  return (await isExecutable(cached)) ? { kind: 'binary', path: cached, source: 'cache' } : null;
}

/** What is there already, else downloaded, else built; the error says what was tried and what to do. */
export async function findTemporal(options: FindOptions = {}): Promise<FoundTemporal> {
  const found = await locateTemporal(options);
  if (found) return found;
  const env = options.env ?? process.env;
  const cacheDir = options.cacheDir ?? temporalCacheDir(env);
  const progress = options.progress ?? (() => undefined);
  await mkdir(cacheDir, { recursive: true });
  return withLock(join(cacheDir, 'lock'), progress, async () => {
    const meanwhile = await locateTemporal(options);
    if (meanwhile) return meanwhile;
    const path = join(cacheDir, 'temporal');
    const downloaded = await attempt(() => download(path, progress));
    if (downloaded === null) return { kind: 'binary', path, source: 'download' };
    progress(`the download failed (${downloaded.message}); building it instead`);
    const built = await attempt(() => buildTemporalCli(path, env, progress));
    if (built === null) return { kind: 'binary', path, source: 'build' };
    throw new Error(
      `there is no Temporal server: TEMPORAL_ADDRESS is not set, "temporal" is not on PATH nor in ${cacheDir}, ` +
        `the download failed (${downloaded.message}), and the build failed (${built.message}). ` +
        `Install the Temporal CLI (https://docs.temporal.io/cli) or Go 1.${GO_MINOR_MIN}, or set TEMPORAL_ADDRESS`,
    );
  });
}

async function attempt(work: () => Promise<void>): Promise<Error | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The official archive, as the SDK fetches it. */
async function download(path: string, progress: Progress): Promise<void> {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `https://temporal.download/cli/archive/v${TEMPORAL_CLI_VERSION}?platform=${process.platform}&arch=${arch}`;
  progress(`downloading Temporal ${TEMPORAL_CLI_VERSION}`);
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_ANSWER_TIMEOUT_MS) });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const folder = await mkdtemp(join(dirname(path), 'download-'));
  try {
    const archive = join(folder, 'temporal.tar.gz');
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(archive));
    await runCommand('tar', ['-xzf', archive, '-C', folder], { cwd: folder });
    await install(join(folder, 'temporal'), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface StartOptions {
  readonly binary: string;
  /** The server's database file. */
  readonly dbFile: string;
  readonly logFile: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** Where the UI has payloads decoded; absent: nowhere. */
  readonly uiCodecEndpoint?: string;
  readonly progress?: Progress;
}

export interface RunningTemporal {
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Resolves when the server has ended, however it did. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Growth of the heap, in percent, before Go collects it. Go's own 100 costs a fifth of the server's time; this, memory. */
const GARBAGE_COLLECTION_PERCENT = '400';

/** Starts the development server and waits until it answers; an error carries the end of its log. */
export async function startTemporalServer(options: StartOptions): Promise<RunningTemporal> {
  await mkdir(dirname(options.dbFile), { recursive: true });
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.binary, serverArguments(options), {
    stdio: ['ignore', log, log],
    env: { GOGC: GARBAGE_COLLECTION_PERCENT, ...process.env },
  });
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = signal ?? `exit code ${code}`;
      resolve();
    });
  });
  const address = `${HOST}:${options.port}`;
  const stop = async () => {
    if (ended !== undefined) return;
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(force);
  };
  try {
    await announced(options.progress ?? (() => undefined), 'starting the Temporal server', () =>
      answers(address, options.namespace, () => ended),
    );
  } catch (error) {
    await stop();
    const tail = (await readFile(options.logFile, 'utf8')).trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
    throw new Error(`the Temporal server on port ${options.port} did not start: ${String(error)}\n${tail}`, {
      cause: error,
    });
  }
  return { address, uiUrl: `http://${HOST}:${options.uiPort}`, pid: child.pid ?? 0, exited, stop };
}

function serverArguments({ dbFile, port, uiPort, namespace, uiCodecEndpoint }: StartOptions): string[] {
  const dynamic = [
    // Without these two every hop waits some 50 ms.
    'history.transferProcessorMaxPollRPS=200',
    'history.timerProcessorMaxPollRPS=200',
    // With the few pollers of a trial, tasks of four partitions would mostly be forwarded from one to the other.
    'matching.numTaskqueueReadPartitions=1',
    'matching.numTaskqueueWritePartitions=1',
    // Each task that is done stays in its queue's list until the next look, and every new task has the list walked:
    // with the server's own 30 s that was a fifth of its time under load.
    ...['transfer', 'timer', 'visibility'].map((queue) => `history.${queue}ProcessorUpdateAckInterval="2s"`),
    // A black-holed poller would else swallow tasks for a minute.
    'frontend.keepAliveTime="10s"',
    'frontend.keepAliveTimeout="5s"',
    ...['frontend.rps', 'frontend.namespaceRPS', 'history.rps', 'matching.rps'].map((name) => `${name}=20000`),
  ];
  const attributes = ['EntrepotStore', 'EntrepotSite', 'EntrepotState', 'EntrepotDocument'];
  return [
    ...['server', 'start-dev', '--ip', HOST, '--port', String(port), '--ui-port', String(uiPort)],
    ...['--namespace', namespace, '--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=WAL'],
    // With a write-ahead log this survives any kill; only a loss of power could take the newest writes.
    ...['--sqlite-pragma', 'synchronous=1'],
    ...['--log-level', 'warn', '--ui-disable-news-fetch'],
    ...(uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', uiCodecEndpoint]),
    ...dynamic.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...attributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/** Resolves when the namespace can be described; throws when the server has ended or takes too long. */
async function answers(address: string, namespace: string, ended: () => string | undefined): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const connection = Connection.lazy({ address });
  try {
    for (;;) {
      const reason = ended();
      if (reason !== undefined) throw new Error(`it ended (${reason})`);
      try {
        await connection.withDeadline(Date.now() + 1_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error('it does not answer', { cause: error });
        await delay(PROBE_INTERVAL_MS);
      }
    }
  } finally {
    await connection.close();
  }
}
