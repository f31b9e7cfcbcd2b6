/** Changes that gather until a publication makes a revision of them (figure 6, step 600). */
import { type CatalogItem, EVERYONE, OPEN_REVISION, nextRevision } from '../../domain/catalog';
import { addToDigest, hashItem } from '../../domain/catalog-digest';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';
import { type RevisionRecord, addRevision, lockHead, moveHead, readHead, revisionOfRequest } from './heads';
import { CONTENT_COLUMNS, type ContentRow, contentValues, marks } from './items';

export interface DraftChange {
  readonly changed: number;
  readonly unchanged: number;
}

/** Puts items in the draft; those that are as published already leave it, or stay out. */
export async function draftItems(
  tx: Transaction,
  store: string,
  catalog: string,
  items: readonly CatalogItem[],
  now: number,
): Promise<DraftChange> {
  if (items.length === 0) return { changed: 0, unchanged: 0 };
  const skus = items.map((item) => item.sku);
  const published = await tx.all<{ sku: string; content_hash: string }>(
    `SELECT sku, content_hash FROM item_versions
     WHERE store = ? AND catalog = ? AND to_revision = ? AND sku IN (${marks(skus.length)})`,
    [store, catalog, OPEN_REVISION, ...skus],
  );
  const hashes = new Map(published.map((row) => [row.sku, row.content_hash]));
  const rows = items.map((item) => ({ item, hash: hashItem(item) }));
  const changed = rows.filter(({ item, hash }) => hashes.get(item.sku) !== hash);
  const unchanged = rows.filter(({ item, hash }) => hashes.get(item.sku) === hash).map(({ item }) => item.sku);
  if (unchanged.length > 0) {
    await tx.run(`DELETE FROM catalog_drafts WHERE store = ? AND catalog = ? AND sku IN (${marks(unchanged.length)})`, [
      store,
      catalog,
      ...unchanged,
    ]);
  }
  await insertRows(
    tx,
    'catalog_drafts',
    ['store', 'catalog', 'sku', 'withdrawn', 'updated_at', ...CONTENT_COLUMNS],
    changed.map(({ item, hash }) => [store, catalog, item.sku, 0, now, ...contentValues(item, hash)]),
    { key: ['store', 'catalog', 'sku'], update: ['withdrawn', 'updated_at', ...CONTENT_COLUMNS] },
  );
  return { changed: changed.length, unchanged: unchanged.length };
}

/**
 * Withdraws items with the next publication; one that was never published just leaves the draft. Answers the skus that
 * neither the draft nor the newest revision knows.
 */
export async function draftWithdrawals(
  tx: Transaction,
  store: string,
  catalog: string,
  skus: readonly string[],
  now: number,
): Promise<{ changed: number; unknown: string[] }> {
  if (skus.length === 0) return { changed: 0, unknown: [] };
  const among = [store, catalog, ...skus];
  const drafted = await tx.all<{ sku: string }>(
    `SELECT sku FROM catalog_drafts WHERE store = ? AND catalog = ? AND withdrawn = 0 AND sku IN (${marks(skus.length)})`,
    among,
  );
  await tx.run(`DELETE FROM catalog_drafts WHERE store = ? AND catalog = ? AND sku IN (${marks(skus.length)})`, among);
  const published = await tx.all<ContentRow>(
    `SELECT sku, ${CONTENT_COLUMNS.join(', ')} FROM item_versions
     WHERE store = ? AND catalog = ? AND to_revision = ? AND sku IN (${marks(skus.length)})`,
    [store, catalog, OPEN_REVISION, ...skus],
  );
  await insertRows(
    tx,
    'catalog_drafts',
    ['store', 'catalog', 'sku', 'withdrawn', 'updated_at', ...CONTENT_COLUMNS],
    published.map((row) => [store, catalog, row.sku, 1, now, ...CONTENT_COLUMNS.map((column) => row[column])]),
  );
  const known = new Set([...drafted, ...published].map(({ sku }) => sku));
  return { changed: known.size, unknown: skus.filter((sku) => !known.has(sku)) };
}

export interface DraftCounts {
  readonly added: number;
  readonly changed: number;
  readonly withdrawn: number;
}

