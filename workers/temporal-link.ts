/**
 * A site's link to Temporal: connects when it can, registers with the topology's authority, and runs the workers of the
 * queues that are this site's. Sites open and sell before Temporal is up, so all of this goes on in the background.
 */
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { type SiteContext, type TemporalReach } from '../activities/context';
import { Pause } from '../activities/pause';
import { takeTopology } from '../activities/topology';
import { type OwnTopology, loadTopology } from '../db/topology';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { TellableError } from '../domain/errors';
import { type Topology } from '../domain/sites';
import { queueOfPrimary, queueOfSite } from '../domain/topology';
import { grpcReason } from './grpc-error';
import { askAuthority } from './registration';
import { CALL_TIMEOUT_MS, type TemporalSettings, connectionOptions } from './temporal-connection';
import { ensureSearchAttributes } from './search-attributes';
import { ACTIVITY_WORKER, WORKFLOW_WORKER } from './worker-options';
import { WORKFLOW_BUNDLE } from './workflow-bundle';

/** Waits between attempts to reach Temporal. */
const RECONNECT_WAIT_FIRST_MS = 250;
const RECONNECT_WAIT_LONGEST_MS = 5_000;
/** How often a site registers again: it hears of what it missed, and an authority that was lost begins again. */
const REGISTER_INTERVAL_MS = 60_000;
/** How long a sign of life may take; someone waits for the answer. */
const REACH_TIMEOUT_MS = 2_000;
/** A link may die in silence: so Temporal is asked for a sign of life this often, and may take this long for it. */
const PROBE_INTERVAL_MS = 5_000;
const PROBE_TIMEOUT_MS = 5_000;
/** How long connecting may take: over a link that was dead the system would wait for minutes. */
const CONNECT_TIMEOUT_MS = 5_000;

export type Activities = object;

interface RunningWorker {
  readonly queue: string;
  readonly worker: Worker;
  readonly ended: Promise<void>;
}

export class TemporalLink {
  private readonly workers = new Map<string, RunningWorker>();
  /** Workers of connections that were given up, until they have ended. */
  private readonly retired = new Set<Promise<void>>();
  /** What the topology authority has answered, until it is taken. */
  private readonly hearing = new Set<Promise<boolean>>();
  private native: NativeConnection | undefined;
  private connection: Connection | undefined;
  private clientWhenConnected: Client | undefined;
  private stopping = false;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;
  private reconcileAgain = true;
  private lastFailure = 'not connected yet';

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

  /** Asks for the namespace: that it is there is part of Temporal's being there. */
  async reach(): Promise<TemporalReach> {
    const { connection } = this;
    if (!connection || !this.clientWhenConnected) return { reached: false, reason: this.lastFailure };
    const { namespace } = this.temporal;
    try {
      await connection.withDeadline(Date.now() + REACH_TIMEOUT_MS, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      return { reached: true, reason: null };
    } catch (error) {
      return { reached: false, reason: grpcReason(error) };
    }
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
    await this.disconnect();
    await Promise.all(this.retired);
    await Promise.allSettled(this.hearing);
  }

  private async run(): Promise<void> {
    let wait = RECONNECT_WAIT_FIRST_MS;
    while (!this.stopping) {
      try {
        await this.connect();
        if (this.reconcileAgain) await this.reconcile();
        wait = RECONNECT_WAIT_FIRST_MS;
        await this.watchTemporal();
        this.reconcileAgain = true;
      } catch (err) {
        this.lastFailure = grpcReason(err);
        this.context.log.warn({ err, retryInMs: wait }, 'Temporal is away; the site sells on');
        if (!(await this.showsLife())) void this.disconnect();
        await this.pause.wait(wait);
        wait = Math.min(wait * 2, RECONNECT_WAIT_LONGEST_MS);
      }
    }
  }

  /** Returns when it is time to register again; throws when Temporal shows no sign of life. */
  private async watchTemporal(): Promise<void> {
    const until = Date.now() + REGISTER_INTERVAL_MS;
    while (!this.stopping && !this.reconcileAgain && Date.now() < until) {
      await this.pause.wait(PROBE_INTERVAL_MS);
      if (!this.stopping) await this.probe();
    }
  }

  private async probe(): Promise<void> {
    const { connection } = this;
    if (!connection) throw new Error('there is no connection to Temporal');
    await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () => connection.workflowService.getSystemInfo({}));
  }

  private async showsLife(): Promise<boolean> {
    try {
      await this.probe();
      return this.clientWhenConnected !== undefined;
    } catch {
      return false;
    }
  }

