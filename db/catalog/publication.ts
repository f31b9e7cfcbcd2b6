/** A draft becomes the next revision (figure 6, step 600). */
import { seenBy } from '../../domain/audience';
import { EVERYONE, NO_REVISION, OPEN_REVISION, nextRevision } from '../../domain/catalog';
import { EMPTY_DIGEST, addToDigest, hashItem } from '../../domain/catalog-digest';
import { DRAFT_DEFAULT, dueChanges, publishedAt, withoutDates } from '../../domain/catalog-draft';
import { type Statements, type Transaction } from '../database';
import {
  AT_ONCE,
  type DraftCounts,
  type DraftKey,
  OF_DRAFT,
  countDraft,
  draftItems,
  draftValues,
  itemsInDraft,
  skusInDraft,
} from './drafts';
import { type CatalogHead, addRevision, lockHead, moveHead, readHead, revisionOfRequest } from './heads';
import { CONTENT_COLUMNS, IS_OPEN, marks } from './items';
import { itemsSeen } from './views';

/** Items whose dated changes are taken at a time. */
const DUE_BATCH_ITEMS = 250;
/** Items whose versions are ended at a time. */
const ENDED_BATCH_ITEMS = 500;
/** Changes summed at a time. */
const SUMMED_ITEMS = 5_000;

export interface Publication extends DraftCounts {
  readonly revision: number;
  readonly itemCount: number;
}

export interface PublicationRequest {
  readonly store: string;
  readonly catalog: string;
  /** The default one unless given. */
  readonly draft?: string;
  readonly epoch: number;
  readonly request: string;
  /** Milliseconds UTC: what holds from later stays in the draft. */
  readonly now: number;
}

/**
 * Makes the draft the next revision, atomically and once per request; without changes nothing is made, and the newest
 * revision is answered. Other drafts stay as they are. The caller has checked this site's primacy in the same
 * transaction.
 */
export async function publishDraft(tx: Transaction, publication: PublicationRequest): Promise<Publication> {
  const { store, catalog, draft = DRAFT_DEFAULT, epoch, request, now } = publication;
  const key = { store, catalog, draft };
  const head = await lockHead(tx, store, catalog, now);
  const none = { added: 0, changed: 0, withdrawn: 0 };
  const made = await revisionOfRequest(tx, store, catalog, request);
  if (made) return { ...none, revision: made.revision, itemCount: made.itemCount };
  if (draft === DRAFT_DEFAULT) await adoptOlderChanges(tx, store, catalog);
  await takeDueChanges(tx, key, now);
  await dropIdleChanges(tx, key);
  const { added, changed, withdrawn } = await countDraft(tx, key, now);
  if (added + changed + withdrawn === 0) return { ...none, revision: head.revision, itemCount: head.itemCount };
  const revision = nextRevision(head.revision, epoch);
  const sum = await sumWith(tx, key, head);
  await moveToVersions(tx, key, revision);
  await showRevisionOf(tx, store, head, { ...sum, revision, audience: head.audience, request, now });
  return { added, changed, withdrawn, revision, itemCount: sum.itemCount };
}

/**
 * A revision whose items are those of the one before, for whom it may be seen by has changed: the sites get what is
 * theirs from here on. Answers null where nothing was ever published. The caller holds the store's primacy.
 */
export async function publishAudience(
  tx: Transaction,
  { store, catalog, epoch, request, now }: Omit<PublicationRequest, 'draft'>,
  audience?: string,
): Promise<number | null> {
  const head = await lockHead(tx, store, catalog, now);
  if (head.revision === NO_REVISION) {
    if (audience !== undefined) await moveHead(tx, store, { ...head, audience, updatedAt: now });
    return null;
  }
  const made = await revisionOfRequest(tx, store, catalog, request);
  if (made) return made.revision;
  const shown = { revision: nextRevision(head.revision, epoch), audience: audience ?? head.audience, request, now };
  const sum = shown.audience === head.audience ? head : await sumOfPublic(tx, { store, catalog }, shown.audience);
  await showRevisionOf(tx, store, head, { ...shown, itemCount: sum.itemCount, digest: sum.digest });
  return shown.revision;
}

/** The flip at the primary. */
async function showRevisionOf(
  tx: Transaction,
  store: string,
  head: CatalogHead,
  shown: Pick<CatalogHead, 'revision' | 'itemCount' | 'digest' | 'audience'> & { request: string; now: number },
): Promise<void> {
  const { request, now, ...rest } = shown;
  const content = { ...rest, partition: EVERYONE };
  await addRevision(tx, store, head.catalog, { ...content, baseRevision: head.revision, publishedAt: now, request });
  await moveHead(tx, store, { ...content, catalog: head.catalog, updatedAt: now });
}

