/** The catalogue's activities (figures 6 and 7). */
import { heartbeat } from '@temporalio/activity';
import { newestRevision, publishDraft } from '../../db/catalog/publication';
import { type StoredDocument, confirmedRevisions, recordDelivery } from '../../db/catalog/deliveries';
import { readHead } from '../../db/catalog/heads';
import { noteFired } from '../../db/catalog/triggers';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { NO_REVISION } from '../../domain/catalog';
import { DRAFT_DEFAULT } from '../../domain/catalog-draft';
import { TellableError } from '../../domain/errors';
import { childrenOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type PrimaryActivities, type SiteActivities } from '../contract';
import { applyCatalog } from './apply';
import { planDocument, prepareDocument } from './documents';
import { fetchDocument } from './fetch';

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
      return { ...published, sites: only?.sites ?? childrenOf(topology, site).map((child) => child.site) };
    },

    async prepareCatalogDocument({ store, epoch, catalog, partition, base, sites, target, publisher }) {
      await db.transaction((tx) => requirePublisher(context, tx, { store, epoch, publisher }));
      const settings = storeSettings(context, store);
      const wanted = target === NO_REVISION ? (await readHead(db, store, catalog)).revision : target;
      const bases = sites ? await confirmedRevisions(db, store, { catalog, partition }, sites) : [base];
      const made: StoredDocument[] = [];
      for (const from of new Set(bases.length > 0 ? bases : [NO_REVISION])) {
        const key = await planDocument(context, store, { catalog, partition, base: from, target: wanted });
        made.push(await prepareDocument(context, settings, key));
      }
      const [document] = made as [StoredDocument];
      const { payloadId, bytes, contentDigest, itemCount, base: from } = document;
      const url = `${context.url}/v1/stores/${store}/catalogs/${catalog}/content`;
      const where = { store, catalog, partition, base: from, target: wanted };
      return { ...where, payloadID: payloadId, url, bytes, contentDigest, itemCount };
    },

    async recordCatalogDelivery(change) {
      await db.transaction(async (tx) => {
        await requirePublisher(context, tx, change);
        await recordDelivery(tx, change, runtime.clock.now());
      });
    },

    applyCatalog: (reference) => applyCatalog(context, reference, fetchDocument, () => heartbeat()),
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
