/** Catalogue documents as files: made once per (partition, base, target), made again when they are gone (figure 6, step 604). */
import { hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BrotliCompress, constants, createBrotliCompress } from 'node:zlib';
import { countTouched } from '../../db/catalog/changes';
import {
  type DocumentKey,
  type StoredDocument,
  findDocument,
  forgetDocument,
  oldDocuments,
  saveDocument,
} from '../../db/catalog/deliveries';
import { findRevision } from '../../db/catalog/heads';
import { EVERYONE, NO_REVISION } from '../../domain/catalog';
import { DELTA_ITEMS_MAX, deltaIsSmaller } from '../../domain/catalog-delta';
import { ContentDigest } from '../../domain/catalog-digest';
import { TellableError } from '../../domain/errors';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { type SiteContext, type StoreSettings } from '../context';
import { writeContent } from './content';
import { sumOfView } from './views';

/** A fifth of the size in a tenth of the default's time. */
const BROTLI_QUALITY = 1;

/** How long a document of a revision that is not the newest any more is kept, milliseconds; it can be made again. */
const DOCUMENT_KEPT_MS = 24 * 3_600_000;
/** Documents swept away at a time. */
const SWEPT_DOCUMENTS_MAX = 200;

/** Larger documents are not copied to the archive: they stand in their files, and memory is dear. */
const ARCHIVED_BYTES_MAX = 16 * 1024 * 1024;

/** Enough of a hash that no two partitions of a store meet, hex digits. */
const PART_TAG_LENGTH = 16;

/** Whom a document is for that every site may fetch. */
const EVERY_SITE = 'every-site';

/** Tells a partition's document from others, whatever number of groups it is for. */
function partTag({ partition }: DocumentKey): string {
  return partition === EVERYONE ? '' : `--${hash('sha256', partition, 'hex').slice(0, PART_TAG_LENGTH)}`;
}

export function documentFile({ documentsDir }: SiteContext, store: string, key: DocumentKey): string {
  return join(documentsDir, `${store}--${key.catalog}${partTag(key)}--${key.base}--${key.target}.xml.br`);
}

/**
 * The document that brings a site from `base` to `target`: a delta where that is smaller and the base is known, else the
 * full one, with base 0. What was published does not change, so the answer is the same whenever it is asked for.
 */
export async function planDocument({ db }: SiteContext, store: string, key: DocumentKey): Promise<DocumentKey> {
  const full = { ...key, base: NO_REVISION };
  const { catalog, base, target } = key;
  if (base === NO_REVISION || base >= target) return full;
  // Planned before: each site that fetches it asks again.
  if (await findDocument(db, store, key)) return key;
  const [before, made] = [await findRevision(db, store, catalog, base), await findRevision(db, store, catalog, target)];
  // Another audience touches every item.
  if (!before || !made || before.audience !== made.audience) return full;
  const { itemCount } = await sumOfView(db, { store, catalog, partition: key.partition }, made);
  const limit = Math.min(itemCount, DELTA_ITEMS_MAX) + 1;
  const touched = await countTouched(db, { store, catalog, base, target }, limit);
  return deltaIsSmaller(touched, itemCount) ? key : full;
}

/** The document, from its file or made again. */
export async function prepareDocument(
  context: SiteContext,
  settings: StoreSettings,
  key: DocumentKey,
): Promise<StoredDocument> {
  const file = documentFile(context, settings.store, key);
  const known = await findDocument(context.db, settings.store, key);
  if (known && (await sizeOf(file)) === known.compressedBytes) return known;
  const made = await makeDocument(context, settings, key, file);
  await context.db.transaction((tx) => saveDocument(tx, settings.store, made));
  return made;
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch {
    return null;
  }
}

/** How documents are compressed. */
export function compressor(): BrotliCompress {
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
}

async function makeDocument(
  context: SiteContext,
  settings: StoreSettings,
  key: DocumentKey,
  file: string,
): Promise<StoredDocument> {
  const { store, domain } = settings;
  const record = await findRevision(context.db, store, key.catalog, key.target);
  if (!record) throw new TellableError(`catalogue "${key.catalog}" of store "${store}" has no revision ${key.target}`);
  const createdAt = context.runtime.clock.now();
  const payloadId = formatPayloadID(createdAt, `${key.catalog}${partTag(key)}-${key.base}-${key.target}`, 1, domain);
  const envelope: Envelope = {
    ...{ payloadID: payloadId, timestamp: createdAt, store, domain },
    ...{ sender: context.site, receiver: EVERY_SITE },
  };
  const sum = await sumOfView(context.db, { store, ...key }, record);
  const digest = new ContentDigest(key);
  const pieces = writeContent(context.db, settings, key, envelope, sum, record, digest);
  const beside = `${file}.${context.runtime.ids.uuid()}`;
  await mkdir(context.documentsDir, { recursive: true });
  let bytes = 0;
  let copy: Buffer[] | null = context.archiveDocument ? [] : null;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > ARCHIVED_BYTES_MAX) copy = null;
      copy?.push(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.from(pieces), counting, compressor(), createWriteStream(beside));
    const compressedBytes = (await stat(beside)).size;
    // Written beside and renamed, so that a reader finds a whole document or none.
    await rename(beside, file);
    if (copy) context.archiveDocument?.('SubscriptionContentResponse', payloadId, Buffer.concat(copy));
    const contentDigest = digest.digest();
    return { ...key, payloadId, bytes, compressedBytes, contentDigest, itemCount: sum.itemCount, createdAt };
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** The stored document's compressed bytes. */
export function openDocumentFile(context: SiteContext, store: string, key: DocumentKey): Readable {
  return createReadStream(documentFile(context, store, key));
}

/** Takes old documents away. One that a site still asks for is made again, and is the same. */
export async function sweepDocuments(context: SiteContext): Promise<void> {
  const before = context.runtime.clock.now() - DOCUMENT_KEPT_MS;
  for (const { store, key } of await oldDocuments(context.db, before, SWEPT_DOCUMENTS_MAX)) {
    await rm(documentFile(context, store, key), { force: true });
    await context.db.transaction((tx) => forgetDocument(tx, store, key));
  }
}