/** What everyone sees of the newest items, counted anew. */
async function sumOfPublic(
  tx: Transaction,
  { store, catalog }: { store: string; catalog: string },
  audience: string,
): Promise<Sum> {
  if (audience !== EVERYONE) return NOTHING_PUBLIC;
  const key = { store, catalog, partition: EVERYONE };
  const { revision } = await readHead(tx, store, catalog);
  let { digest, itemCount }: Sum = NOTHING_PUBLIC;
  for (let after: string | null = ''; after !== null;) {
    const read: Awaited<ReturnType<typeof itemsSeen>> = await itemsSeen(
      tx,
      key,
      { revision, audience },
      after,
      SUMMED_ITEMS,
    );
    digest = addToDigest(
      digest,
      read.versions.map(({ contentHash }) => contentHash),
    );
    itemCount += read.versions.length;
    after = read.last;
  }
  return { itemCount, digest };
}

/** What is published, as a publication that changes nothing. */
export async function newestRevision(reads: Statements, store: string, catalog: string): Promise<Publication> {
  const { revision, itemCount } = await readHead(reads, store, catalog);
  return { added: 0, changed: 0, withdrawn: 0, revision, itemCount };
}

/** A process of the release before drafts had names, beside this one on the same database, drafts in its own table. */
async function adoptOlderChanges(tx: Transaction, store: string, catalog: string): Promise<void> {
  const content = CONTENT_COLUMNS.join(', ');
  const newer = `SELECT 1 FROM draft_changes newer WHERE newer.store = older.store AND newer.catalog = older.catalog
    AND newer.draft = ? AND newer.sku = older.sku AND newer.holds_from = ?`;
  await tx.run(
    `INSERT INTO draft_changes (store, catalog, draft, sku, holds_from, withdrawn, price_only, updated_at, ${content})
     SELECT store, catalog, ?, sku, ?, withdrawn, 0, updated_at, ${content} FROM catalog_drafts older
     WHERE store = ? AND catalog = ? AND NOT EXISTS (${newer})`,
    [DRAFT_DEFAULT, AT_ONCE, store, catalog, DRAFT_DEFAULT, AT_ONCE],
  );
  await tx.run('DELETE FROM catalog_drafts WHERE store = ? AND catalog = ?', [store, catalog]);
}

/** What was to hold from a time that has come holds at once from here on. */
async function takeDueChanges(tx: Transaction, key: DraftKey, now: number): Promise<void> {
  for (;;) {
    const skus = await skusInDraft(tx, key, { after: '', limit: DUE_BATCH_ITEMS, dueBy: now });
    const due = (await itemsInDraft(tx, key, skus)).filter((entry) => dueChanges(entry, now).length > 0);
    if (due.length === 0) return;
    const items = due.map((entry) => publishedAt(entry, now)).filter((item) => item !== null);
    await draftItems(tx, key.store, key.catalog, items, now, key.draft);
    await tx.run(
      `DELETE FROM draft_changes WHERE ${OF_DRAFT} AND holds_from > ? AND holds_from <= ?
       AND sku >= ? AND sku <= ?`,
      [...draftValues(key), AT_ONCE, now, skus[0] ?? '', skus.at(-1) ?? ''],
    );
  }
}

/** Another draft was published meanwhile: what it has made so already is no change any more. */
async function dropIdleChanges(tx: Transaction, key: DraftKey): Promise<void> {
  const standing = `SELECT 1 FROM item_versions versions WHERE versions.store = draft_changes.store
    AND versions.catalog = draft_changes.catalog AND versions.sku = draft_changes.sku AND ${IS_OPEN}`;
  await tx.run(
    `DELETE FROM draft_changes WHERE ${OF_DRAFT} AND holds_from = ? AND (
       (withdrawn = 1 AND NOT EXISTS (${standing}))
       OR (withdrawn = 0 AND EXISTS (${standing} AND versions.content_hash = draft_changes.content_hash)))`,
    [...draftValues(key), AT_ONCE, OPEN_REVISION, OPEN_REVISION],
  );
}

async function moveToVersions(tx: Transaction, key: DraftKey, revision: number): Promise<void> {
  const atOnce = `${OF_DRAFT} AND holds_from = ?`;
  const values = [...draftValues(key), AT_ONCE];
  await endVersions(tx, key, revision);
  const content = CONTENT_COLUMNS.join(', ');
  await tx.run(
    `INSERT INTO item_versions (store, catalog, sku, from_revision, to_revision, partition_name, ${content})
     SELECT store, catalog, sku, ?, ?, '', ${content} FROM draft_changes WHERE ${atOnce} AND withdrawn = 0`,
    [revision, OPEN_REVISION, ...values],
  );
  await tx.run(`DELETE FROM draft_changes WHERE ${atOnce}`, values);
}

