/**
 * A site's link to Temporal: connects when it can, registers with the topology's authority, and runs the workers of the
 * queues that are this site's. Sites open and sell before Temporal is up, so all of this goes on in the background.
 */
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { type Workflow } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { type SiteContext } from '../activities/context';
import { type OwnTopology, loadTopology, saveTopology } from '../db/topology';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { type Topology } from '../domain/sites';
import { type Registration, type TopologyState, queueOfPrimary, queueOfSite } from '../domain/topology';
import { formatWorkflowId } from '../domain/workflow-ids';
import { REGISTER_SITE } from '../domain/workflow-inputs';
import { startAttributes } from '../workflows/search-attributes';
import { Pause } from './pause';
import { CALL_TIMEOUT_MS, type TemporalSettings, connectionOptions } from './temporal-connection';
import { ensureSearchAttributes } from './search-attributes';
import { WORKFLOW_BUNDLE } from './workflow-bundle';

/** Waits between attempts to reach Temporal. */
const RECONNECT_WAIT_FIRST_MS = 250;
const RECONNECT_WAIT_LONGEST_MS = 5_000;
/** How often a site registers again: it hears of what it missed, and an authority that was lost begins again. */
const REGISTER_INTERVAL_MS = 60_000;
/** A worker that dies costs its sticky workflows this long, not the default ten seconds. */
const STICKY_TIMEOUT = '1s';
/** Workflows kept in memory by one worker. */
const CACHED_WORKFLOWS_MAX = 50;
/** Activities of one queue at a time: more would only wait for the same database. */
const CONCURRENT_ACTIVITIES_MAX = 16;
/** Pollers of one queue. */
const ACTIVITY_POLLERS = 4;
const WORKFLOW_POLLERS = 4;
/** How long a stopping worker lets activities finish. */
const SHUTDOWN_GRACE = '5s';

export type Activities = object;

interface RunningWorker {
  readonly queue: string;
  readonly worker: Worker;
  readonly ended: Promise<void>;
}

export class TemporalLink {
  private readonly workers = new Map<string, RunningWorker>();
  private native: NativeConnection | undefined;
  private connection: Connection | undefined;
  private clientWhenConnected: Client | undefined;
  private stopping = false;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;
  private reconcileAgain = true;

  constructor(
    private readonly context: SiteContext,
    private readonly temporal: TemporalSettings,
    private readonly activities: Activities,
    private readonly onConnected: () => void,
  ) {}

  /** The client, once Temporal was reached; undefined before. */
  get client(): Client | undefined {
    return this.clientWhenConnected;
  }

  start(): void {
    this.running = this.run();
  }

  /** To be called when the topology has changed: queues may have come or gone. */
  topologyChanged(): void {
    this.reconcileAgain = true;
    this.pause.cut();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.pause.cut();
    await this.running;
    for (const { worker } of this.workers.values()) shutDown(worker);
    await Promise.all([...this.workers.values()].map(({ ended }) => ended));
    await this.connection?.close();
    await this.native?.close();
  }

  private async run(): Promise<void> {
    let wait = RECONNECT_WAIT_FIRST_MS;
    while (!this.stopping) {
      try {
        await this.connect();
        if (this.reconcileAgain) await this.reconcile();
        wait = RECONNECT_WAIT_FIRST_MS;
        if (!this.stopping && !this.reconcileAgain) await this.pause.wait(REGISTER_INTERVAL_MS);
        this.reconcileAgain = true;
      } catch (error) {
        this.context.log.warn({ error: String(error), retryInMs: wait }, 'Temporal is away; the site sells on');
        await this.pause.wait(wait);
        wait = Math.min(wait * 2, RECONNECT_WAIT_LONGEST_MS);
      }
    }
  }

  private async connect(): Promise<void> {
    if (this.clientWhenConnected) return;
    const { address, namespace } = this.temporal;
    const options = await connectionOptions(this.temporal);
    this.native ??= await NativeConnection.connect(options);
    this.connection ??= await Connection.connect({ ...options, connectTimeout: CALL_TIMEOUT_MS });
    const added = await ensureSearchAttributes(this.connection, namespace);
    if (added.length > 0) this.context.log.info({ added }, 'search attributes added');
    this.clientWhenConnected = new Client({ connection: this.connection, namespace });
    this.context.log.info({ address, namespace }, 'connected to Temporal');
    await this.startWorker(WORKFLOW_QUEUE);
    this.onConnected();
  }