  private async connect(): Promise<void> {
    if (this.clientWhenConnected) return;
    const { address, namespace } = this.temporal;
    const options = await connectionOptions(this.temporal);
    this.connection ??= await openConnection(options);
    this.native ??= await withinTime('the worker connection', NativeConnection.connect(options));
    const { connection } = this;
    const added = await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      ensureSearchAttributes(connection, namespace),
    );
    if (added.length > 0) this.context.log.info({ added }, 'search attributes added');
    this.clientWhenConnected = new Client({ connection, namespace });
    this.context.log.info({ temporal: address, namespace }, 'connected to Temporal');
    this.reconcileAgain = true;
    await this.startWorker(WORKFLOW_QUEUE);
    this.onConnected();
  }

  /**
   * Gives up both connections and the workers on them: what waits on a dead link would find its way back only when the
   * system's own patience ends. Resolves when all of it has ended; a new connection need not wait for that.
   */
  private async disconnect(): Promise<void> {
    const { connection, native } = this;
    const workers = [...this.workers.values()];
    this.connection = this.native = this.clientWhenConnected = undefined;
    this.workers.clear();
    for (const { worker } of workers) shutDown(worker);
    const ending = (async () => {
      await connection?.close();
      await Promise.all(workers.map(({ ended }) => ended));
      await native?.close();
    })().catch((error: unknown) => this.context.log.warn({ error: String(error) }, 'a link did not end cleanly'));
    this.retired.add(ending);
    await ending;
    this.retired.delete(ending);
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
    const { db, site, url } = this.context;
    const own = await loadTopology(db, store);
    const known = own.topology.sites.find((candidate) => candidate.site === site);
    if (own.incarnation > 0 && known?.url === url && own.topology.version > 0) {
      // Registered before: work goes on at once, and the authority is told beside it.
      void this.askAuthority(store, own)
        .then((topology) => this.hear(topology))
        .catch((err: unknown) =>
          this.context.log.warn({ store, err }, 'the topology authority was not heard; it is asked again'),
        );
      return own.topology;
    }
    const topology = await this.askAuthority(store, own);
    await takeTopology(this.context, topology);
    return topology;
  }

  /** An answer that comes when the site stops is for the next start: the database is about to be closed. */
  private async hear(topology: Topology): Promise<void> {
    if (this.stopping) return;
    const taking = takeTopology(this.context, topology);
    this.hearing.add(taking);
    try {
      if (await taking) this.topologyChanged();
    } finally {
      this.hearing.delete(taking);
    }
  }

  private async askAuthority(store: string, own: OwnTopology): Promise<Topology> {
    const client = this.clientWhenConnected;
    if (!client) throw new Error(`store "${store}" can't register before Temporal is reached`);
    return askAuthority(client, own, this.context.url);
  }

  private async startWorker(queue: string): Promise<void> {
    if (this.workers.has(queue) || !this.native || this.stopping) return;
    const shared = { connection: this.native, namespace: this.temporal.namespace, taskQueue: queue };
    const worker = await Worker.create(
      queue === WORKFLOW_QUEUE
        ? { ...shared, ...WORKFLOW_WORKER, workflowBundle: { codePath: WORKFLOW_BUNDLE } }
        : { ...shared, ...ACTIVITY_WORKER, activities: this.activities },
    );
    this.workers.set(queue, { queue, worker, ended: this.watch(queue, worker) });
    this.context.log.info({ queue }, 'worker polls');
  }

  /** A worker that ends by itself is started again. */
  private async watch(queue: string, worker: Worker): Promise<void> {
    try {
      await worker.run();
    } catch (err) {
      this.context.log.error({ queue, err }, 'worker ended with an error');
    }
    // One that was given up has nobody to start it again.
    if (this.workers.get(queue)?.worker !== worker) return;
    this.workers.delete(queue);
    if (!this.stopping) {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_FIRST_MS));
      this.topologyChanged();
    }
  }
}

/** Fails in time, and leaves nothing behind that goes on trying. */
async function openConnection(options: ConnectionOptions): Promise<Connection> {
  // No retries inside the connection: whoever calls asks again itself, and one that comes due after the connection was
  // given up would end the process.
  const connection = Connection.lazy({ ...options, connectTimeout: CONNECT_TIMEOUT_MS, interceptors: [] });
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw new TellableError(`${options.address ?? 'Temporal'} does not answer: ${grpcReason(error)}`, { cause: error });
  }
}

async function withinTime(what: string, work: Promise<NativeConnection>): Promise<NativeConnection> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`${what} to Temporal was not there within ${CONNECT_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), CONNECT_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    // Should it come all the same, nobody waits for it any more.
    work.then(
      (connection) => connection.close(),
      () => undefined,
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function shutDown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
