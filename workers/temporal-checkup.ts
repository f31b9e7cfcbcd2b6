/** What a look at a Temporal server shows, without changing anything there. */
import { Client, Connection } from '@temporalio/client';
import { type Topology } from '../domain/sites';
import { TOPOLOGY_QUERY } from '../domain/workflow-inputs';
import { formatWorkflowId } from '../domain/workflow-ids';
import { grpcReason, isNotThere } from './grpc-error';
import { type AttributeState, searchAttributes } from './search-attributes';
import { type TemporalSettings, connectionOptions } from './temporal-connection';

/** How long each question may take, milliseconds. */
const QUESTION_TIMEOUT_MS = 5_000;

export type TemporalCheckup =
  | { readonly state: 'away'; readonly reason: string }
  | { readonly state: 'no-namespace' }
  | {
      readonly state: 'there';
      readonly attributes: AttributeState;
      /** By store: the topology's authority, `none` where it was never started, or why it does not answer. */
      readonly authorities: ReadonlyMap<string, Topology | 'none' | { readonly reason: string }>;
    };

export async function checkTemporal(temporal: TemporalSettings, stores: readonly string[]): Promise<TemporalCheckup> {
  const { namespace } = temporal;
  let connection: Connection | undefined;
  try {
    // Without the client's own retries: what is away is to be told at once.
    const asked = Connection.lazy({ ...(await connectionOptions(temporal)), interceptors: [] });
    connection = asked;
    const ask = <T>(question: () => Promise<T>) => asked.withDeadline(Date.now() + QUESTION_TIMEOUT_MS, question);
    await ask(() => asked.workflowService.describeNamespace({ namespace }));
    const attributes = await ask(() => searchAttributes(asked, namespace));
    const client = new Client({ connection: asked, namespace });
    const authorities = new Map<string, Topology | 'none' | { reason: string }>();
    for (const store of stores) authorities.set(store, await ask(() => askAuthority(client, store)));
    return { state: 'there', attributes, authorities };
  } catch (error) {
    if (isNotThere(error)) return { state: 'no-namespace' };
    return { state: 'away', reason: grpcReason(error) };
  } finally {
    await connection?.close();
  }
}

async function askAuthority(client: Client, store: string): Promise<Topology | 'none' | { reason: string }> {
  try {
    return await client.workflow
      .getHandle(formatWorkflowId('storeTopology', { store }))
      .query<Topology>(TOPOLOGY_QUERY);
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return 'none';
    return { reason: grpcReason(error) };
  }
}
