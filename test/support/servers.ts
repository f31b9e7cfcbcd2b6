/** The real servers that tests use: one Temporal and one MariaDB for the whole run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { findOnPath } from '../../workers/program-cache';
import { findTemporal, startTemporalServer } from '../../workers/temporal-server';

export const TEMPORAL_ADDRESS = 'ENTREPOT_TEST_TEMPORAL_ADDRESS';
export const TEMPORAL_NAMESPACE = 'entrepot';
export const MARIADB_URL = 'ENTREPOT_TEST_MARIADB_URL';

const MARIADB_START_TIMEOUT_MS = 60_000;
const PROBE_INTERVAL_MS = 50;

export interface Server {
  readonly address: string;
  stop(): Promise<void>;
}

/** A port that was free a moment ago: `wanted`, or any; rejects where the one that is wanted is taken. */
export function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

export async function startTemporal(progress: (line: string) => void): Promise<Server> {
  const found = await findTemporal({ progress });
  if (found.kind === 'address') return { address: found.address, stop: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-temporal-'));
  const server = await startTemporalServer({
    ...{ binary: found.path, namespace: TEMPORAL_NAMESPACE, port: await freePort(), uiPort: await freePort() },
    ...{ dbFile: join(folder, 'temporal.sqlite'), logFile: join(folder, 'temporal.log') },
  });
  return {
    address: server.address,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A private MariaDB with its data below `parent`, with the settings of a file or the tests' own; null when not installed. */
export async function startMariadb(
  settings?: string,
  parent = tmpdir(),
): Promise<(Server & { pid: number; restart(): Promise<void> }) | null> {
  const binary = await findProgram(['mariadbd', 'mysqld']);
  const installer = await findProgram(['mariadb-install-db', 'mysql_install_db']);
  if (binary === null || installer === null) return null;
  const folder = mkdtempSync(join(parent, 'entrepot-mariadb-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  const user = userInfo().username;
  execFileSync(installer, [
    ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, '--auth-root-authentication-method=normal'],
    '--skip-test-db',
  ]);
  const port = await freePort();
  const address = `mysql://root@127.0.0.1:${port}/`;
  const log = openSync(join(folder, 'log'), 'a');
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(
      binary,
      [
        ...[settings === undefined ? '--no-defaults' : `--defaults-file=${settings}`, `--datadir=${data}`],
        ...[`--user=${user}`, `--port=${port}`, '--bind-address=127.0.0.1'],
        ...[`--socket=${join(folder, 'socket')}`, `--pid-file=${join(folder, 'pid')}`, '--skip-name-resolve'],
        // Durable, as in production; small, as befits a test.
        ...['--innodb-flush-log-at-trx-commit=1', '--innodb-buffer-pool-size=128M', '--max-connections=500'],
        ...(settings === undefined ? ['--skip-log-bin'] : []),
      ],
      { stdio: ['ignore', log, log] },
    );
    await untilAnswers(address, child);
    return child;
  };
  let child = await launch();
  return {
    address,
    get pid() {
      return child.pid ?? 0;
    },
    async restart() {
      if (child.exitCode === null && child.signalCode === null) await ended(child, 'SIGKILL');
      child = await launch();
    },
    async stop() {
      await ended(child, 'SIGTERM');
      closeSync(log);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function findProgram(names: readonly string[]): Promise<string | null> {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(':');
  for (const name of names) {
    const found = await findOnPath(name, { PATH: path });
    if (found !== null) return found;
  }
  return null;
}

async function untilAnswers(address: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + MARIADB_START_TIMEOUT_MS;
  for (;;) {
    try {
      const connection = await mysql.createConnection({ uri: address });
      await connection.end();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('MariaDB does not start', { cause: error });
      await delay(PROBE_INTERVAL_MS);
    }
  }
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

/** How many connections MariaDB has seen: did the tests use it? */
export async function mariadbConnections(url: string): Promise<number> {
  const connection = await mysql.createConnection({ uri: url });
  try {
    const [rows] = await connection.query(`SHOW GLOBAL STATUS LIKE 'Connections'`);
    return Number((rows as { Value: string }[])[0]?.Value ?? 0);
  } finally {
    await connection.end();
  }
}
