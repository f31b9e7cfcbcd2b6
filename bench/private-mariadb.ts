/** A MariaDB of the bench's own, durable as in production; undefined when it is not installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { findOnPath } from '../workers/program-cache';

const START_TIMEOUT_MS = 60_000;
const PROBE_INTERVAL_MS = 50;

export interface PrivateMariadb {
  /** Ends with a slash: a database's name follows. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPrivateMariadb(folder: string, port: number): Promise<PrivateMariadb | undefined> {
  const path = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const binary = await findOnPath('mariadbd', path);
  const installer = await findOnPath('mariadb-install-db', path);
  if (binary === null || installer === null) return undefined;
  const data = join(folder, 'mariadb');
  mkdirSync(data, { recursive: true });
  const user = userInfo().username;
  execFileSync(installer, [
    ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, '--auth-root-authentication-method=normal'],
    '--skip-test-db',
  ]);
  const log = openSync(join(folder, 'mariadb.log'), 'a');
  const child = spawn(
    binary,
    [
      ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, `--port=${port}`, '--bind-address=127.0.0.1'],
      ...[`--socket=${join(folder, 'mariadb.socket')}`, `--pid-file=${join(folder, 'mariadb.pid')}`],
      ...['--skip-name-resolve', '--innodb-flush-log-at-trx-commit=1', '--innodb-buffer-pool-size=512M'],
      '--skip-log-bin',
    ],
    { stdio: ['ignore', log, log] },
  );
  const url = `mysql://root@127.0.0.1:${port}/`;
  await untilAnswers(url, child);
  return {
    url,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await (await mysql.createConnection({ uri: url })).end();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('MariaDB does not start', { cause: error });
      await delay(PROBE_INTERVAL_MS);
    }
  }
}
