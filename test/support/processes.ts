/** Sites as processes of their own, to be killed with kill -9. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from './until';
import { type World } from './world';

/** The command of this release. */
export const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

export class Processes {
  private readonly children = new Map<string, ChildProcess>();

  constructor(private readonly world: World) {}

  /** Starts the site's process, of this release or of the one whose command `main` is, and waits until it serves. */
  async start(site: string, main = MAIN): Promise<void> {
    const log = openSync(join(this.world.folder, `${site}.out`), 'a');
    const child = spawn(process.execPath, [main, 'site', '--config', this.configFile(site)], {
      stdio: ['ignore', log, log],
    });
    this.children.set(site, child);
    await until(`site ${site} to serve`, async () => {
      if (child.exitCode !== null) throw new Error(`site ${site} ended with ${child.exitCode}: see ${site}.out`);
      return (await fetch(`${this.world.config(site).url}/readyz`)).ok;
    });
  }

  /** Writes the site's configuration; answers where. */
  configFile(site: string): string {
    const file = join(this.world.folder, `${site}.yaml`);
    writeFileSync(file, stringify(JSON.parse(JSON.stringify(this.world.config(site)))));
    return file;
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
