/** The catalogue's activities (figures 6 and 7). */
import { heartbeat } from '@temporalio/activity';
import { newestRevision, publishDraft } from '../../db/catalog/publication';
import { type StoredDocument, confirmedRevisions, recordDelivery } from '../../db/catalog/deliveries';
import { readHead } from '../../db/catalog/heads';
import { noteFired } from '../../db/catalog/triggers';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { EVERYONE, NO_REVISION } from '../../domain/catalog';
import { DRAFT_DEFAULT } from '../../domain/catalog-draft';
import { TellableError } from '../../domain/errors';
import { childrenOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type PrimaryActivities, type SiteActivities } from '../contract';
import { applyCatalog } from './apply';
import { planDocument, prepareDocument } from './documents';
import { fetchDocument } from './fetch';
import { type SiteView, sitesFor, viewOfSite } from './views';

/** Asked by a delivery from before there were user groups, which does not say for whom: everyone's part. */
const UNKNOWN_SITE: SiteView = { partition: EVERYONE, served: {} };

/** Each costs a call into Temporal's core, and a document has many batches; its worker is missed after forty times as long. */
const HEARTBEAT_EVERY_MS = 250;

type Prepared = StoredDocument & { readonly view: SiteView };

type CatalogActivities = Pick<
  PrimaryActivities,
  'publishCatalog' | 'prepareCatalogDocument' | 'recordCatalogDelivery'
> &
  Pick<SiteActivities, 'applyCatalog'>;

export function catalogActivities(context: SiteContext): CatalogActivities {
  const { db, runtime, log } = context;
  return {
    async publishCatalog({ store, epoch, catalog, request, draft = DRAFT_DEFAULT, trigger, only, publisher }) {
      const published = await db.transaction(async (tx) => {
        await requirePublisher(context, tx, { store, epoch, publisher });
        if (only) return newestRevision(tx, store, catalog);
        if (trigger !== undefined) await noteFired(tx, { store, catalog, trigger }, runtime.clock.now());
        return publishDraft(tx, { store, catalog, draft, epoch, request, now: runtime.clock.now() });
      });
      const { topology, site } = await loadTopology(db, store);
      if (!only) log.info({ store, catalog, draft, ...published }, 'catalogue published');
      const sites = only?.sites ?? childrenOf(topology, site).map((child) => child.site);
      return { ...published, sites: await sitesFor(db, { store, catalog }, published.revision, sites) };
    },

    async prepareCatalogDocument({ store, epoch, catalog, base, sites, site, target, publisher }) {
      await db.transaction((tx) => requirePublisher(context, tx, { store, epoch, publisher }));
      const settings = storeSettings(context, store);
      const wanted = target === NO_REVISION ? (await readHead(db, store, catalog)).revision : target;
      const receivers = sites ?? (site === undefined ? [] : [site]);
      const needs = await Promise.all(receivers.map((receiver) => needOf(receiver)));
      const made = new Map<string, Prepared>();
      for (const { view, from } of needs.length > 0 ? needs : [{ view: UNKNOWN_SITE, from: base }]) {
        const key = { catalog, partition: view.partition, base: from, target: wanted };
        const known = made.get(JSON.stringify(key));
        const planned = known ?? (await prepareDocument(context, settings, await planDocument(context, store, key)));
        made.set(JSON.stringify(key), { ...planned, view });
      }
      const [document] = made.values();
      const { payloadId, bytes, contentDigest, itemCount, base: from, view } = document as Prepared;
      const url = `${context.url}/v1/stores/${store}/catalogs/${catalog}/content`;
      const where = { store, catalog, partition: view.partition, base: from, target: wanted };
      return { ...where, payloadID: payloadId, url, bytes, contentDigest, itemCount, served: view.served };

      /** What the site may see, and what it has of that: of another part it has nothing. */
      async function needOf(receiver: string): Promise<{ view: SiteView; from: number }> {
        const view = await viewOfSite(db, store, receiver);
        if (sites === undefined) return { view, from: base };
        const { partition } = view;
        const [from = NO_REVISION] = await confirmedRevisions(db, store, { catalog, partition }, [receiver]);
        return { view, from };
      }
    },

    async recordCatalogDelivery(change) {
      await db.transaction(async (tx) => {
        await requirePublisher(context, tx, change);
        await recordDelivery(tx, change, runtime.clock.now());
      });
    },

    applyCatalog: (reference) => applyCatalog(context, reference, fetchDocument, seldom(HEARTBEAT_EVERY_MS, heartbeat)),
  };
}

/** Calls at most so often, however often it is called. */
function seldom(everyMs: number, call: () => void): () => void {
  let calledAt = Number.NEGATIVE_INFINITY;
  return () => {
    // A clock that can't be set.
    const now = performance.now();
    if (now - calledAt < everyMs) return;
    calledAt = now;
    call();
  };
}

/** The primary in that epoch; or this site, when it sends on what it has confirmed, which no epoch fences. */
async function requirePublisher(
  { site }: SiteContext,
  tx: Transaction,
  { store, epoch, publisher }: { store: string; epoch: number; publisher?: string | undefined },
): Promise<void> {
  if (publisher === undefined) return requirePrimacy(tx, store, epoch);
  if (publisher !== site) throw new TellableError(`site "${publisher}" is asked to send on, and this is "${site}"`);
}
