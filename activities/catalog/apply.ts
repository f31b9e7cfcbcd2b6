/** A site takes a catalogue document from its parent (figure 7): check, stage, flip. */
import { type Readable } from 'node:stream';
import { ApplicationFailure } from '@temporalio/common';
import { type IndexHandlers, readContentResponse } from '../../cxml/catalog-reader';
import { XmlEndError, XmlError } from '../../cxml/reader';
import { XmlCharacterError } from '../../cxml/writer';
import { BatchQueue } from '../../db/catalog/batch-queue';
import { serveGroups } from '../../db/catalog/groups';
import { type CatalogHead, readHead } from '../../db/catalog/heads';
import { CatalogOrderError, Staging } from '../../db/catalog/staging';
import { type Transaction } from '../../db/database';
import { loadTopology } from '../../db/topology';
import { EVERYONE, NO_REVISION, showRevision } from '../../domain/catalog';
import { baseTaken, isTaken } from '../../domain/catalog-delta';
import { ContentDigest, hashed } from '../../domain/catalog-digest';
import { childrenOf } from '../../domain/sites';
import { type SiteContext } from '../context';
import { type CatalogApplied, type CatalogDocumentReference } from '../contract';
import { requestPush } from './send-on';

/** A document that no retry can mend. */
export const CATALOG_REFUSED = 'CatalogRefused';

function refused(reference: CatalogDocumentReference, reason: string): ApplicationFailure {
  const what = `document ${reference.payloadID} (revision ${showRevision(reference.target)} of "${reference.catalog}")`;
  return ApplicationFailure.nonRetryable(`${what} is refused: ${reason}`, CATALOG_REFUSED);
}

/** Applications of one catalogue are taken one after the other: a late attempt must not stage beside its successor. */
const applying = new Map<string, Promise<unknown>>();

/** Where a document's bytes come from: the parent, see fetch.ts. */
export type FetchDocument = (context: SiteContext, reference: CatalogDocumentReference) => Promise<Readable>;

export async function applyCatalog(
  context: SiteContext,
  reference: CatalogDocumentReference,
  fetch: FetchDocument,
  onProgress: () => void,
): Promise<CatalogApplied> {
  const name = `${context.site}/${reference.store}/${reference.catalog}`;
  const mine = (applying.get(name) ?? Promise.resolve()).then(
    () => applyOnce(context, reference, fetch, onProgress),
    () => applyOnce(context, reference, fetch, onProgress),
  );
  applying.set(name, mine);
  try {
    return await mine;
  } finally {
    if (applying.get(name) === mine) applying.delete(name);
  }
}

async function applyOnce(
  context: SiteContext,
  reference: CatalogDocumentReference,
  fetch: FetchDocument,
  onProgress: () => void,
): Promise<CatalogApplied> {
  const head = await readHead(context.db, reference.store, reference.catalog);
  if (!isTaken(reference, head)) return notTaken(reference, head);
  const bytes = await fetch(context, reference);
  try {
    return await take(context, reference, bytes, onProgress);
  } finally {
    bytes.destroy();
  }
}

async function take(
  context: SiteContext,
  reference: CatalogDocumentReference,
  bytes: Readable,
  onProgress: () => void,
): Promise<CatalogApplied> {
  const { db, runtime, log } = context;
  const { store, catalog, target } = reference;
  const { staging, head: base } = await Staging.begin(db, reference, runtime.ids.uuid(), runtime.clock.now());
  if (!staging) return notTaken(reference, base);
  const startedAt = runtime.clock.now();
  let audience = EVERYONE;
  try {
    audience = await stageDocument(context, reference, bytes, staging, onProgress);
  } catch (error) {
    if (error instanceof SumError && reference.base !== NO_REVISION) {
      log.warn(
        { store, catalog, revision: target, err: error },
        'a delta does not fit; the full document is asked for',
      );
      return { revision: base.revision, takesBase: NO_REVISION };
    }
    throw isRefusal(error) ? refused(reference, error.message) : error;
  }
  const flip = { now: runtime.clock.now(), request: reference.payloadID, audience };
  await staging.flip(flip, async (tx) => {
    await serveGroups(tx, store, reference.served ?? {}, flip.now);
    await sendOn(context, tx, reference);
  });
  const durationMs = runtime.clock.now() - startedAt;
  const { payloadID: payloadId } = reference;
  const items = staging.result.itemCount;
  log.info(
    { store, catalog, revision: target, base: reference.base, payloadId, items, durationMs },
    'catalogue applied',
  );
  return { revision: target };
}

