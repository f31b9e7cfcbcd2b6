/** Asks a site for a workflow, as its API does: once the request is committed, the relay starts it. */
import { askForWorkflow as request } from '../../../activities/workflow-requests';
import { loadTopology } from '../../../db/topology';
import { type Topology } from '../../../domain/sites';
import { type WorkflowType } from '../../../domain/workflow-ids';
import { STORE } from '../shop';
import { type Site } from '../site';
import { type World } from '../world';

export interface WantedWorkflow {
  readonly kind: WorkflowType;
  readonly workflowId: string;
  readonly input: unknown;
}

/** Rejects when no answer comes; the workflow may be asked for all the same. */
export function askForWorkflow(
  world: World,
  site: Site,
  what: (topology: Topology, uuid: () => string) => WantedWorkflow,
): Promise<void> {
  return world.ask(site, 'ask for a workflow', async (context) => {
    const { db, runtime } = context;
    const { topology } = await loadTopology(db, STORE);
    const wanted = what(topology, () => runtime.ids.uuid());
    await db.transaction(async (tx) => {
      const requested = { store: STORE, requestedBy: 'simulated', epoch: topology.epoch };
      await request(context, tx, { ...wanted, ...requested });
    });
  });
}
