/** A site as a process of its own, under a supervisor's eyes. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../workers/package-root';
import { failed } from '../exit-codes';
import { type TrialSite } from './layout';
import { SITE_STOP_GRACE_MS, type SiteReady } from './site-protocol';

/** How long a site may take to serve, milliseconds: opening a large database and migrating it take their time. */
const START_TIMEOUT_MS = 60_000;
/** glibc's arenas: one a thread keeps memory that no thread needs any more. */
const MALLOC_ARENA_MAX = '2';
/** Beyond the site's own grace, milliseconds: then it is killed. */
const KILL_AFTER_MS = SITE_STOP_GRACE_MS + 5_000;
/** Wait before a site that died is started again, milliseconds; doubles with every death in a row. */
const RESTART_WAIT_FIRST_MS = 500;
const RESTART_WAIT_LONGEST_MS = 30_000;
/** A site that served this long has not died in a row, milliseconds. */
const STEADY_AFTER_MS = 60_000;
/** Lines of a dead site's output that are shown. */
const LAST_WORDS_LINES = 8;

export interface Exit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds UTC. */
  readonly at: number;
}

export class SiteProcess {
  private child: ChildProcess | undefined;
  /** Its end is wanted, or it has not served yet: nobody starts it again. */
  private expected = true;
  private deaths = 0;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    readonly site: TrialSite,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly tell: (line: string) => void,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves when the site serves. */
  async start(): Promise<void> {
    const output = `${this.site.log}.out`;
    const handle = openSync(output, 'a', 0o600);
    const child = fork(join(PACKAGE_ROOT, 'dist', 'cli', 'main.js'), ['site', '--config', this.site.config], {
      // A process group of its own: Ctrl-C reaches the supervisor alone, which stops the sites in order.
      detached: true,
      stdio: ['ignore', handle, handle, 'ipc'],
      env: { MALLOC_ARENA_MAX, ...process.env, ...this.environment },
    });
    closeSync(handle);
    this.child = child;
    const startedAt = Date.now();
    child.once('exit', (code, signal) => this.onExit(child, startedAt, code, signal));
    await this.ready(child, output);
    this.expected = false;
  }

  /** Asks the site to finish and leave; kills it when it does not. */
  async stop(): Promise<void> {
    clearTimeout(this.restart);
    this.expected = true;
    const { child } = this;
    if (!child || hasExited(child)) return;
    const gone = exitOf(child);
    child.kill('SIGTERM');
    const overdue = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await gone;
    clearTimeout(overdue);
  }

  /** `kill -9`, and the proof that the process is gone; it is not started again by itself. */
  async kill(): Promise<Exit> {
    clearTimeout(this.restart);
    const { child } = this;
    if (!child || hasExited(child)) throw new Error(`site ${this.site.site} does not run: there is nothing to kill`);
    this.expected = true;
    const gone = exitOf(child);
    child.kill('SIGKILL');
    return gone;
  }

  private ready(child: ChildProcess, output: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => {
        child.kill('SIGKILL');
        reject(failed(`site ${this.site.site} did not serve within ${START_TIMEOUT_MS / 1000} s: see ${output}`));
      }, START_TIMEOUT_MS);
      child.once('message', (message: Partial<SiteReady>) => {
        clearTimeout(timeout);
        if (message.ready) resolve();
        else reject(failed(`site ${this.site.site} said ${JSON.stringify(message)} instead of being ready`));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timeout);
        reject(
          failed(
            `site ${this.site.site} ended before it served (${signal ?? `exit code ${code}`}): ${lastWords(output)}`,
          ),
        );
      });
    });
  }

  private onExit(child: ChildProcess, startedAt: number, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.expected || child !== this.child) return;
    this.deaths = Date.now() - startedAt > STEADY_AFTER_MS ? 1 : this.deaths + 1;
    const wait = Math.min(RESTART_WAIT_FIRST_MS * 2 ** (this.deaths - 1), RESTART_WAIT_LONGEST_MS);
    this.tell(
      `site ${this.site.site} died (${signal ?? `exit code ${code}`}; see ${this.site.log}); ` +
        `it is started again in ${wait / 1000} s`,
    );
    this.restart = setTimeout(() => {
      this.start().then(
        () => this.tell(`site ${this.site.site} serves again at ${this.site.url}`),
        (error: unknown) => this.tell(error instanceof Error ? error.message : String(error)),
      );
    }, wait);
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ pid: child.pid ?? 0, code, signal, at: Date.now() }));
  });
}

function lastWords(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LAST_WORDS_LINES);
  return lines.join('\n').trim() || `it said nothing (${file})`;
}
