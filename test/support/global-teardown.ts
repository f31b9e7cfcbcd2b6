/** Stops the servers, and in CI makes sure that the tests have used them. */
import { Connection } from '@temporalio/client';
import { MARIADB_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, mariadbConnections } from './servers';

/** Setting up takes a few connections of its own. */
const OWN_CONNECTIONS_MAX = 20;

export default async function tearDown(): Promise<void> {
  try {
    if (process.env['CI'] && process.env['ENTREPOT_TEST_PARTIAL'] === undefined) await requireUse();
  } finally {
    for (const server of globalThis.entrepotServers ?? []) await server.stop();
  }
}

async function requireUse(): Promise<void> {
  const connections = await mariadbConnections(process.env[MARIADB_URL] ?? '');
  if (connections <= OWN_CONNECTIONS_MAX)
    throw new Error(`the tests made no use of MariaDB: ${connections} connections`);
  const connection = await Connection.connect({ address: process.env[TEMPORAL_ADDRESS] ?? '' });
  try {
    const { count } = await connection.workflowService.countWorkflowExecutions({ namespace: TEMPORAL_NAMESPACE });
    if (Number(count) === 0) throw new Error('the tests made no use of Temporal: it has run no workflow');
    process.stderr.write(`MariaDB saw ${connections} connections, Temporal ran ${String(count)} workflows\n`);
  } finally {
    await connection.close();
  }
}
