/** Catalogue documents as files: made once per (base, target), made again when they are gone (figure 6, step 604). */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress } from 'node:zlib';
import { END_CONTENT_RESPONSE, startContentResponse, writeIndexDelete, writeIndexItem } from '../../cxml/catalog';
import { itemsAfter, skusEver } from '../../db/catalog/browse';
import { type DocumentKey, type StoredDocument, findDocument, saveDocument } from '../../db/catalog/deliveries';
import { findRevision } from '../../db/catalog/heads';
import { TellableError } from '../../domain/errors';
import { ContentDigest } from '../../domain/catalog-digest';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { type SiteContext, type StoreSettings } from '../context';

/** Items read and written at a time. */
const BATCH_ITEMS = 500;
/** A fifth of the size in a tenth of the default's time. */
const BROTLI_QUALITY = 1;

/** Larger documents are not copied to the archive: they stand in their files, and memory is dear. */
const ARCHIVED_BYTES_MAX = 16 * 1024 * 1024;

/** Whom a document is for that every site may fetch. */
const EVERY_SITE = 'every-site';

export function documentFile({ documentsDir }: SiteContext, store: string, key: DocumentKey): string {
  return join(documentsDir, `${store}--${key.catalog}--${key.base}--${key.target}.xml.br`);
}

/** The document, from its file or made again. Only full documents are made here: `base` is 0. */
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
  const payloadId = formatPayloadID(createdAt, `${key.catalog}-${key.base}-${key.target}`, 1, domain);
  const envelope: Envelope = {
    ...{ payloadID: payloadId, timestamp: createdAt, store, domain },
    ...{ sender: context.site, receiver: EVERY_SITE },
  };
  const digest = new ContentDigest(key);
  const pieces = writeDocument(context, settings, key, envelope, record, digest);
  const beside = `${file}.${context.runtime.ids.uuid()}`;
  await mkdir(context.documentsDir, { recursive: true });
  let bytes = 0;
  let copy: Buffer[] | null = [];
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > ARCHIVED_BYTES_MAX) copy = null;
      copy?.push(chunk);
      done(null, chunk);
    },
  });
  const compress = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
  try {
    await pipeline(Readable.from(pieces), counting, compress, createWriteStream(beside));
    const compressedBytes = (await stat(beside)).size;
    // Written beside and renamed, so that a reader finds a whole document or none.
    await rename(beside, file);
    if (copy) context.archiveDocument('SubscriptionContentResponse', payloadId, Buffer.concat(copy));
    const contentDigest = digest.digest();
    return { ...key, payloadId, bytes, compressedBytes, contentDigest, itemCount: record.itemCount, createdAt };
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function* writeDocument(
  { db }: SiteContext,
  { store, language }: StoreSettings,
  key: DocumentKey,
  envelope: Envelope,
  record: { itemCount: number; digest: string },
  digest: ContentDigest,
): AsyncGenerator<Buffer> {
  const { itemCount } = record;
  const head = { catalog: key.catalog, base: key.base, target: key.target, itemCount, digest: record.digest };
  // An Index must hold an item, so an emptied catalogue is a list of what it once held, withdrawn.
  const emptied = itemCount === 0;
  yield Buffer.from(startContentResponse({ ...head, loadmode: emptied ? 'Incremental' : 'Full' }, envelope, language));
  if (emptied) {
    for (const sku of await skusEver(db, store, key.catalog)) {
      digest.withdraw(sku);
      yield Buffer.from(writeIndexDelete(sku));
    }
  }
  for (let after = ''; ;) {
    const batch = await itemsAfter(db, store, key.catalog, key.target, after, BATCH_ITEMS);
    let text = '';
    for (const { item, contentHash } of batch) {
      digest.addHash(contentHash);
      text += writeIndexItem(item, language);
    }
    if (text !== '') yield Buffer.from(text);
    if (batch.length < BATCH_ITEMS) break;
    after = batch.at(-1)?.item.sku ?? '';
  }
  yield Buffer.from(END_CONTENT_RESPONSE);
}

/** The stored document's compressed bytes. */
export function openDocumentFile(context: SiteContext, store: string, key: DocumentKey): Readable {
  return createReadStream(documentFile(context, store, key));
}
