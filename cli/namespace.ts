/** `entrepot temporal namespace`: the namespace of a Temporal server of one's own, before the first site starts. */
import { Connection } from '@temporalio/client';
import { CALL_TIMEOUT_MS, connectionOptions } from '../workers/temporal-connection';
import { ensureNamespace } from '../workers/temporal-namespace';
import { loadRunnableConfig } from './config';
import { unreachable, wrongUsage } from './exit-codes';
import { print } from './output';

/** Temporal's own limits: it refuses less than a day. */
const RETENTION_DAYS_MIN = 1;
const RETENTION_DAYS_MAX = 3_650;

const OUTCOMES = {
  made: 'made',
  changed: 'was there with another retention, which is changed',
  unchanged: 'is there already',
} as const;

export async function runNamespace(file: string, retentionDays: number): Promise<void> {
  if (!Number.isInteger(retentionDays) || retentionDays < RETENTION_DAYS_MIN || retentionDays > RETENTION_DAYS_MAX) {
    throw wrongUsage(`--retention-days must be a whole number from ${RETENTION_DAYS_MIN} to ${RETENTION_DAYS_MAX}`);
  }
  const { temporal } = loadRunnableConfig(file);
  const { address, namespace } = temporal;
  try {
    const connection = await Connection.connect({
      ...(await connectionOptions(temporal)),
      connectTimeout: CALL_TIMEOUT_MS,
    });
    try {
      const outcome = await ensureNamespace(connection, namespace, retentionDays);
      print(`namespace "${namespace}" at ${address}: ${OUTCOMES[outcome]} (closed workflows: ${retentionDays} days)`);
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw unreachable(`namespace "${namespace}" at ${address} can't be made: ${String(error)}`, error);
  }
}
