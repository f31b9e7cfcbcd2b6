import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ParentClosePolicy,
  condition,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { type PrimaryActivities, type PublishedRevision } from '../activities/contract';
import { EVERYONE, NO_REVISION, showRevision } from '../domain/catalog';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { type Topology } from '../domain/sites';
import { queueOfPublisher, queueOfSite } from '../domain/topology';
import { type CatalogPushInput, type SiteReport, type WantedRevision } from '../domain/workflow-inputs';
import { formatWorkflowId } from '../domain/workflow-ids';
import { catalogDelivery } from './catalog-delivery';
import { TopologyWatch, deliver } from './hold';
import { PUSH_CONFIRMATION_WAIT, bulkWork, smallDocument } from './options';
import { startAttributes } from './search-attributes';
import { deliverRevision, siteReported } from './signals';
import { Status } from './status';

export interface CatalogPushResult {
  readonly revision: number;
  readonly itemCount: number;
  readonly sites: readonly SiteReport[];
}

/** Sends a catalogue to the sites that it is for (figure 6). */
export async function catalogPush(input: CatalogPushInput): Promise<CatalogPushResult> {
  const { store, catalog, draft, trigger, only, publisher, requestedAt } = input;
  const fromPublisher = publisher === undefined ? {} : { publisher };
  const queue = (topology: Topology) => queueOfPublisher(topology, publisher);
  const { workflowId } = workflowInfo();
  const request = trigger === undefined ? input.request : workflowId;
  const watch = new TopologyWatch(input.topology);
  const status = new Status('publishing', `catalogue ${catalog}`);
  const reports = new Map<string, SiteReport>();
  setHandler(siteReported, (report) => void reports.set(report.site, report));

  const published = await publish();
  await convert(published);
  status.become('delivering', `revision ${showRevision(published.revision)} to ${published.sites.join(', ')}`);
  for (const site of published.sites) await sendTo(site, published.revision);
  await condition(() => published.sites.every((site) => reports.has(site)), PUSH_CONFIRMATION_WAIT);
  return finish(published);

  /** Step 600. The trigger is "now", so the draft gets its revision here, unless sites ask for what there is. */
  function publish(): Promise<PublishedRevision> {
    return onPublisher(`publish ${catalog}`, (activities) =>
      activities.publishCatalog({
        ...{ store, epoch: watch.current.epoch, catalog, request },
        ...(draft === undefined ? {} : { draft }),
        ...(trigger === undefined ? {} : { trigger }),
        ...(only ? { only } : {}),
        ...fromPublisher,
      }),
    );
  }

  /** Steps 602 and 604: what each site needs, for many need the same. */
  async function convert({ revision, sites }: PublishedRevision): Promise<void> {
    if (revision === NO_REVISION) return;
    await onPublisher(`convert revision ${showRevision(revision)}`, (activities) =>
      activities.prepareCatalogDocument({
        store,
        epoch: watch.current.epoch,
        catalog,
        partition: EVERYONE,
        base: NO_REVISION,
        sites,
        target: revision,
        ...fromPublisher,
      }),
    );
  }

  /** Step 608: the site's delivery goes on after this push has ended (step 612: held for later). */
  async function sendTo(site: string, revision: number): Promise<void> {
    const id = formatWorkflowId('catalogDelivery', { store, catalog, site });
    const wanted: WantedRevision = { target: revision, reportTo: [workflowId], ...fromPublisher };
    for (;;) {
      try {
        await startChild(catalogDelivery, {
          workflowId: id,
          args: [{ store, catalog, partition: EVERYONE, site, wanted, topology: watch.current }],
          taskQueue: WORKFLOW_QUEUE,
          parentClosePolicy: ParentClosePolicy.ABANDON,
          typedSearchAttributes: startAttributes({ store, site, document: `${catalog}@${showRevision(revision)}` }),
          staticSummary: `catalogue ${catalog} to ${site}`,
        });
        return;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
      if (await signalled(id, wanted)) return;
    }
  }

  /** False when the delivery ended between being found running and being told. */
  async function signalled(id: string, wanted: WantedRevision): Promise<boolean> {
    try {
      await getExternalWorkflowHandle(id).signal(deliverRevision, wanted);
      return true;
    } catch {
      return false;
    }
  }

  /** Steps 610 and 612. */
  async function finish({ revision, itemCount, sites }: PublishedRevision): Promise<CatalogPushResult> {
    const result = {
      revision,
      itemCount,
      sites: sites.map((site): SiteReport => reports.get(site) ?? { site, target: revision, state: 'held' }),
    };
    const held = result.sites.filter((site) => site.state !== 'confirmed').map((site) => site.site);
    await deliver(watch, {
      queue: requestedAt === undefined ? queue : (topology) => queueOfSite(topology, requestedAt),
      send: (taskQueue) =>
        proxyActivities<PrimaryActivities>(smallDocument(taskQueue, 'record the outcome')).recordWorkflow({
          store,
          workflowId,
          state: 'completed',
          result: JSON.stringify(result),
        }),
      onHeld: () => undefined,
    });
    await watch.leave();
    const rest = held.length === 0 ? 'every site has it' : `not yet at ${held.join(', ')}`;
    status.become('completed', `revision ${showRevision(revision)}: ${rest}`);
    return result;
  }

  function onPublisher<T>(summary: string, call: (activities: PrimaryActivities) => Promise<T>): Promise<T> {
    return deliver(watch, {
      queue,
      send: (taskQueue) => call(proxyActivities<PrimaryActivities>(bulkWork(taskQueue, summary))),
      onHeld: () => status.become('held', `${summary}: ${publisher ?? 'the primary'} does not answer`),
    });
  }
}
