/**
 * A Temporal server for trials and tests: found, downloaded or built, then run (design, section 9). In production the
 * server is elsewhere, and TEMPORAL_ADDRESS or the configuration names it.
 */
import { spawn } from 'node:child_process';
import { constants, createWriteStream, openSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { runCommand } from './run-command';

/** The command line tool's release that is downloaded or built: server 1.31.2, UI 2.50.1. */
export const TEMPORAL_CLI_VERSION = '1.8.2';
/** cliext has no release of its own; this is the commit that the CLI's release was made with. */
const CLIEXT_VERSION = 'v0.0.0-20260731000218-c579925f193f';
/** Oldest Go that builds it. */
const GO_MINOR_MIN = 26;

/** A network without internet must not make anyone wait. */
const DOWNLOAD_ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const PROBE_INTERVAL_MS = 100;
const PROGRESS_INTERVAL_MS = 5_000;
/** Another process that builds the same binary is waited for this long. */
const LOCK_TIMEOUT_MS = 15 * 60_000;
const LOG_TAIL_LINES = 5;

export type Progress = (line: string) => void;
type Environment = Readonly<Record<string, string | undefined>>;

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
  const base = env['ENTREPOT_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'entrepot');
  return join(base, `temporal-${TEMPORAL_CLI_VERSION}`);
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
    const built = await attempt(() => build(path, env, progress));
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

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

export async function findOnPath(name: string, env: Environment): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    if (await isExecutable(join(folder, name))) return join(folder, name);
  }
  return null;
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

async function build(path: string, env: Environment, progress: Progress): Promise<void> {
  const go = await findOnPath('go', env);
  if (go === null) throw new Error('Go is not installed');
  const version = await runCommand(go, ['env', 'GOVERSION']);
  const minor = Number(/^go1\.(\d+)/.exec(version.trim())?.[1] ?? 0);
  if (minor < GO_MINOR_MIN) throw new Error(`Go is ${version.trim()}: go1.${GO_MINOR_MIN} or later is needed`);
  const folder = await mkdtemp(join(dirname(path), 'build-'));
  try {
    await writeFile(join(folder, 'go.mod'), goModule());
    await writeFile(
      join(folder, 'main.go'),
      'package main\n\nimport _ "github.com/temporalio/cli/cmd/temporal"\n\nfunc main() {}\n',
    );
    await announced(progress, 'fetching the sources of the Temporal server (once, about a minute)', () =>
      runCommand(go, ['mod', 'tidy'], { cwd: folder, env }),
    );
    await announced(progress, 'building the Temporal server (once, two to four minutes)', () =>
      runCommand(go, ['build', '-ldflags', '-s -w', '-o', 'temporal', 'github.com/temporalio/cli/cmd/temporal'], {
        cwd: folder,
        env,
      }),
    );
    await install(join(folder, 'temporal'), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function goModule(): string {
  const cliext = 'github.com/temporalio/cli/cliext';
  return [
    'module entrepot.dev/temporal',
    `go 1.${GO_MINOR_MIN}`,
    `require github.com/temporalio/cli v${TEMPORAL_CLI_VERSION}`,
    `replace ${cliext} => ${cliext} ${CLIEXT_VERSION}`,
    '',
  ].join('\n');
}

/** It must run before it counts; renamed into place, so that nobody finds half of it. */
async function install(from: string, to: string): Promise<void> {
  await chmod(from, 0o755);
  await runCommand(from, ['--version']);
  await rename(from, to);
}

/** Says that the work goes on, every few seconds. */
export async function announced<T>(progress: Progress, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  progress(what);
  const timer = setInterval(
    () => progress(`${what}: ${Math.round((Date.now() - startedAt) / 1000)} s so far`),
    PROGRESS_INTERVAL_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** One process at a time; a lock whose holder is gone is taken over. */
async function withLock<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (let told = false; ; told = true) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
    if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
    else if (Date.now() > deadline)
      throw new Error(`process ${holder} holds ${file} for too long: end it, or remove the file`);
    else {
      if (!told) progress(`process ${holder} is getting the Temporal server: waiting for it`);
      await delay(PROBE_INTERVAL_MS);
    }
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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

/** Starts the development server and waits until it answers; an error carries the end of its log. */
export async function startTemporalServer(options: StartOptions): Promise<RunningTemporal> {
  await mkdir(dirname(options.dbFile), { recursive: true });
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.binary, serverArguments(options), { stdio: ['ignore', log, log] });
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

function serverArguments({ dbFile, port, uiPort, namespace }: StartOptions): string[] {
  const dynamic = [
    // Without these two every hop waits some 50 ms.
    'history.transferProcessorMaxPollRPS=200',
    'history.timerProcessorMaxPollRPS=200',
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
