/** The whole system as docs/operations.md sets it up, from the files that docs/production ships. */
import { existsSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import mysql from 'mysql2/promise';
import { databaseName } from '../../db/mariadb';
import { type SiteConfig } from '../../workers/config';
import { runCommand } from '../../workers/run-command';
import { engines } from '../support/databases';
import { MAIN, Processes } from '../support/processes';
import { TEMPORAL_NAMESPACE, startMariadb } from '../support/servers';
import { World } from '../support/world';
import { Postgresql } from './postgresql';
import { TemporalServer } from './temporal';

const SHIPPED = join(__dirname, '..', '..', 'docs', 'production');
const SITE_PASSWORD = 'not-a-secret-in-a-test';

/** What is not installed here; in CI that is a failure. */
export function missingParts(): string[] {
  const runs = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
  const missing = [
    ...(existsSync('/usr/lib/postgresql') ? [] : ['postgresql']),
    ...(engines().includes('mariadb') ? [] : ['mariadb-server']),
    ...(runs('openssl', 'version') ? [] : ['openssl']),
    ...(TemporalServer.isThere() || runs('go', 'version') ? [] : ["Temporal's server, or Go to build it"]),
  ];
  if (missing.length > 0 && process.env['CI'])
    throw new Error(`missing, and in CI that is a failure: ${missing.join(', ')}`);
  return missing;
}

export class System {
  private constructor(
    readonly postgresql: Postgresql,
    readonly temporal: TemporalServer,
    readonly mariadb: NonNullable<Awaited<ReturnType<typeof startMariadb>>>,
    readonly world: World,
    readonly processes: Processes,
    private readonly connection: Connection,
  ) {}

  static async start(progress: (line: string) => void): Promise<System> {
    const [postgresql, mariadb] = await Promise.all([Postgresql.start(), startMariadb(join(SHIPPED, 'mariadb.cnf'))]);
    if (!postgresql || !mariadb) throw new Error('PostgreSQL and MariaDB were found, but do not start');
    const temporal = await TemporalServer.start(postgresql, progress);
    const world = await World.create('mariadb', ['north', 'south'], {
      mariadb: mariadb.address,
      adapt: (config) => ({ ...config, temporal: temporal.settings, database: asSiteUser(config) }),
    });
    for (const config of world.configs.values()) await grantRights(mariadb.address, config);
    const processes = new Processes(world);
    await makeNamespace(world.configFile('hq'));
    await processes.startAll();
    return new System(postgresql, temporal, mariadb, world, processes, await temporal.connect());
  }

  get client(): Client {
    return new Client({ connection: this.connection, namespace: TEMPORAL_NAMESPACE });
  }

  async stop(): Promise<void> {
    await this.processes.stopAll();
    await this.world.stop();
    await this.connection.close();
    await this.temporal.remove();
    await Promise.all([this.postgresql.remove(), this.mariadb.stop()]);
  }
}

/** By the command, which may be given again. */
async function makeNamespace(configFile: string): Promise<void> {
  const command = [MAIN, 'temporal', 'namespace', '--config', configFile];
  expect(await runCommand(process.execPath, command)).toMatch(/: made \(closed workflows: 30 days\)/);
  expect(await runCommand(process.execPath, command)).toMatch(/: is there already/);
  expect(await runCommand(process.execPath, [...command, '--retention-days', '31'])).toMatch(/another retention/);
}

/** A user for each site, who may do what the shipped statements say and no more. */
function asSiteUser({ site, database }: SiteConfig): string {
  const url = new URL(database);
  url.username = `entrepot_${site}`;
  url.password = SITE_PASSWORD;
  return url.toString();
}

async function grantRights(server: string, { site, database }: SiteConfig): Promise<void> {
  const statements = readFileSync(join(SHIPPED, 'mariadb-site.sql'), 'utf8')
    .replaceAll('`entrepot_SITE`', `\`${databaseName(database)}\``)
    .replaceAll('entrepot_SITE', `entrepot_${site}`)
    .replaceAll('PASSWORD', SITE_PASSWORD);
  const connection = await mysql.createConnection({ uri: server, multipleStatements: true });
  await connection.query(statements);
  await connection.end();
}
