/** The real servers that tests use: one Temporal and one MariaDB for the whole run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { PrivateMariadb } from '../../bench/private-mariadb';
import { findTemporal, startTemporalServer } from '../../workers/temporal-server';

export const TEMPORAL_ADDRESS = 'ENTREPOT_TEST_TEMPORAL_ADDRESS';
export const TEMPORAL_NAMESPACE = 'entrepot';
export const MARIADB_URL = 'ENTREPOT_TEST_MARIADB_URL';

export interface Server {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Ports below those that a system gives to outgoing connections (Linux: 32768 and up): one of these may lie idle while its
 * server is killed and started again. Each of Jest's workers has a range of its own.
 */
const FIRST_PORT = 10_000;
const PORTS_PER_WORKER = 5_000;

export async function freePort(): Promise<number> {
  const first = FIRST_PORT + PORTS_PER_WORKER * Number(process.env['JEST_WORKER_ID'] ?? 0);
  for (;;) {
    const port = first + Math.floor(Math.random() * PORTS_PER_WORKER);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
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

export interface TestMariadb extends Server {
  readonly pid: number;
  restart(): Promise<void>;
}

/** What nobody cuts the power of need not wait for its disk. */
const NO_SYNC = '--innodb-flush-method=nosync';

/** The one that the tests share, which none of them kills; null when not installed. */
export function startSharedMariadb(): Promise<TestMariadb | null> {
  return startMariadb(undefined, tmpdir(), [NO_SYNC]);
}

/** A private MariaDB with its data below `parent`, with the settings of a file or the tests' own; null when not installed. */
export async function startMariadb(
  settings?: string,
  parent = tmpdir(),
  more: readonly string[] = [],
): Promise<TestMariadb | null> {
  const folder = mkdtempSync(join(parent, 'entrepot-mariadb-'));
  const server = await PrivateMariadb.start({
    ...{ folder, port: await freePort(), settings },
    // Small, as befits a test.
    settled: ['--innodb-buffer-pool-size=128M', '--max-connections=500', ...more],
  });
  if (!server) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    address: server.url,
    get pid() {
      return server.pid;
    },
    restart: () => server.restart(),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
