/** What the search must find: a text planted on purpose in every place that is searched, in clear or hidden. */
import { type ChildProcess, spawn } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { Client, Connection } from '@temporalio/client';
import { createLogger } from '../../workers/log';
import { TEMPORAL_NAMESPACE } from '../support/servers';
import { mark } from './canaries';
import { type Scene } from './scene';

const PREFIX = 'bait: ';

export const bait = {
  log: `${PREFIX}log line`,
  argument: `${PREFIX}argument of a workflow`,
  encoded: `${PREFIX}base64 in an argument of a workflow`,
  compressed: `${PREFIX}gzip in an argument of a workflow`,
  process: `${PREFIX}command line`,
} as const;

export function isBait(canary: string): boolean {
  return canary.startsWith(PREFIX);
}

/** Answers the process that has the bait in its command line. */
export async function plantBait({ canaries, world, temporal }: Scene): Promise<ChildProcess> {
  const hide = (name: keyof typeof bait) => canaries.add(bait[name], `${name}-${mark()}`);
  createLogger(world.config('hq')).debug({ note: hide('log') }, 'bait');
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const argument = {
    clear: hide('argument'),
    encoded: Buffer.from(`<${hide('encoded')}>`).toString('base64'),
    compressed: gzipSync(JSON.stringify({ name: hide('compressed') })).toString('base64'),
  };
  await client.workflow.start('bait', { workflowId: 'bait', taskQueue: 'nobody', args: [argument] });
  await connection.close();
  return spawn(process.execPath, ['-e', 'setTimeout(() => {}, 3_600_000)', hide('process')], { stdio: 'ignore' });
}
