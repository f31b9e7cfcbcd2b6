/** The site's copy of the topology, and the records that workflows keep of themselves. */
import { saveTopology } from '../db/topology';
import { type WorkflowRunState, recordWorkflowState } from '../db/workflow-runs';
import { type SiteContext } from './context';
import { type SiteActivities } from './contract';

export interface TopologyListener {
  /** Called after a newer topology was taken: queues may have come or gone. */
  readonly topologyChanged: () => void;
}

export function topologyActivities(
  { db, runtime, log }: SiteContext,
  listener: TopologyListener,
): Pick<SiteActivities, 'applyTopology' | 'recordWorkflow'> {
  return {
    async applyTopology({ topology }) {
      const taken = await db.transaction((tx) => saveTopology(tx, topology, runtime.clock.now()));
      if (!taken) return;
      log.info({ store: topology.store, version: topology.version, epoch: topology.epoch }, 'topology taken');
      listener.topologyChanged();
    },

    async recordWorkflow({ store, workflowId, state, result }) {
      await db.transaction((tx) =>
        recordWorkflowState(tx, store, workflowId, state as WorkflowRunState, result, runtime.clock.now()),
      );
    },
  };
}
