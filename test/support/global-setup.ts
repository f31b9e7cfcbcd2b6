/** Starts the real servers once for all tests; in CI a missing one is a failure, elsewhere its tests are skipped. */
import { rmSync } from 'node:fs';
import { ARCHIVE_DIR } from './archive';
import { type Server, MARIADB_URL, TEMPORAL_ADDRESS, startSharedMariadb, startTemporal } from './servers';
import { makeTemplate } from './template';
import { forgetOwnServers } from './temporal-use';

const tell = (line: string) => void process.stderr.write(`${line}\n`);

declare global {
  var entrepotServers: Server[] | undefined;
  var entrepotTemplate: { remove(): void } | undefined;
}

export default async function setUp(): Promise<void> {
  const servers: Server[] = [];
  globalThis.entrepotServers = servers;
  rmSync(ARCHIVE_DIR, { recursive: true, force: true });
  forgetOwnServers();
  if (process.env[TEMPORAL_ADDRESS] === undefined) {
    await use('Temporal', servers, TEMPORAL_ADDRESS, () => startTemporal(tell));
  }
  if (process.env[MARIADB_URL] === undefined) await use('MariaDB', servers, MARIADB_URL, startSharedMariadb);
  globalThis.entrepotTemplate = await makeTemplate(process.env[MARIADB_URL]);
}

async function use(
  name: string,
  servers: Server[],
  variable: string,
  start: () => Promise<Server | null>,
): Promise<void> {
  const missing = (reason: string) => {
    if (process.env['CI']) throw new Error(`${name} is missing, and in CI that is a failure: ${reason}`);
    tell(`${name} is missing (${reason}): its tests are skipped`);
  };
  try {
    const server = await start();
    if (!server) return missing('it is not installed; on Debian: apt-get install mariadb-server');
    servers.push(server);
    process.env[variable] = server.address;
  } catch (error) {
    missing(error instanceof Error ? error.message : String(error));
  }
}
