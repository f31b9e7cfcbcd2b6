/** A site takes a catalogue document from its parent (figure 7): fetch, check, stage, flip. */
import { ApplicationFailure } from '@temporalio/common';
import { writeContentRequest } from '../../cxml/catalog';
import { readContentResponse } from '../../cxml/catalog-reader';
import { XmlError } from '../../cxml/reader';
import { XmlCharacterError } from '../../cxml/writer';
import { readHead } from '../../db/catalog/heads';
import { CatalogOrderError, Staging } from '../../db/catalog/staging';
import { TellableError } from '../../domain/errors';
import { showRevision } from '../../domain/catalog';
import { ContentDigest } from '../../domain/catalog-digest';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { formatTraceparent } from '../../domain/trace';
import { type SiteContext, storeSettings } from '../context';
import { type CatalogDocumentReference } from '../contract';
import { postToSite } from '../site-request';

/** How long the parent may take to begin its answer, milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
/** How long a document under way may stand still: a link that is cut in silence would hold it for minutes. */
const SILENCE_TIMEOUT_MS = 10_000;
/** A document that no retry can mend. */
export const CATALOG_REFUSED = 'CatalogRefused';

function refused(reference: CatalogDocumentReference, reason: string): ApplicationFailure {
  const what = `document ${reference.payloadID} (revision ${showRevision(reference.target)} of "${reference.catalog}")`;
  return ApplicationFailure.nonRetryable(`${what} is refused: ${reason}`, CATALOG_REFUSED);
}

/** Applications of one catalogue are taken one after the other: a late attempt must not stage beside its successor. */
const applying = new Map<string, Promise<unknown>>();

export async function applyCatalog(
  context: SiteContext,
  reference: CatalogDocumentReference,
  onProgress: () => void,
): Promise<{ revision: number }> {
  const name = `${context.site}/${reference.store}/${reference.catalog}/${reference.partition}`;
  const mine = (applying.get(name) ?? Promise.resolve()).then(
    () => applyOnce(context, reference, onProgress),
    () => applyOnce(context, reference, onProgress),
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
  onProgress: () => void,
): Promise<{ revision: number }> {
  const { db, runtime, log } = context;
  const { store, catalog, target } = reference;
  const head = await readHead(db, store, catalog);
  if (head.revision >= target) return { revision: head.revision };
  const bytes = await fetchDocument(context, reference);
  const staging = await Staging.begin(db, store, catalog, target, runtime.ids.uuid(), runtime.clock.now());
  if (!staging) return { revision: (await readHead(db, store, catalog)).revision };
  const startedAt = runtime.clock.now();
  try {
    await stageDocument(reference, bytes, staging, onProgress);
  } catch (error) {
    const isRefusal =
      error instanceof XmlError || error instanceof XmlCharacterError || error instanceof CatalogOrderError;
    throw isRefusal ? refused(reference, error.message) : error;
  }
  await staging.flip(runtime.clock.now(), reference.payloadID);
  const durationMs = runtime.clock.now() - startedAt;
  const { payloadID: payloadId } = reference;
  const items = staging.result.itemCount;
  log.info({ store, catalog, revision: target, payloadId, items, durationMs }, 'catalogue applied');
  return { revision: target };
}

async function fetchDocument(
  context: SiteContext,
  reference: CatalogDocumentReference,
): Promise<AsyncIterable<Uint8Array>> {
  const settings = storeSettings(context, reference.store);
  const now = context.runtime.clock.now();
  const { store, domain } = settings;
  const payloadID = formatPayloadID(now, `${context.site}-${reference.catalog}-${reference.target}`, 1, domain);
  const envelope: Envelope = { payloadID, timestamp: now, store, domain, sender: context.site, receiver: 'parent' };
  const request = writeContentRequest(reference.catalog, reference.base, envelope);
  context.archiveDocument('SubscriptionContentRequest', payloadID, request);
  const patience = new Patience();
  patience.wait(ANSWER_TIMEOUT_MS, 'the parent does not answer');
  const response = await postToSite(context, settings, {
    url: `${reference.url}?target=${reference.target}`,
    body: request,
    headers: {
      'Content-Type': 'text/xml; charset=UTF-8',
      'Accept-Encoding': 'br',
      ...(context.trace ? { traceparent: formatTraceparent(context.trace) } : {}),
    },
    signal: patience.signal,
  })
    .catch((error: unknown) => {
      throw new TellableError(`${reference.url} does not answer: is the parent up?`, { cause: error });
    })
    .finally(() => patience.end());
  if (!response.ok || !response.body) {
    throw new TellableError(`${reference.url} answered ${response.status} to the request for ${reference.payloadID}`);
  }
  return withPatience(response.body, patience);
}

/** Ends what takes too long. */
class Patience {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  readonly signal = this.controller.signal;

  wait(milliseconds: number, problem: string): void {
    this.timer = setTimeout(
      () => this.controller.abort(new TellableError(`${problem} within ${milliseconds} ms`)),
      milliseconds,
    );
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

/** The same bytes, which may not stand still; the reader may take its time. */
async function* withPatience(bytes: AsyncIterable<Uint8Array>, patience: Patience): AsyncGenerator<Uint8Array> {
  const stillness = () => patience.wait(SILENCE_TIMEOUT_MS, 'nothing more of the document came');
  try {
    stillness();
    for await (const chunk of bytes) {
      patience.end();
      yield chunk;
      stillness();
    }
  } finally {
    patience.end();
  }
}

async function stageDocument(
  reference: CatalogDocumentReference,
  bytes: AsyncIterable<Uint8Array>,
  staging: Staging,
  onProgress: () => void,
): Promise<void> {
  const content = new ContentDigest(reference);
  const announced = { itemCount: reference.itemCount, digest: '' };
  let full = true;
  const status = await readContentResponse(bytes, reference.partition, {
    head(head) {
      if (head.target !== reference.target || head.catalog !== reference.catalog) {
        throw new XmlError(`it brings revision ${showRevision(head.target)} of "${head.catalog}"`);
      }
      full = head.loadmode === 'Full';
      announced.itemCount = head.itemCount;
      announced.digest = head.digest;
    },
    async batch(items, withdrawn) {
      for (const item of items) content.add(item);
      for (const sku of withdrawn) content.withdraw(sku);
      if (full) await staging.replace(items);
      else await staging.change(items, withdrawn);
      onProgress();
    },
  });
  if (status !== 200) throw new XmlError(`the parent answered with Status ${status}`);
  if (full) await staging.replaceRest();
  const found = content.digest();
  if (found !== reference.contentDigest) {
    throw new XmlError(`its content digest is ${found}, announced was ${reference.contentDigest}`);
  }
  const { itemCount, digest } = staging.result;
  if (itemCount !== announced.itemCount || digest !== announced.digest) {
    throw new XmlError(
      `applied, it gives ${itemCount} items with digest ${digest}, announced were ${announced.itemCount} with ${announced.digest}`,
    );
  }
}