/** What is wrong with the document itself. One that broke off on its way comes whole when it is asked for again. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof XmlEndError) return false;
  return error instanceof XmlError || error instanceof XmlCharacterError || error instanceof CatalogOrderError;
}

/** A site with children sends on what it has confirmed, without waiting to be asked. */
async function sendOn(
  context: SiteContext,
  tx: Transaction,
  { store, catalog, target }: CatalogDocumentReference,
): Promise<void> {
  const { topology, site, incarnation } = await loadTopology(tx, store);
  const sites = childrenOf(topology, site).map((child) => child.site);
  if (sites.length === 0) return;
  const request = `${site}.${incarnation}.${showRevision(target)}`;
  await requestPush(context, tx, topology, { catalog, request, sites, requestedBy: `site:${site}` });
}

function notTaken({ target, partition }: CatalogDocumentReference, head: CatalogHead): CatalogApplied {
  const { revision } = head;
  return revision >= target ? { revision } : { revision, takesBase: baseTaken(partition, head) };
}

/** The document is what was announced, and what is here with it does not make the announced revision. */
class SumError extends XmlError {}

/** Answers the catalogue's audience, as far as this site hears of it. */
async function stageDocument(
  { buyers }: SiteContext,
  reference: CatalogDocumentReference,
  bytes: AsyncIterable<Uint8Array>,
  staging: Staging,
  onProgress: () => void,
): Promise<string> {
  const content = new ContentDigest(reference);
  const announced = { itemCount: reference.itemCount, digest: '', audience: EVERYONE };
  let full = true;
  const batches = new BatchQueue();
  let writing = Promise.resolve();
  const handlers: IndexHandlers = {
    head(head) {
      if (head.target !== reference.target || head.catalog !== reference.catalog) {
        throw new XmlError(`it brings revision ${showRevision(head.target)} of "${head.catalog}"`);
      }
      // An emptied catalogue has no full document that the DTD allows: one without a base is full all the same.
      full = head.loadmode === 'Full' || head.base === NO_REVISION;
      announced.itemCount = head.itemCount;
      announced.digest = head.digest;
      announced.audience = head.audience;
      writing = staging.takeAll(batches, full);
      // Whoever puts a batch hears of it.
      writing.catch(() => undefined);
    },
    async batch(items, withdrawn) {
      await buyers.giveWay();
      const versions = items.map(hashed);
      content.add(versions.map(({ contentHash }) => contentHash));
      for (const sku of withdrawn) content.withdraw(sku);
      await batches.put({ items: versions, withdrawn });
      onProgress();
    },
  };
  let status: number;
  try {
    status = await readContentResponse(bytes, handlers).finally(() => batches.end());
    await writing;
  } finally {
    // Nothing is written any more when this attempt is over.
    await Promise.allSettled([writing]);
  }
  if (status !== 200) throw new XmlError(`the parent answered with Status ${status}`);
  if (full) await staging.replaceRest();
  const found = content.digest();
  if (found !== reference.contentDigest) {
    throw new XmlError(`its content digest is ${found}, announced was ${reference.contentDigest}`);
  }
  const { itemCount, digest } = staging.result;
  if (itemCount !== announced.itemCount || digest !== announced.digest) {
    throw new SumError(
      `applied, it gives ${itemCount} items with digest ${digest}, announced were ${announced.itemCount} with ${announced.digest}`,
    );
  }
  return announced.audience;
}
