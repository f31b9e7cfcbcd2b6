/** A site registers with the topology's authority: it tells which data it has, and is told the topology. */
import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { type Workflow } from '@temporalio/common';
import { type OwnTopology } from '../db/topology';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { type Topology } from '../domain/sites';
import { type Registration, type TopologyState } from '../domain/topology';
import { formatWorkflowId } from '../domain/workflow-ids';
import { REGISTER_SITE } from '../domain/workflow-inputs';
import { startAttributes } from '../workflows/search-attributes';
import { CALL_TIMEOUT_MS } from './temporal-connection';

export async function askAuthority(client: Client, own: OwnTopology, url: string): Promise<Topology> {
  const { store } = own.topology;
  const registration = registrationOf(own, url);
  const { site, dataId, incarnation } = registration;
  // Should the authority have lost its memory, it begins again from what this site knows.
  const state: TopologyState = {
    topology: own.topology,
    data: incarnation > 0 ? [{ site, dataId, incarnation }] : [],
  };
  const startWorkflowOperation = new WithStartWorkflowOperation('storeTopology', {
    workflowId: formatWorkflowId('storeTopology', { store }),
    args: [{ state, subscribers: [] }],
    taskQueue: WORKFLOW_QUEUE,
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: startAttributes({ store }),
    staticSummary: `topology of store ${store}`,
  });
  return client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    client.workflow.executeUpdateWithStart<Workflow, Topology, [Registration]>(REGISTER_SITE, {
      startWorkflowOperation,
      args: [registration],
    }),
  );
}

/** At version 0 the authority has not spoken to these data: a number that they have is of what they were restored from. */
function registrationOf({ site, dataId, incarnation, topology: { version } }: OwnTopology, url: string): Registration {
  return version > 0
    ? { site, dataId, url, incarnation, version }
    : { site, dataId, url, incarnation: 0, before: incarnation, version };
}