/** By lists of skus: a subquery in their place makes MariaDB read every open version of the catalogue. */
async function endVersions(tx: Transaction, key: DraftKey, revision: number): Promise<void> {
  for (let after = ''; ;) {
    const rows = await tx.all<{ sku: string }>(
      `SELECT sku FROM draft_changes WHERE ${OF_DRAFT} AND holds_from = ? AND sku > ? ORDER BY sku LIMIT ${ENDED_BATCH_ITEMS}`,
      [...draftValues(key), AT_ONCE, after],
    );
    if (rows.length === 0) return;
    const skus = rows.map(({ sku }) => sku);
    await tx.run(
      `UPDATE item_versions SET to_revision = ? WHERE store = ? AND catalog = ? AND ${IS_OPEN} AND sku IN (${marks(skus.length)})`,
      [revision, key.store, key.catalog, OPEN_REVISION, ...skus],
    );
    after = skus.at(-1) ?? '';
  }
}

type Sum = Pick<CatalogHead, 'itemCount' | 'digest'>;

const NOTHING_PUBLIC: Sum = { itemCount: 0, digest: EMPTY_DIGEST };

/**
 * What everyone sees of the published items with the draft's changes, read some at a time: a draft may hold a million.
 */
async function sumWith(tx: Transaction, key: DraftKey, head: CatalogHead): Promise<Sum> {
  if (head.audience !== EVERYONE) return NOTHING_PUBLIC;
  let { itemCount, digest } = head;
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows: ChangedHashes[] = await tx.all<ChangedHashes>(
      `SELECT changes.sku, changes.withdrawn, changes.audience, changes.content_hash, changes.group_prices,
         versions.audience AS audience_before, versions.content_hash AS hash_before,
         versions.group_prices AS group_prices_before
       FROM (SELECT * FROM draft_changes WHERE ${OF_DRAFT} AND holds_from = ? AND sku > ?
             ORDER BY sku LIMIT ${SUMMED_ITEMS}) changes
       LEFT JOIN item_versions versions ON versions.store = changes.store AND versions.catalog = changes.catalog
         AND versions.sku = changes.sku AND ${IS_OPEN} ORDER BY changes.sku`,
      [...draftValues(key), AT_ONCE, after, OPEN_REVISION],
    );
    const begun = rows.filter((row) => row.withdrawn === 0 && row.audience === EVERYONE);
    const ended = rows.filter((row) => row.audience_before === EVERYONE);
    const priced = rows.filter((row) => row.group_prices !== null || row.group_prices_before !== null);
    const shown = await publicHashes(
      tx,
      key,
      priced.map(({ sku }) => sku),
    );
    const come = begun.map((row) =>
      row.group_prices === null ? row.content_hash : (shown.drafted.get(row.sku) ?? ''),
    );
    const gone = ended.map((row) =>
      row.group_prices_before === null ? (row.hash_before ?? '') : (shown.published.get(row.sku) ?? ''),
    );
    digest = addToDigest(digest, come, gone);
    itemCount += come.length - gone.length;
    after = rows.length < SUMMED_ITEMS ? undefined : rows.at(-1)?.sku;
  }
  return { itemCount, digest };
}

/** The hashes of items with prices for groups, as everyone sees them: without those. */
async function publicHashes(
  tx: Transaction,
  key: DraftKey,
  skus: readonly string[],
): Promise<{ drafted: Map<string, string>; published: Map<string, string> }> {
  const drafted = new Map<string, string>();
  const published = new Map<string, string>();
  for (let start = 0; start < skus.length; start += DUE_BATCH_ITEMS) {
    for (const entry of await itemsInDraft(tx, key, skus.slice(start, start + DUE_BATCH_ITEMS))) {
      const [before, after] = [entry.published, withoutDates(entry)].map((item) => item && seenBy(item, []));
      if (after) drafted.set(entry.sku, hashItem(after));
      if (before) published.set(entry.sku, hashItem(before));
    }
  }
  return { drafted, published };
}

interface ChangedHashes {
  readonly sku: string;
  readonly withdrawn: number;
  readonly audience: string;
  readonly content_hash: string;
  readonly group_prices: string | null;
  readonly audience_before: string | null;
  readonly hash_before: string | null;
  readonly group_prices_before: string | null;
}
