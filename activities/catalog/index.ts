/** The catalogue's activities (figures 6 and 7). */
import { heartbeat } from '@temporalio/activity';
import { publishDraft } from '../../db/catalog/drafts';
import { recordDelivery } from '../../db/catalog/deliveries';
import { readHead } from '../../db/catalog/heads';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { childrenOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type PrimaryActivities, type SiteActivities } from '../contract';
import { applyCatalog } from './apply';
import { prepareDocument } from './documents';

type CatalogActivities = Pick<
  PrimaryActivities,
  'publishCatalog' | 'prepareCatalogDocument' | 'recordCatalogDelivery'
> &
  Pick<SiteActivities, 'applyCatalog'>;

export function catalogActivities(context: SiteContext): CatalogActivities {
  const { db, runtime, log } = context;
  return {
    async publishCatalog({ store, epoch, catalog, request }) {
      const published = await db.transaction(async (tx) => {
        await requirePrimacy(tx, store, epoch);
        return publishDraft(tx, { store, catalog, epoch, request, now: runtime.clock.now() });
      });
      const { topology, site } = await loadTopology(db, store);
      log.info({ store, catalog, ...published }, 'catalogue published');
      return { ...published, sites: childrenOf(topology, site).map((child) => child.site) };
    },

    async prepareCatalogDocument({ store, epoch, catalog, partition, base, target }) {
      await db.transaction((tx) => requirePrimacy(tx, store, epoch));
      const settings = storeSettings(context, store);
      const wanted = target === 0 ? (await readHead(db, store, catalog)).revision : target;
      const document = await prepareDocument(context, settings, { catalog, partition, base, target: wanted });
      const { payloadId, bytes, contentDigest, itemCount } = document;
      const url = `${context.url}/v1/stores/${store}/catalogs/${catalog}/content`;
      const where = { store, catalog, partition, base, target: wanted };
      return { ...where, payloadID: payloadId, url, bytes, contentDigest, itemCount };
    },

    async recordCatalogDelivery(change) {
      await db.transaction(async (tx) => {
        await requirePrimacy(tx, change.store, change.epoch);
        await recordDelivery(tx, change, runtime.clock.now());
      });
    },

    applyCatalog: (reference) => applyCatalog(context, reference, () => heartbeat()),
  };
}
