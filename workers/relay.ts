/**
 * The relay: takes what transactions left in the outbox to Temporal. Orders go in batches (group commit, design,
 * section 3): idle, a batch is one order and leaves at once; under load it fills, and what a few batches in flight
 * can't carry waits in the outbox.
 */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type SiteContext } from '../activities/context';
import { formOrderBatch, loadOrderBatch } from '../activities/orders';
import { Pause } from '../activities/pause';
import { SEALED_BYTES_MAX } from '../activities/sealing';
import {
  entriesOfBatch,
  openBatches,
  releaseFromBatch,
  removeEntry,
  requestersOfBatch,
  waitingEntries,
} from '../db/outbox';
import { setBatch } from '../db/orders';
import { isNumbered, loadTopology } from '../db/topology';
import { findWorkflowRun, recordWorkflowStarted } from '../db/workflow-runs';
import { type SpanOptions } from '../activities/tracing';
import { type SealedDocument } from '../domain/documents';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { parentOf } from '../domain/sites';
import { type Traced, formatTraceparent, parseTraceparent, traceOfBatch } from '../domain/trace';
import { type PurchaseOrderDeliveryInput, SHORT } from '../domain/workflow-inputs';
import { type WorkflowType, formatWorkflowId, parseWorkflowId } from '../domain/workflow-ids';
import { startAttributes } from '../workflows/search-attributes';
import { isRefused } from './grpc-error';
import { tellTriggers } from './schedules';
import { CALL_TIMEOUT_MS } from './temporal-connection';

/** Batches of one store in flight at a time; the rest waits in the outbox. */
export const BATCHES_IN_FLIGHT_MAX = 4;
/** Workflows started in one round of one store: a fair share. */
const WORKFLOW_STARTS_MAX = 50;
/** With a batch in flight, how long a next one may fill. */
const FILL_WAIT_MS = 40;
/** How often the outbox is looked at without being told. */
const SWEEP_INTERVAL_MS = 1_000;
/** A batch without an answer for this long is offered to Temporal again; the same id makes that harmless. */
const REOFFER_AFTER_MS = 60_000;

/** Workflows that run for as long as their subject is there: they are told by this signal, and started if need be. */
const TOLD_BY: Partial<Record<WorkflowType, string>> = { inventoryReplenishment: SHORT };

/** The relay's steps in a trace, and what the log says of one that was taken. */
const STEPS = { 'offer orders': 'orders offered', 'start workflow': 'workflow started' } as const;

export class Relay {
  private stopping = false;
  private told = true;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;
  /** When each open batch was last offered by this process, milliseconds UTC. */
  private readonly offered = new Map<string, number>();

  constructor(
    private readonly context: SiteContext,
    private readonly client: () => Client | undefined,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** The outbox has work, or room for it. Never waits. */
  poke(): void {
    this.told = true;
    this.pause.cut();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.pause.cut();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.told = false;
      for (const store of this.context.stores.keys()) {
        const client = this.client();
        if (!client || this.stopping) break;
        try {
          await this.startWorkflows(client, store);
          await this.offerOrders(client, store);
          // Last: a schedule that Temporal refuses holds up no order.
          await tellTriggers(this.context, client, store);
        } catch (err) {
          this.context.log.warn({ store, err }, 'the relay could not deliver; the outbox keeps it');
          this.told = false;
        }
      }
      if (!this.told && !this.stopping) await this.pause.wait(SWEEP_INTERVAL_MS);
    }
  }

  /** Workflows that were asked for through the API. What Temporal refuses stays, and holds up nothing else. */
  private async startWorkflows(client: Client, store: string): Promise<void> {
    const { db, runtime, log } = this.context;
    const waiting = await waitingEntries(db, store, 'workflow', WORKFLOW_STARTS_MAX);
    let done = 0;
    // What was asked for several times since the last round is told once.
    for (const workflowId of new Set(waiting.map(({ subject }) => subject))) {
      const entries = waiting.filter(({ subject }) => subject === workflowId);
      try {
        if (!(await this.startWorkflow(client, store, workflowId, entries.at(-1)?.traceContext ?? null))) continue;
      } catch (err) {
        if (!isRefused(err)) throw err;
        log.warn({ store, workflowId, err }, 'Temporal refused to start a workflow; the outbox keeps it');
        continue;
      }
      await db.transaction(async (tx) => {
        for (const { outboxId } of entries) await removeEntry(tx, store, outboxId);
        await recordWorkflowStarted(tx, store, workflowId, runtime.clock.now());
      });
      done += entries.length;
    }
    if (waiting.length === WORKFLOW_STARTS_MAX && done > 0) this.told = true;
  }

  /** False where it can't be started yet. */
  private async startWorkflow(
    client: Client,
    store: string,
    workflowId: string,
    traceContext: string | null,
  ): Promise<boolean> {
    const { db } = this.context;
    const run = await findWorkflowRun(db, store, workflowId);
    const parsed = parseWorkflowId(workflowId);
    if (!run || !parsed) throw new Error(`outbox entry for workflow "${workflowId}" has no request`);
    const signal = TOLD_BY[run.kind];
    // What runs for ever begins with what is known now, and not before its site has a queue.
    const own = signal === undefined ? null : await loadTopology(db, store);
    if (own && !isNumbered(own)) return false;
    const parent = parseTraceparent(traceContext);
    await this.traced('start workflow', store, workflowId, { parent, links: [] }, {}, async (carried) => {
      const about = { store, ...('site' in parsed ? { site: parsed.site } : {}) };
      const input = { ...(run.input as object), ...carried };
      if (signal === undefined || !own) await startOnce(client, run.kind, workflowId, [input], about);
      else await startOrTell(client, run.kind, workflowId, [{ ...input, topology: own.topology }], signal, about);
    });
    return true;
  }

