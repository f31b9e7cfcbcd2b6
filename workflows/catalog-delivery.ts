import {
  ApplicationFailure,
  ActivityFailure,
  log,
  getExternalWorkflowHandle,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type CatalogDeliveryRecord,
  type CatalogDocumentReference,
  type PrimaryActivities,
  type SiteActivities,
} from '../activities/contract';
import { NO_REVISION, showRevision } from '../domain/catalog';
import { baseAfterRefusal } from '../domain/catalog-delta';
import { documentHeldAfterMs } from '../domain/held';
import { type Topology } from '../domain/sites';
import { queueOfPublisher, queueOfSite } from '../domain/topology';
import { type CatalogDeliveryInput, type SiteReport, type WantedRevision } from '../domain/workflow-inputs';
import { SUPERSEDED, TopologyWatch, deliver, deliverUnlessSuperseded } from './hold';
import { bulkWork, smallDocument, streamedDocument } from './options';
import { Records } from './records';
import { deliverRevision, siteReported } from './signals';
import { Status } from './status';

const SETTLED = Symbol('settled');
const REFUSED_BASE = Symbol('refused base');
/** Deliveries that began before this release have told it once only. */
const RECORDED_AGAIN = 'recorded-again';
type Change = Pick<CatalogDeliveryRecord, 'state' | 'revision' | 'reason' | 'heldSince'>;
type Outcome = typeof SETTLED | typeof SUPERSEDED | typeof REFUSED_BASE;

/**
 * Brings one site to the newest revision of one catalogue (figure 6, steps 608 to 612; figure 7). While a revision is
 * held for a site that is away, a newer one takes its place. Ends when the site has what is wanted; what was confirmed
 * is in the parent's database.
 */
