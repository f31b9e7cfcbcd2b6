import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type SiteActivities } from '../activities/contract';
import { type Topology } from '../domain/sites';
import {
  type Registration,
  type TopologyState,
  queueOfSite,
  registerSite as register,
  registrationProblem,
} from '../domain/topology';
import { type StoreTopologyInput } from '../domain/workflow-inputs';
import { ANNOUNCEMENT_WAIT, smallDocument } from './options';
import { registerSite, subscribe, topologyChanged, topologyQuery, unsubscribe } from './signals';
import { Status } from './status';

/**
 * The authority for a store's sites, tree, primary, epoch and incarnations (design, sections 2 and 4; figure 5).
 * Sites register here when they start; whoever waits for a site hears of changes. Runs for as long as the store does.
 */
export async function storeTopology(input: StoreTopologyInput): Promise<never> {
  let state: TopologyState = input.state;
  let announced = state.topology.version;
  let announcements = 0;
  const subscribers = new Set(input.subscribers);
  const { store } = state.topology;
  const status = new Status('running', describe(state.topology));

  setHandler(topologyQuery, () => state.topology);
  setHandler(
    registerSite,
    (registration) => {
      state = register(state, registration);
      return state.topology;
    },
    {
      validator: (registration: Registration) => {
        const problem = registrationProblem(state, registration);
        if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'UnknownSite');
      },
    },
  );
  setHandler(subscribe, async (workflowId, knownVersion) => {
    subscribers.add(workflowId);
    if (knownVersion < state.topology.version) await tell(workflowId, state.topology);
  });
  setHandler(unsubscribe, (workflowId) => void subscribers.delete(workflowId));

  for (;;) {
    await condition(() => announced < state.topology.version || workflowInfo().continueAsNewSuggested);
    if (announced < state.topology.version) await announce(state.topology);
    else {
      await condition(() => allHandlersFinished() && announcements === 0);
      await continueAsNew<typeof storeTopology>({ state, subscribers: [...subscribers] });
    }
  }

  async function announce(topology: Topology): Promise<void> {
    announced = topology.version;
    status.become('running', describe(topology));
    const told = [...subscribers].map((workflowId) => tell(workflowId, topology));
    const sites = topology.sites.filter((site) => site.incarnation > 0);
    for (const site of sites) void announceTo(site.site, topology);
    await Promise.all(told);
  }

  /** A site that is away hears of it when it registers. */
  async function announceTo(site: string, topology: Topology): Promise<void> {
    const options = smallDocument(queueOfSite(topology, site), `topology version ${topology.version}`);
    announcements++;
    try {
      await proxyActivities<SiteActivities>({ ...options, scheduleToCloseTimeout: ANNOUNCEMENT_WAIT }).applyTopology({
        topology,
      });
    } catch (error) {
      log.info('a site was not told of the topology', { store, site, error: String(error) });
    } finally {
      announcements--;
    }
  }

  async function tell(workflowId: string, topology: Topology): Promise<void> {
    try {
      await getExternalWorkflowHandle(workflowId).signal(topologyChanged, topology);
    } catch (error) {
      subscribers.delete(workflowId);
      log.info('a subscriber is gone', { workflowId, error: String(error) });
    }
  }
}

function describe(topology: Topology): string {
  return `version ${topology.version}, epoch ${topology.epoch}, primary ${topology.primary}, ${topology.sites.length} sites`;
}
