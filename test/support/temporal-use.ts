/** How many workflows real Temporal servers have run for the tests: their common one, and those of a test's own. */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { TEMPORAL_NAMESPACE } from './servers';

const OWN_SERVERS = join(__dirname, '..', '..', 'var', 'test-temporal-use.txt');

export async function workflowsRun(address: string): Promise<number> {
  const connection = await Connection.connect({ address });
  try {
    const { count } = await connection.workflowService.countWorkflowExecutions({ namespace: TEMPORAL_NAMESPACE });
    return Number(count);
  } finally {
    await connection.close();
  }
}

/** To be called by a test that runs a server of its own, before it stops that. */
export async function noteOwnServer(address: string): Promise<void> {
  appendFileSync(OWN_SERVERS, `${await workflowsRun(address)}\n`);
}

export function workflowsRunByOwnServers(): number {
  try {
    return readFileSync(OWN_SERVERS, 'utf8')
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line), 0);
  } catch {
    return 0; // No test had one.
  }
}

export function forgetOwnServers(): void {
  rmSync(OWN_SERVERS, { force: true });
}
