/**
 * Runs beside a supervisor: gets the Temporal server, starts it, and ends it when the supervisor asks or is gone. A
 * server that is killed is a matter for the supervisor's log; sites go on selling without it.
 */
import { findTemporal, startTemporalServer } from '../../workers/temporal-server';
import { type KeeperMessage, type KeeperOrder } from './temporal-process';

const NAMESPACE = 'default';

async function keep(order: KeeperOrder): Promise<void> {
  const supervisorGone = new Promise<void>((resolve) => process.once('disconnect', () => resolve()));
  const progress = (line: string) => tell({ kind: 'progress', line });
  // Nothing is worth finishing for a supervisor that left while the server was still being built.
  const abandon = () => process.exit(0);
  process.once('disconnect', abandon);
  const found = await findTemporal({ progress });
  process.off('disconnect', abandon);
  if (found.kind === 'address')
    throw new Error(`TEMPORAL_ADDRESS is ${found.address}: no server is to be started here`);
  const server = await startTemporalServer({
    ...{ binary: found.path, dbFile: order.dbFile, logFile: order.logFile },
    ...{ port: order.port, uiPort: order.uiPort, namespace: NAMESPACE, progress },
    uiCodecEndpoint: order.uiCodecEndpoint,
  });
  tell({ kind: 'ready', address: server.address });
  await Promise.race([supervisorGone, server.exited]);
  await server.stop();
}

function tell(message: KeeperMessage): void {
  if (process.connected) process.send?.(message);
}

keep(JSON.parse(process.argv[2] ?? '{}') as KeeperOrder).then(
  () => process.exit(0),
  (error: unknown) => {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  },
);
