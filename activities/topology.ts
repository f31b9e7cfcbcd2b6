/** The site's copy of the topology, and the records that workflows keep of themselves. */
import { forgetConfirmations } from '../db/catalog/deliveries';
import { listHeads } from '../db/catalog/heads';
import { type Transaction } from '../db/database';
import { loadTopology, saveTopology } from '../db/topology';
import { type WorkflowRunState, recordWorkflowState } from '../db/workflow-runs';
import { NO_REVISION } from '../domain/catalog';
import { type Site, type Topology, childrenOf } from '../domain/sites';
import { requestPush } from './catalog/send-on';
import { type SiteContext } from './context';
import { type SiteActivities } from './contract';

export interface TopologyListener {
  /** Called after a newer topology was taken: queues may have come or gone. */
  readonly topologyChanged: () => void;
}

export function topologyActivities(
  context: SiteContext,
  listener: TopologyListener,
): Pick<SiteActivities, 'applyTopology' | 'recordWorkflow'> {
  const { db, runtime, log } = context;
  return {
    async applyTopology({ topology }) {
      if (!(await takeTopology(context, topology))) return;
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

/**
 * Takes a newer topology; answers whether it was one. A child whose data are new (a new site, a database lost or
 * restored) gets what this site has, without anyone's asking.
 */
export async function takeTopology(context: SiteContext, topology: Topology): Promise<boolean> {
  const { db, runtime } = context;
  return db.transaction(async (tx) => {
    const before = await loadTopology(tx, topology.store);
    if (!(await saveTopology(tx, topology, runtime.clock.now()))) return false;
    const known = new Map(before.topology.sites.map(({ site, incarnation }) => [site, incarnation]));
    for (const child of childrenOf(topology, before.site)) {
      if (child.incarnation > (known.get(child.site) ?? 0)) await supply(context, tx, topology, child);
    }
    return true;
  });
}

async function supply(
  context: SiteContext,
  tx: Transaction,
  topology: Topology,
  { site, incarnation }: Site,
): Promise<void> {
  const { store } = topology;
  await forgetConfirmations(tx, store, site, context.runtime.clock.now());
  for (const { catalog, revision } of await listHeads(tx, store)) {
    if (revision === NO_REVISION) continue;
    const push = { catalog, request: `${site}.${incarnation}`, sites: [site], requestedBy: `site:${site}` };
    await requestPush(context, tx, topology, push);
  }
}
