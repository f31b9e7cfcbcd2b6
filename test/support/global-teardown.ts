/** Stops the servers, and in CI makes sure that the tests have used them. */
import { MARIADB_URL, TEMPORAL_ADDRESS, mariadbConnections } from './servers';
import { workflowsRun, workflowsRunByOwnServers } from './temporal-use';

/** Setting up takes a few connections of its own. */
const OWN_CONNECTIONS_MAX = 20;

export default async function tearDown(): Promise<void> {
  try {
    if (process.env['CI'] && process.env['ENTREPOT_TEST_PARTIAL'] === undefined) await requireUse();
  } finally {
    globalThis.entrepotTemplate?.remove();
    for (const server of globalThis.entrepotServers ?? []) await server.stop();
  }
}

async function requireUse(): Promise<void> {
  const connections = await mariadbConnections(process.env[MARIADB_URL] ?? '');
  if (connections <= OWN_CONNECTIONS_MAX)
    throw new Error(`the tests made no use of MariaDB: ${connections} connections`);
  const workflows = (await workflowsRun(process.env[TEMPORAL_ADDRESS] ?? '')) + workflowsRunByOwnServers();
  if (workflows === 0) throw new Error('the tests made no use of Temporal: it has run no workflow');
  process.stderr.write(`MariaDB saw ${connections} connections, Temporal ran ${workflows} workflows\n`);
}
