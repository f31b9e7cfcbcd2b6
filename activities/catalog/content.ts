/** A catalogue document, written as its items are read (figure 6, step 602). */
import { END_CONTENT_RESPONSE, startContentResponse, writeIndexDelete, writeIndexItem } from '../../cxml/catalog';
import { itemsAfter, skusEver } from '../../db/catalog/browse';
import { type VersionsOfItem, isChange, touchedSkus, versionsAtBoth } from '../../db/catalog/changes';
import { type DocumentKey } from '../../db/catalog/deliveries';
import { type Database } from '../../db/database';
import { NO_REVISION } from '../../domain/catalog';
import { DELTA_ITEMS_MAX } from '../../domain/catalog-delta';
import { type ContentDigest } from '../../domain/catalog-digest';
import { type Envelope } from '../../domain/documents';
import { type StoreSettings } from '../context';

/** Items read and written at a time. */
const BATCH_ITEMS = 500;

/** Its pieces; `digest` is of all that was written when the last has been read. */
export async function* writeContent(
  db: Database,
  { store, language }: StoreSettings,
  key: DocumentKey,
  envelope: Envelope,
  made: { itemCount: number; digest: string },
  digest: ContentDigest,
): AsyncGenerator<Buffer> {
  const { catalog, base, target } = key;
  const head = { catalog, base, target, itemCount: made.itemCount, digest: made.digest };
  const delta = base !== NO_REVISION;
  // An Index must hold an item, so an emptied catalogue is a list of what it once held, withdrawn.
  const loadmode = delta || made.itemCount === 0 ? 'Incremental' : 'Full';
  yield Buffer.from(startContentResponse({ ...head, loadmode }, envelope, language));
  if (delta) yield* changes();
  else if (made.itemCount === 0) yield* withdrawals();
  else yield* items();
  yield Buffer.from(END_CONTENT_RESPONSE);

  async function* items(): AsyncGenerator<Buffer> {
    for (let after = ''; ;) {
      const batch = await itemsAfter(db, store, catalog, target, after, BATCH_ITEMS);
      if (batch.length > 0)
        yield add(batch.map((version) => ({ sku: version.item.sku, before: null, after: version })));
      if (batch.length < BATCH_ITEMS) return;
      after = batch.at(-1)?.item.sku ?? '';
    }
  }

  /** What was added or changed, then what was withdrawn. */
  async function* changes(): AsyncGenerator<Buffer> {
    const span = { store, catalog, base, target };
    const touched = await touchedSkus(db, span, DELTA_ITEMS_MAX + 1);
    const gone: string[] = [];
    let said = 0;
    for (let start = 0; start < touched.length; start += BATCH_ITEMS) {
      const changed = (await versionsAtBoth(db, span, touched.slice(start, start + BATCH_ITEMS))).filter(isChange);
      said += changed.length;
      gone.push(...goneOf(changed));
      yield add(changed);
    }
    if (said > 0) yield withdraw(gone);
    else yield* whatStayed(await versionsAtBoth(db, span, touched.slice(0, 1)));
  }

  /** All that was changed was changed back: an Index must hold an item, so one is said as it stands. */
  function* whatStayed(versions: readonly VersionsOfItem[]): Generator<Buffer> {
    yield add(versions);
    yield withdraw(goneOf(versions));
  }

  function add(versions: readonly VersionsOfItem[]): Buffer {
    let text = '';
    for (const { after } of versions) {
      if (after === null) continue;
      digest.addHash(after.contentHash);
      text += writeIndexItem(after.item, language);
    }
    return Buffer.from(text);
  }

  function withdraw(skus: readonly string[]): Buffer {
    for (const sku of skus) digest.withdraw(sku);
    return Buffer.from(skus.map(writeIndexDelete).join(''));
  }

  async function* withdrawals(): AsyncGenerator<Buffer> {
    yield withdraw(await skusEver(db, store, catalog));
  }
}

function goneOf(versions: readonly VersionsOfItem[]): string[] {
  return versions.filter(({ after }) => after === null).map(({ sku }) => sku);
}