export async function catalogDelivery(input: CatalogDeliveryInput): Promise<{ revision: number }> {
  const { store, catalog, partition, site } = input;
  const { workflowId } = workflowInfo();
  const watch = new TopologyWatch(input.topology);
  const status = new Status('delivering', `catalogue ${catalog} to ${site}`);
  const records = new Records();
  let wanted = NO_REVISION;
  let settled = NO_REVISION;
  let confirmed = NO_REVISION;
  /** What the next document changes; until the site has said what it has, that is looked up where it is kept. */
  let base: number | undefined;
  let refusals = 0;
  /** Tells the parent once more how the last document ended. */
  let recordAgain: (() => void) | undefined;
  const listeners = new Set<string>();
  let publisher: string | undefined;
  const want = (revision: WantedRevision) => {
    wanted = Math.max(wanted, revision.target);
    publisher = revision.publisher;
    for (const listener of revision.reportTo) listeners.add(listener);
  };
  want(input.wanted);
  setHandler(deliverRevision, want);
  const queueOfParent = (topology: Topology) => queueOfPublisher(topology, publisher);
  const fromPublisher = () => (publisher === undefined ? {} : { publisher });

  for (;;) {
    while (settled < wanted || listeners.size > 0) await bringUpToDate();
    await records.written();
    if (settled < wanted || listeners.size > 0) continue;
    await watch.leave();
    // No await may stand between this last look and the return, or a signal in between would be lost.
    if (settled >= wanted && listeners.size === 0) return { revision: confirmed };
  }

  async function bringUpToDate(): Promise<void> {
    const target = wanted;
    if (settled < target) {
      const document = await prepareDocument(target);
      const applied = await sendDocument(document);
      if (applied !== SETTLED) return;
    } else if (patched(RECORDED_AGAIN)) {
      // A push that wants no more than there is comes also from a parent that has lost its table.
      recordAgain?.();
    }
    await report({ site, target: settled, state: status.current === 'parked' ? 'parked' : 'confirmed' });
  }

  async function prepareDocument(target: number): Promise<CatalogDocumentReference> {
    return deliver(watch, {
      queue: queueOfParent,
      send: (queue) =>
        proxyActivities<PrimaryActivities>(
          bulkWork(queue, `document of revision ${showRevision(target)}`),
        ).prepareCatalogDocument({
          ...{ store, epoch: watch.current.epoch, catalog, partition, site, target, ...fromPublisher() },
          ...(base === undefined ? { base: NO_REVISION, sites: [site] } : { base }),
        }),
      onHeld: () =>
        status.become('held', `revision ${showRevision(target)}: ${publisher ?? 'the primary'} does not answer`),
    });
  }

  async function sendDocument(document: CatalogDocumentReference): Promise<Outcome> {
    const shown = showRevision(document.target);
    status.become('delivering', `revision ${shown} of ${catalog} to ${site}`);
    record(document, { state: 'delivering' });
    try {
      const answer = await deliverUnlessSuperseded(
        watch,
        {
          queue: (topology) => queueOfSite(topology, site),
          send: (queue) =>
            proxyActivities<SiteActivities>(streamedDocument(queue, `revision ${shown}`)).applyCatalog(document),
          onHeld: (since) => hold(document, since),
          heldAfterMs: documentHeldAfterMs(document.bytes),
        },
        () => wanted > document.target,
      );
      if (answer === SUPERSEDED) return SUPERSEDED;
      if (answer.takesBase !== undefined) return onAnotherBase(answer.takesBase);
      confirmed = base = answer.revision;
      refusals = 0;
      status.become('confirmed', `${site} has revision ${showRevision(confirmed)} of ${catalog}`);
      recordEnd(document, { state: 'confirmed', revision: confirmed });
    } catch (error) {
      park(document, error);
    }
    settled = Math.max(document.target, confirmed);
    return SETTLED;
  }

  /** The site has another revision than the delta is for: the next document is made for what it has. */
  function onAnotherBase(siteHas: number): Outcome {
    refusals += 1;
    base = baseAfterRefusal(siteHas, refusals);
    return REFUSED_BASE;
  }

  function hold(document: CatalogDocumentReference, heldSince: number): void {
    const reason = `${site} has not taken the document: it is away, or tries in vain, and its log says why`;
    status.become('held', `revision ${showRevision(document.target)} of ${catalog}: ${reason}`);
    record(document, { state: 'held', heldSince, reason });
  }

  /** A document that the site refuses for good is parked for that site alone. */
  function park(document: CatalogDocumentReference, error: unknown): void {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (!(cause instanceof ApplicationFailure)) throw error;
    status.become('parked', `revision ${showRevision(document.target)} of ${catalog} was refused by ${site}`);
    recordEnd(document, { state: 'parked', reason: cause.message });
  }

  function recordEnd(document: CatalogDocumentReference, change: Change): void {
    recordAgain = () => record(document, change);
    recordAgain();
  }

  function record(document: CatalogDocumentReference, change: Change): void {
    const entry = {
      store,
      catalog,
      // Which part of the catalogue a site gets is decided when its document is made.
      partition: document.partition,
      site,
      workflowId,
      target: document.target,
      payloadID: document.payloadID,
    };
    records.add(() =>
      deliver(watch, {
        queue: queueOfParent,
        send: (queue) =>
          proxyActivities<PrimaryActivities>(smallDocument(queue, `record ${change.state}`)).recordCatalogDelivery({
            ...entry,
            ...change,
            ...fromPublisher(),
            epoch: watch.current.epoch,
          }),
        onHeld: () => undefined,
      }),
    );
  }

  /** Pushes that have ended no longer listen; that is not this delivery's concern. */
  async function report(answer: SiteReport): Promise<void> {
    const told = [...listeners];
    listeners.clear();
    for (const listener of told) {
      try {
        await getExternalWorkflowHandle(listener).signal(siteReported, answer);
      } catch (error) {
        log.info('the push that asked has ended', { listener, error: String(error) });
      }
    }
  }
}