  /** Registers for each store and makes the workers fit the topology. */
  private async reconcile(): Promise<void> {
    this.reconcileAgain = false;
    try {
      const queues = new Set([WORKFLOW_QUEUE]);
      for (const store of this.context.stores.keys()) {
        const topology = await this.register(store);
        queues.add(queueOfSite(topology, this.context.site));
        if (topology.primary === this.context.site) queues.add(queueOfPrimary(topology));
      }
      for (const { queue, worker } of this.workers.values()) if (!queues.has(queue)) shutDown(worker);
      for (const queue of queues) await this.startWorker(queue);
    } catch (error) {
      this.reconcileAgain = true;
      throw error;
    }
  }

  /** Tells the authority which data this site has, and takes the topology that it answers. */
  private async register(store: string): Promise<Topology> {
    const { db, site, runtime, url } = this.context;
    const own = await loadTopology(db, store);
    const known = own.topology.sites.find((candidate) => candidate.site === site);
    if (own.incarnation > 0 && known?.url === url && own.topology.version > 0) {
      // Registered before: work goes on at once, and the authority is told beside it.
      void this.askAuthority(store, own).then(
        (topology) => this.takeTopology(topology),
        (error: unknown) => this.context.log.warn({ error: String(error) }, 'the topology authority does not answer'),
      );
      return own.topology;
    }
    const topology = await this.askAuthority(store, own);
    await db.transaction((tx) => saveTopology(tx, topology, runtime.clock.now()));
    return topology;
  }

  private async takeTopology(topology: Topology): Promise<void> {
    const { db, runtime } = this.context;
    const taken = await db.transaction((tx) => saveTopology(tx, topology, runtime.clock.now()));
    if (taken) this.topologyChanged();
  }

  private async askAuthority(store: string, own: OwnTopology): Promise<Topology> {
    const client = this.clientWhenConnected;
    if (!client) throw new Error(`store "${store}" can't register before Temporal is reached`);
    // Should the authority have lost its memory, it begins again from what this site knows.
    const state: TopologyState = {
      topology: own.topology,
      data: own.incarnation > 0 ? [{ site: own.site, dataId: own.dataId, incarnation: own.incarnation }] : [],
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
        args: [{ site: this.context.site, dataId: own.dataId, url: this.context.url, incarnation: own.incarnation }],
      }),
    );
  }

  private async startWorker(queue: string): Promise<void> {
    if (this.workers.has(queue) || !this.native || this.stopping) return;
    const shared = { connection: this.native, namespace: this.temporal.namespace, taskQueue: queue };
    const worker = await Worker.create(
      queue === WORKFLOW_QUEUE
        ? {
            ...shared,
            workflowBundle: { codePath: WORKFLOW_BUNDLE },
            stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
            maxCachedWorkflows: CACHED_WORKFLOWS_MAX,
            workflowThreadPoolSize: 1,
            workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: WORKFLOW_POLLERS },
            shutdownGraceTime: SHUTDOWN_GRACE,
          }
        : {
            ...shared,
            activities: this.activities,
            maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES_MAX,
            activityTaskPollerBehavior: { type: 'simple-maximum', maximum: ACTIVITY_POLLERS },
            shutdownGraceTime: SHUTDOWN_GRACE,
          },
    );
    this.workers.set(queue, { queue, worker, ended: this.watch(queue, worker) });
    this.context.log.info({ queue }, 'worker polls');
  }

  /** A worker that ends by itself is started again. */
  private async watch(queue: string, worker: Worker): Promise<void> {
    try {
      await worker.run();
    } catch (error) {
      this.context.log.error({ queue, error: String(error) }, 'worker ended with an error');
    }
    this.workers.delete(queue);
    if (!this.stopping) {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_FIRST_MS));
      this.topologyChanged();
    }
  }
}

function shutDown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
