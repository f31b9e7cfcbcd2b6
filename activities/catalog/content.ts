/** A catalogue document, written as its items are read (figure 6, step 602). */
import { END_CONTENT_RESPONSE, startContentResponse, writeIndexDelete, writeIndexItem } from '../../cxml/catalog';
import { publicSkusEver } from '../../db/catalog/browse';
import { type VersionsOfItem, isChange, touchedSkus, versionsAtBoth } from '../../db/catalog/changes';
import { type DocumentKey } from '../../db/catalog/deliveries';
import { type RevisionRecord } from '../../db/catalog/heads';
import { type ViewSum, itemsSeen, versionSeen } from '../../db/catalog/views';
import { type Database } from '../../db/database';
import { groupsIn, heardOf } from '../../domain/audience';
import { EVERYONE, NO_REVISION } from '../../domain/catalog';
import { DELTA_ITEMS_MAX } from '../../domain/catalog-delta';
import { type ContentDigest, type HashedItem } from '../../domain/catalog-digest';
import { type Envelope } from '../../domain/documents';
import { type StoreSettings } from '../context';

/** Items read and written at a time. */
const BATCH_ITEMS = 500;

/**
 * Withdrawn where an Index must hold an item and there is none to name: neither is one there, nor may one be named that
 * the receiver should not know of.
 */
const NO_ITEM = '-';

/** Its pieces; `digest` is of all that was written when the last has been read. */
export async function* writeContent(
  db: Database,
  { store, language }: StoreSettings,
  key: DocumentKey,
  envelope: Envelope,
  made: ViewSum,
  record: RevisionRecord,
  digest: ContentDigest,
): AsyncGenerator<Buffer> {
  const { catalog, base, target } = key;
  const { partition } = key;
  const served = groupsIn(partition);
  const view = { store, catalog, partition };
  const audience = heardOf(record.audience, served);
  const head = { catalog, base, target, itemCount: made.itemCount, digest: made.digest, audience };
  const delta = base !== NO_REVISION;
  // An Index must hold an item, so an emptied catalogue is a list of what it once held, withdrawn.
  const loadmode = delta || made.itemCount === 0 ? 'Incremental' : 'Full';
  yield Buffer.from(startContentResponse({ ...head, loadmode }, envelope, language));
  if (delta) yield* changes();
  else if (made.itemCount === 0) yield* withdrawals();
  else yield* items();
  yield Buffer.from(END_CONTENT_RESPONSE);

  async function* items(): AsyncGenerator<Buffer> {
    type Seen = Awaited<ReturnType<typeof itemsSeen>>;
    const read = (after: string): Promise<Seen> => itemsSeen(db, view, record, after, BATCH_ITEMS);
    for (let next: Promise<Seen> | null = read(''); next !== null;) {
      const { versions, last }: Seen = await next;
      // The database reads on while these are written; an error of it comes when they are.
      next = last === null ? null : read(last);
      next?.catch(() => undefined);
      if (versions.length > 0) yield add(versions);
    }
  }

  /** What was added or changed, then what was withdrawn. */
  async function* changes(): AsyncGenerator<Buffer> {
    const span = { store, catalog, base, target };
    const touched = await touchedSkus(db, span, DELTA_ITEMS_MAX + 1);
    const gone: string[] = [];
    let said = 0;
    for (let start = 0; start < touched.length; start += BATCH_ITEMS) {
      const versions = await versionsAtBoth(db, span, touched.slice(start, start + BATCH_ITEMS));
      const changed = versions.map(seen).filter(isChange);
      said += changed.length;
      gone.push(...goneOf(changed));
      yield add(changed.flatMap(({ after }) => after ?? []));
    }
    yield said > 0 ? withdraw(gone) : await whatStayed();
  }

  /** Nothing that the receiver may see has changed: an Index must hold an item, so its first is said as it stands. */
  async function whatStayed(): Promise<Buffer> {
    for (let after: string | null = ''; after !== null;) {
      const batch: Awaited<ReturnType<typeof itemsSeen>> = await itemsSeen(db, view, record, after, BATCH_ITEMS);
      const [first] = batch.versions;
      if (first) return add([first]);
      after = batch.last;
    }
    return withdraw([NO_ITEM]);
  }

  function seen({ sku, before, after }: VersionsOfItem): VersionsOfItem {
    const as = (version: VersionsOfItem['after']) => versionSeen(version, served, record.audience);
    return { sku, before: as(before), after: as(after) };
  }

  function add(versions: readonly HashedItem[]): Buffer {
    digest.add(versions.map(({ contentHash }) => contentHash));
    let text = '';
    for (const { item } of versions) text += writeIndexItem(item, language);
    return Buffer.from(text);
  }

  function withdraw(skus: readonly string[]): Buffer {
    for (const sku of skus) digest.withdraw(sku);
    return Buffer.from(skus.map(writeIndexDelete).join(''));
  }

  async function* withdrawals(): AsyncGenerator<Buffer> {
    const known =
      partition === EVERYONE && record.audience === EVERYONE ? await publicSkusEver(db, store, catalog) : [];
    yield withdraw(known.length > 0 ? known : [NO_ITEM]);
  }
}

function goneOf(versions: readonly VersionsOfItem[]): string[] {
  return versions.filter(({ after }) => after === null).map(({ sku }) => sku);
}