  private async offerOrders(client: Client, store: string): Promise<void> {
    const open = await openBatches(this.context.db, store);
    const now = this.context.runtime.clock.now();
    for (const { batch } of open) {
      // After a restart nothing is known to be offered, so every open batch is offered again.
      if (now - (this.offered.get(batch) ?? 0) > REOFFER_AFTER_MS) await this.offerBatch(client, store, batch);
    }
    this.forgetAllBut(open.map(({ batch }) => batch));
    if (open.length >= BATCHES_IN_FLIGHT_MAX) return;
    if (open.length > 0) await this.fill();
    const batch = await formOrderBatch(this.context, store);
    if (batch === null) return;
    await this.offerBatch(client, store, batch);
    this.told = true;
  }

  private forgetAllBut(batches: readonly string[]): void {
    for (const known of this.offered.keys()) if (!batches.includes(known)) this.offered.delete(known);
  }

  private fill(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, FILL_WAIT_MS));
  }

  private async offerBatch(client: Client, store: string, batch: string): Promise<void> {
    const { db, site, runtime } = this.context;
    const { topology } = await loadTopology(db, store);
    if (parentOf(topology, site) === null) return;
    const document = await this.sealWithinLimit(store, batch);
    if (!document) return;
    const input: PurchaseOrderDeliveryInput = {
      store,
      site,
      batch,
      document,
      notify: await requestersOfBatch(db, store, batch),
      topology,
    };
    const workflowId = formatWorkflowId('purchaseOrderDelivery', { store, site, batch });
    const about = { store, site, document: batch };
    const traces = (await entriesOfBatch(db, store, batch)).map(({ traceContext }) => parseTraceparent(traceContext));
    const fields = { epoch: topology.epoch, payloadId: document.payloadID, orders: document.count };
    const started = await this.traced('offer orders', store, workflowId, traceOfBatch(traces), fields, (carried) =>
      startOnce(client, 'purchaseOrderDelivery', workflowId, [{ ...input, ...carried }], about),
    );
    if (started === 'completed before') {
      // Whatever is left of the batch was answered in a past that this database does not know: it is of a backup.
      return this.releaseAllBut(0, store, batch);
    }
    this.context.metrics.of(store).offeredBatch(document.count);
    this.offered.set(batch, runtime.clock.now());
  }

  /** Starts a workflow as a step of a trace; the workflow's argument carries the trace on. */
  private async traced<T>(
    what: keyof typeof STEPS,
    store: string,
    workflowId: string,
    { parent, links }: Pick<SpanOptions, 'parent' | 'links'>,
    fields: Readonly<Record<string, string | number>>,
    start: (carried: Required<Traced>) => Promise<T>,
  ): Promise<T> {
    const { tracing, log } = this.context;
    const attributes = { 'entrepot.store': store, 'entrepot.workflow_id': workflowId };
    const span = tracing.start(what, { kind: 'producer', parent, links: links ?? [], attributes });
    try {
      const started = await start({ traceContext: formatTraceparent(span.trace) });
      span.end();
      log.info({ store, workflowId, traceId: span.trace.traceId, ...fields }, STEPS[what]);
      return started;
    } catch (error) {
      span.end({}, error);
      throw error;
    }
  }

  /** Halves a batch until its sealed document fits an activity's argument; the rest goes back to the outbox. */
  private async sealWithinLimit(store: string, batch: string): Promise<SealedDocument | null> {
    for (;;) {
      const document = await loadOrderBatch(this.context, store, batch);
      if (!document || document.count <= 1 || document.sealed.length <= SEALED_BYTES_MAX) return document;
      await this.releaseAllBut(Math.ceil(document.count / 2), store, batch);
    }
  }

  /** Gives all but the first `keep` orders of a batch back to the outbox. */
  private async releaseAllBut(keep: number, store: string, batch: string): Promise<void> {
    await this.context.db.transaction(async (tx) => {
      const released = await releaseFromBatch(tx, store, batch, keep);
      await setBatch(
        tx,
        store,
        released.map(({ subject }) => subject),
        null,
      );
    });
  }
}

/**
 * Starts a workflow whose id is its purpose. Running already is success; a failed or terminated one is run again, for
 * its outbox entry is still there (REJECT_DUPLICATE would lose a terminated batch in silence).
 */
async function startOnce(
  client: Client,
  type: string,
  workflowId: string,
  args: unknown[],
  about: { store: string; site?: string; document?: string },
): Promise<'runs' | 'completed before'> {
  try {
    await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflow.start(type, {
        workflowId,
        args,
        taskQueue: WORKFLOW_QUEUE,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        workflowIdConflictPolicy: 'USE_EXISTING',
        typedSearchAttributes: startAttributes(about),
      }),
    );
    return 'runs';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'completed before';
    throw error;
  }
}

async function startOrTell(
  client: Client,
  type: string,
  workflowId: string,
  args: unknown[],
  signal: string,
  about: { store: string; site?: string },
): Promise<void> {
  await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    client.workflow.signalWithStart(type, {
      ...{ workflowId, args, signal, signalArgs: [], taskQueue: WORKFLOW_QUEUE },
      typedSearchAttributes: startAttributes(about),
    }),
  );
}
