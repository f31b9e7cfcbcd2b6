/** Sites as processes of their own, to be killed with kill -9. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until';
import { type World } from './world';

/** The command of this release. */
export const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

export class Processes {
  private readonly children = new Map<string, ChildProcess>();

  constructor(
    private readonly world: World,
    /** Words before a site's command line, for example to run it in a network namespace. */
    private readonly commandAt: (site: string) => readonly string[] = () => [],
  ) {}

  /** Starts the site's process, of this release or of the one whose command `main` is, and waits until it serves. */
  async start(site: string, main = MAIN): Promise<void> {
    const log = openSync(join(this.world.folder, `${site}.out`), 'a');
    const words = [...this.commandAt(site), process.execPath, main, 'site', '--config', this.world.configFile(site)];
    const [program = '', ...rest] = words;
    const child = spawn(program, rest, { stdio: ['ignore', log, log] });
    this.children.set(site, child);
    await until(`site ${site} to serve`, async () => {
      if (child.exitCode !== null) throw new Error(`site ${site} ended with ${child.exitCode}: see ${site}.out`);
      return (await fetch(`${this.world.config(site).url}/readyz`)).ok;
    });
  }

  async startAll(): Promise<void> {
    await Promise.all([...this.world.configs.keys()].map((site) => this.start(site)));
    await this.world.registered();
  }

  /** kill -9; resolves when the process is provably gone. */
  async kill(site: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.children.get(site);
    if (!child) throw new Error(`site "${site}" has no process`);
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await gone;
    }
    this.children.delete(site);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.children.keys()].map((site) => this.kill(site, 'SIGTERM')));
  }
}
