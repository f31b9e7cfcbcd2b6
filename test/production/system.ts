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
import { TEMPORAL_NAMESPACE, type TestMariadb, startMariadb } from '../support/servers';
import { World } from '../support/world';
import { Postgresql } from './postgresql';
import { findProductionTemporal } from '../../workers/temporal-production';
import { TemporalServer, freePorts } from './temporal';

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

export interface System {
  readonly postgresql: Postgresql;
  readonly temporal: TemporalServer;
  readonly mariadb: TestMariadb;
  readonly world: World;
  readonly processes: Processes;
  readonly client: Client;
}

/** Starts it; `removals` gets how to end each part, to be called in reverse, also when the start fails half-way. */
export async function startSystem(
  removals: (() => Promise<void>)[],
  progress: (line: string) => void,
): Promise<System> {
  const postgresql = await Postgresql.start();
  if (!postgresql) throw new Error('PostgreSQL was found, but it lacks initdb');
  removals.push(() => postgresql.remove());
  const mariadb = await startMariadb(join(SHIPPED, 'mariadb.cnf'));
  if (!mariadb) throw new Error('MariaDB was found, but it lacks what makes its system tables');
  removals.push(() => mariadb.stop());
  const temporal = TemporalServer.create(await findProductionTemporal({ progress }), postgresql, await freePorts());
  removals.push(() => temporal.remove());
  await temporal.launch();
  const world = await World.create('mariadb', ['north', 'south'], {
    place: () => ({ server: mariadb.address }),
    adapt: (config) => ({ ...config, temporal: temporal.settings, database: asSiteUser(config) }),
  });
  removals.push(() => world.stop());
  for (const config of world.configs.values()) await grantRights(mariadb.address, config);
  const processes = new Processes(world);
  await makeNamespace(world.configFile('hq'));
  removals.push(() => processes.stopAll());
  await processes.startAll();
  const connection = await temporal.connect();
  removals.push(() => connection.close());
  return { postgresql, temporal, mariadb, world, processes, client: clientOf(connection) };
}

function clientOf(connection: Connection): Client {
  return new Client({ connection, namespace: TEMPORAL_NAMESPACE });
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