/** What a publication would do now. */
export async function countDraft(reads: Statements, store: string, catalog: string): Promise<DraftCounts> {
  const row = await reads.get<{ added: number | null; changed: number | null; withdrawn: number | null }>(
    `SELECT SUM(CASE WHEN drafts.withdrawn = 0 AND versions.sku IS NULL THEN 1 ELSE 0 END) AS added,
            SUM(CASE WHEN drafts.withdrawn = 0 AND versions.sku IS NOT NULL THEN 1 ELSE 0 END) AS changed,
            SUM(CASE WHEN drafts.withdrawn = 1 AND versions.sku IS NOT NULL THEN 1 ELSE 0 END) AS withdrawn
     FROM catalog_drafts drafts
     LEFT JOIN item_versions versions ON versions.store = drafts.store AND versions.catalog = drafts.catalog
       AND versions.sku = drafts.sku AND versions.to_revision = ?
     WHERE drafts.store = ? AND drafts.catalog = ?`,
    [OPEN_REVISION, store, catalog],
  );
  return { added: row?.added ?? 0, changed: row?.changed ?? 0, withdrawn: row?.withdrawn ?? 0 };
}

export interface Publication extends DraftCounts {
  readonly revision: number;
  readonly itemCount: number;
}

/**
 * Makes the draft the next revision, atomically and once per request; without changes nothing is made, and the newest
 * revision is answered. The caller has checked this site's primacy in the same transaction.
 */
export async function publishDraft(
  tx: Transaction,
  publication: { store: string; catalog: string; epoch: number; request: string; now: number },
): Promise<Publication> {
  const { store, catalog, epoch, request, now } = publication;
  const head = await lockHead(tx, store, catalog, now);
  const none = { added: 0, changed: 0, withdrawn: 0 };
  const made = await revisionOfRequest(tx, store, catalog, request);
  if (made) return { ...none, revision: made.revision, itemCount: made.itemCount };
  const counts = await countDraft(tx, store, catalog);
  if (counts.added + counts.changed + counts.withdrawn === 0) {
    return { ...none, revision: head.revision, itemCount: head.itemCount };
  }
  const revision = nextRevision(head.revision, epoch);
  const where = [store, catalog];
  await tx.run(
    `UPDATE item_versions SET to_revision = ? WHERE store = ? AND catalog = ? AND to_revision = ?
     AND sku IN (SELECT sku FROM catalog_drafts WHERE store = ? AND catalog = ?)`,
    [revision, ...where, OPEN_REVISION, ...where],
  );
  await tx.run(
    `INSERT INTO item_versions (store, catalog, sku, from_revision, to_revision, partition_name, ${CONTENT_COLUMNS.join(', ')})
     SELECT store, catalog, sku, ?, ?, '', ${CONTENT_COLUMNS.join(', ')} FROM catalog_drafts
     WHERE store = ? AND catalog = ? AND withdrawn = 0`,
    [revision, OPEN_REVISION, ...where],
  );
  await tx.run('DELETE FROM catalog_drafts WHERE store = ? AND catalog = ?', where);
  const added = await everyonesHashes(tx, store, catalog, 'from_revision', revision);
  const removed = await everyonesHashes(tx, store, catalog, 'to_revision', revision);
  const record: RevisionRecord = {
    revision,
    baseRevision: head.revision,
    itemCount: head.itemCount + added.length - removed.length,
    digest: addToDigest(head.digest, added, removed),
    publishedAt: now,
    request,
  };
  await addRevision(tx, store, catalog, record);
  const { itemCount, digest } = record;
  await moveHead(tx, store, { catalog, revision, itemCount, digest, updatedAt: now });
  return { ...counts, revision, itemCount };
}

/** What is published, as a publication that changes nothing. */
export async function newestRevision(reads: Statements, store: string, catalog: string): Promise<Publication> {
  const { revision, itemCount } = await readHead(reads, store, catalog);
  return { added: 0, changed: 0, withdrawn: 0, revision, itemCount };
}

async function everyonesHashes(
  tx: Transaction,
  store: string,
  catalog: string,
  end: 'from_revision' | 'to_revision',
  revision: number,
): Promise<string[]> {
  const rows = await tx.all<{ content_hash: string }>(
    `SELECT content_hash FROM item_versions WHERE store = ? AND catalog = ? AND ${end} = ? AND audience = ?`,
    [store, catalog, revision, EVERYONE],
  );
  return rows.map((row) => row.content_hash);
}
