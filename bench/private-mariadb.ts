/** A MariaDB of one's own, durable as in production, for benches and tests. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { findOnPath } from '../workers/program-cache';

const START_TIMEOUT_MS = 60_000;
const PROBE_INTERVAL_MS = 50;

export interface MariadbOptions {
  /** For its data, socket and log. */
  readonly folder: string;
  readonly port: number;
  /** A file of settings; else the server's own defaults without a binary log. */
  readonly settings?: string | undefined;
  /** Further arguments. */
  readonly settled?: readonly string[];
}

/** Two that are set up at once would else take each other's temporary tables away. */
function environmentOf({ folder }: MariadbOptions): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: folder };
}

export class PrivateMariadb {
  private child: ChildProcess | undefined;
  private readonly log: number;
  /** Ends with a slash: a database's name follows. */
  readonly url: string;

  private constructor(
    private readonly binary: string,
    private readonly options: MariadbOptions,
  ) {
    this.url = `mysql://root@127.0.0.1:${options.port}/`;
    this.log = openSync(join(options.folder, 'mariadb.log'), 'a');
  }

  /** Null when MariaDB is not installed. */
  static async start(options: MariadbOptions): Promise<PrivateMariadb | null> {
    const binary = await findProgram('mariadbd', 'mysqld');
    const installer = await findProgram('mariadb-install-db', 'mysql_install_db');
    if (binary === null || installer === null) return null;
    const data = dataFolder(options);
    mkdirSync(data, { recursive: true });
    const words = [
      ...['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`],
      ...['--auth-root-authentication-method=normal', '--skip-test-db'],
    ];
    execFileSync(installer, words, { env: environmentOf(options) });
    const server = new PrivateMariadb(binary, options);
    await server.launch();
    return server;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Kills it, should it run, and starts it on its data. */
  async restart(): Promise<void> {
    await this.end('SIGKILL');
    await this.launch();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    closeSync(this.log);
  }

  private async launch(): Promise<void> {
    const { folder, port, settings, settled = [] } = this.options;
    const child = spawn(
      this.binary,
      [
        ...[settings === undefined ? '--no-defaults' : `--defaults-file=${settings}`],
        ...[`--datadir=${dataFolder(this.options)}`, `--user=${userInfo().username}`],
        ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
        ...[`--socket=${join(folder, 'socket')}`, `--pid-file=${join(folder, 'pid')}`],
        ...['--innodb-flush-log-at-trx-commit=1', ...settled],
        ...(settings === undefined ? ['--skip-log-bin'] : []),
      ],
      { stdio: ['ignore', this.log, this.log], env: environmentOf(this.options) },
    );
    this.child = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        await (await mysql.createConnection({ uri: this.url })).end();
        return;
      } catch (error) {
        if (hasEnded(child) || Date.now() > deadline) throw new Error('MariaDB does not start', { cause: error });
        await delay(PROBE_INTERVAL_MS);
      }
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || hasEnded(child)) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }
}

function dataFolder({ folder }: MariadbOptions): string {
  return join(folder, 'data');
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** On the path, or where Debian puts servers. */
async function findProgram(...names: readonly string[]): Promise<string | null> {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(':');
  for (const name of names) {
    const found = await findOnPath(name, { PATH: path });
    if (found !== null) return found;
  }
  return null;
}
