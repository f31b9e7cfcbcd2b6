/** Sending to a receiver that may be away: the queue is the hold (design, section 3). */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  log,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type SiteActivities } from '../activities/contract';
import { HELD_AFTER_MS } from '../domain/held';
import { type Topology } from '../domain/sites';
import { queueOfSite } from '../domain/topology';
import { formatWorkflowId } from '../domain/workflow-ids';
import { smallDocument } from './options';
import { subscribe, topologyChanged, unsubscribe } from './signals';

/** Executions that began before this asked an authority once, and never again. */
const ASKED_AGAIN = 'authority-asked-again';
/** While the authority is not running it is asked again after this long, and each time after twice as long. */
const ASK_AGAIN_MS = { first: 10_000, longest: 10 * 60_000 };

/** The newest topology that this workflow has heard of. Whoever is held hears of changes; see storeTopology. */
export class TopologyWatch {
  private subscribed = false;
  private unheard = false;

  constructor(private topology: Topology) {
    setHandler(topologyChanged, (changed) => {
      if (changed.version > this.topology.version) this.topology = changed;
    });
  }

  get current(): Topology {
    return this.topology;
  }

  /** Asks the topology's authority for changes, from the first hold on. */
  async follow(): Promise<void> {
    if (this.subscribed && !(this.unheard && patched(ASKED_AGAIN))) return;
    this.subscribed = true;
    this.unheard = !(await this.tellAuthority((authority) =>
      authority.signal(subscribe, workflowInfo().workflowId, this.topology.version),
    ));
  }

  /** Waits for what may hang on the topology: a store whose authority is not running yet may have one later. */
  async wait(decided: () => boolean): Promise<void> {
    let ms = ASK_AGAIN_MS.first;
    while (this.unheard && patched(ASKED_AGAIN) && !(await condition(decided, ms))) {
      ms = Math.min(2 * ms, ASK_AGAIN_MS.longest);
      await this.follow();
    }
    await condition(decided);
  }

  /** To be awaited before the workflow ends. */
  async leave(): Promise<void> {
    if (!this.subscribed) return;
    this.subscribed = false;
    await this.tellAuthority((authority) => authority.signal(unsubscribe, workflowInfo().workflowId));
  }

  /** False when it is not running. */
  private async tellAuthority(
    tell: (authority: ReturnType<typeof getExternalWorkflowHandle>) => Promise<void>,
  ): Promise<boolean> {
    const id = formatWorkflowId('storeTopology', { store: this.topology.store });
    try {
      await tell(getExternalWorkflowHandle(id));
      return true;
    } catch (error) {
      // A store whose authority is not running yet has nothing to announce; the delivery goes on all the same.
      log.warn('the topology authority could not be reached', { id, error: String(error) });
      return false;
    }
  }
}

export interface Delivery<T> {
  /** Where it goes, by the topology of the moment. */
  readonly queue: (topology: Topology) => string;
  readonly send: (queue: string) => Promise<T>;
  /** Told once, when the receiver has not answered for `heldAfterMs`; `since` is milliseconds UTC. */
  readonly onHeld: (since: number) => void;
  /** HELD_AFTER_MS, unless what is sent takes longer by itself. */
  readonly heldAfterMs?: number;
}

export const SUPERSEDED = Symbol('superseded');

/**
 * Delivers once, however long the receiver is away. A change of topology looks the receiver up anew and cancels the
 * old attempt; that attempt may still run late beside its successor, which the receiver's inbox decides.
 */
export async function deliver<T>(watch: TopologyWatch, delivery: Delivery<T>): Promise<T> {
  const delivered = await deliverUnlessSuperseded(watch, delivery, () => false);
  if (delivered === SUPERSEDED) throw new Error('a delivery that nothing replaces was superseded');
  return delivered;
}

/** As `deliver`, but given up as soon as `superseded` says that a newer delivery replaces this one. */
export async function deliverUnlessSuperseded<T>(
  watch: TopologyWatch,
  delivery: Delivery<T>,
  superseded: () => boolean,
): Promise<T | typeof SUPERSEDED> {
  const since = Date.now();
  let heldTold = false;
  while (!superseded()) {
    const queue = delivery.queue(watch.current);
    const attempt = new Attempt(() => delivery.send(queue));
    const decided = () => attempt.settled || superseded() || delivery.queue(watch.current) !== queue;
    if (!heldTold && !(await condition(decided, delivery.heldAfterMs ?? HELD_AFTER_MS))) {
      heldTold = true;
      delivery.onHeld(since);
      await watch.follow();
    }
    await watch.wait(decided);
    if (attempt.settled) return attempt.result();
    await attempt.cancel();
  }
  return SUPERSEDED;
}

/** Asks one site for a small piece of work, however long it is away; `onHeld` is told what waits, and for whom. */
export function askSite<T>(
  watch: TopologyWatch,
  site: string,
  summary: string,
  call: (activities: SiteActivities) => Promise<T>,
  onHeld: (what: string) => void,
): Promise<T> {
  return deliver(watch, {
    queue: (topology) => queueOfSite(topology, site),
    send: (queue) => call(proxyActivities<SiteActivities>(smallDocument(queue, summary))),
    onHeld: () => onHeld(`${summary}: ${site} does not answer`),
  });
}

/** An activity under way that can be given up. */
class Attempt<T> {
  private readonly scope = new CancellationScope();
  private readonly done: Promise<void>;
  private outcome: { value: T } | { error: unknown } | undefined;

  constructor(run: () => Promise<T>) {
    this.done = this.scope.run(run).then(
      (value) => void (this.outcome = { value }),
      (error: unknown) => void (this.outcome = { error }),
    );
  }

  get settled(): boolean {
    return this.outcome !== undefined;
  }

  result(): T {
    if (!this.outcome) throw new Error('the attempt has not settled');
    if ('error' in this.outcome) throw this.outcome.error;
    return this.outcome.value;
  }

  async cancel(): Promise<void> {
    this.scope.cancel();
    await this.done;
  }
}
