/**
 * Changes that gather until a publication makes a revision of them (figure 6, step 600), in drafts that do not know of
 * each other (docs/decisions/0026). Who writes has locked the store's primacy in the same transaction.
 */
import { type CatalogItem, OPEN_REVISION } from '../../domain/catalog';
import { hashed } from '../../domain/catalog-digest';
import {
  DRAFT_DEFAULT,
  type DatedChange,
  type DraftEntry,
  type ItemInDraft,
  withoutDates,
} from '../../domain/catalog-draft';
import { type SqlValue, type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';
import { CONTENT_COLUMNS, type ContentRow, IS_OPEN, contentValues, itemOf, marks, openHashes, openRows } from './items';

export interface DraftKey {
  readonly store: string;
  readonly catalog: string;
  readonly draft: string;
}

/** `holds_from` of what the next publication takes, whenever it is. */
export const AT_ONCE = 0;
export const OF_DRAFT = 'store = ? AND catalog = ? AND draft = ?';

const KEY = ['store', 'catalog', 'draft', 'sku', 'holds_from'];
const REST = ['withdrawn', 'price_only', 'updated_at', ...CONTENT_COLUMNS];

/** The values of OF_DRAFT. */
export function draftValues({ store, catalog, draft }: DraftKey): SqlValue[] {
  return [store, catalog, draft];
}

async function writeChanges(tx: Transaction, rows: readonly (readonly SqlValue[])[]): Promise<void> {
  await insertRows(tx, 'draft_changes', [...KEY, ...REST], rows, { key: KEY, update: REST });
}

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
  draft: string = DRAFT_DEFAULT,
): Promise<DraftChange> {
  if (items.length === 0) return { changed: 0, unchanged: 0 };
  const skus = items.map((item) => item.sku);
  const hashes = await openHashes(tx, store, catalog, skus);
  const rows = items.map(hashed);
  const changed = rows.filter(({ item, contentHash }) => hashes.get(item.sku) !== contentHash);
  const unchanged = rows
    .filter(({ item, contentHash }) => hashes.get(item.sku) === contentHash)
    .map(({ item }) => item.sku);
  const key = [store, catalog, draft];
  if (unchanged.length > 0) {
    await tx.run(
      `DELETE FROM draft_changes WHERE ${OF_DRAFT} AND holds_from = ? AND sku IN (${marks(unchanged.length)})`,
      [...key, AT_ONCE, ...unchanged],
    );
  }
  await writeChanges(
    tx,
    changed.map((version) => [...key, version.item.sku, AT_ONCE, 0, 0, now, ...contentValues(version)]),
  );
  return { changed: changed.length, unchanged: unchanged.length };
}

export interface EntriesDrafted extends DraftChange {
  /** Changes that hold from a time that has not come. */
  readonly waiting: number;
}

/**
 * Puts items in the draft whose prices may hold from a date: until then the price stays as it is, and an item that is
 * not there waits as a whole.
 */
export async function draftEntries(
  tx: Transaction,
  key: DraftKey,
  entries: readonly DraftEntry[],
  now: number,
): Promise<EntriesDrafted> {
  const { store, catalog, draft } = key;
  const later = entries.filter((entry): entry is DraftEntry & { priceFrom: number } => (entry.priceFrom ?? 0) > now);
  const inDraft = await itemsInDraft(
    tx,
    key,
    later.map(({ item }) => item.sku),
  );
  const standing = new Map(inDraft.map((entry) => [entry.sku, withoutDates(entry)]));
  const atOnce = entries.flatMap(({ item, priceFrom }) => {
    if ((priceFrom ?? 0) <= now) return [item];
    const before = standing.get(item.sku);
    return before ? [{ ...item, price: before.price }] : [];
  });
  const drafted = await draftItems(tx, store, catalog, atOnce, now, draft);
  await writeChanges(
    tx,
    later.map(({ item, priceFrom }) => {
      const priceOnly = standing.get(item.sku) ? 1 : 0;
      return [...draftValues(key), item.sku, priceFrom, 0, priceOnly, now, ...contentValues(hashed(item))];
    }),
  );
  return { ...drafted, waiting: later.length };
}

/**
 * Withdraws items with the next publication, and what waits for them in this draft with it; one that was never published
 * just leaves the draft. Answers the skus that neither the draft nor the newest revision knows.
 */
export async function draftWithdrawals(
  tx: Transaction,
  store: string,
  catalog: string,
  skus: readonly string[],
  now: number,
  draft: string = DRAFT_DEFAULT,
): Promise<{ changed: number; unknown: string[] }> {
  if (skus.length === 0) return { changed: 0, unknown: [] };
  const among = [store, catalog, draft, ...skus];
  const drafted = await tx.all<{ sku: string }>(
    `SELECT DISTINCT sku FROM draft_changes WHERE ${OF_DRAFT} AND withdrawn = 0 AND sku IN (${marks(skus.length)})`,
    among,
  );
  await tx.run(`DELETE FROM draft_changes WHERE ${OF_DRAFT} AND sku IN (${marks(skus.length)})`, among);
  const published = await openRows(tx, store, catalog, skus);
  await writeChanges(
    tx,
    published.map((row) => {
      const content = CONTENT_COLUMNS.map((column) => row[column]);
      return [store, catalog, draft, row.sku, AT_ONCE, 1, 0, now, ...content];
    }),
  );
  const known = new Set([...drafted, ...published].map(({ sku }) => sku));
  return { changed: known.size, unknown: skus.filter((sku) => !known.has(sku)) };
}

/** Throws a draft away; answers how many changes were in it. */
export async function discardDraft(tx: Transaction, key: DraftKey): Promise<number> {
  return tx.run(`DELETE FROM draft_changes WHERE ${OF_DRAFT}`, draftValues(key));
}

interface ChangeRow extends ContentRow {
  holds_from: number;
  withdrawn: number;
  price_only: number;
}

/** Skus of which the draft says something, in ascending order; of those whose time has come by `dueBy` alone if given. */
export async function skusInDraft(
  reads: Statements,
  key: DraftKey,
  { after, limit, dueBy }: { after: string; limit: number; dueBy?: number },
): Promise<string[]> {
  const due = dueBy === undefined ? '' : 'AND holds_from > ? AND holds_from <= ?';
  const rows = await reads.all<{ sku: string }>(
    `SELECT DISTINCT sku FROM draft_changes WHERE ${OF_DRAFT} AND sku > ? ${due} ORDER BY sku LIMIT ${limit}`,
    [...draftValues(key), after, ...(dueBy === undefined ? [] : [AT_ONCE, dueBy])],
  );
  return rows.map((row) => row.sku);
}

/** Those items with what is published and drafted of them, in the order of the skus; at most some hundreds. */
export async function itemsInDraft(reads: Statements, key: DraftKey, skus: readonly string[]): Promise<ItemInDraft[]> {
  if (skus.length === 0) return [];
  const published = await openRows(reads, key.store, key.catalog, skus);
  const changes = await reads.all<ChangeRow>(
    `SELECT sku, holds_from, withdrawn, price_only, ${CONTENT_COLUMNS.join(', ')} FROM draft_changes
     WHERE ${OF_DRAFT} AND sku IN (${marks(skus.length)}) ORDER BY sku, holds_from`,
    [...draftValues(key), ...skus],
  );
  const versions = new Map(published.map((row) => [row.sku, itemOf(row)]));
  const bySku = new Map<string, ChangeRow[]>();
  for (const row of changes) bySku.set(row.sku, [...(bySku.get(row.sku) ?? []), row]);
  return skus.map((sku) => {
    const rows = bySku.get(sku) ?? [];
    const atOnce = rows.find((row) => row.holds_from === AT_ONCE);
    const drafted = atOnce && (atOnce.withdrawn === 1 ? null : itemOf(atOnce));
    const dated = rows.filter((row) => row.holds_from !== AT_ONCE).map(datedOf);
    return { sku, published: versions.get(sku) ?? null, drafted, dated };
  });
}

function datedOf(row: ChangeRow): DatedChange {
  return { holdsFrom: row.holds_from, item: itemOf(row), priceOnly: row.price_only === 1 };
}

export interface DraftCounts {
  readonly added: number;
  readonly changed: number;
  readonly withdrawn: number;
}

export interface DraftSummary extends DraftCounts {
  readonly draft: string;
  /** Changes from a date on whose time has come, which the next publication takes too, and those that wait for theirs. */
  readonly due: number;
  readonly waiting: number;
  /** Milliseconds UTC; null for a draft in which there is nothing. */
  readonly updatedAt: number | null;
}

type SummaryRow = { [name in keyof Omit<DraftSummary, 'draft' | 'updatedAt'>]: number | null } & {
  draft: string;
  updated_at: number;
};

/** Sums over a draft's rows; beside them stands what is published. */
const SUMS = `
  SUM(CASE WHEN holds_from = 0 AND withdrawn = 0 AND versions.sku IS NULL THEN 1 ELSE 0 END) AS added,
  SUM(CASE WHEN holds_from = 0 AND withdrawn = 0 AND versions.content_hash <> changes.content_hash
    THEN 1 ELSE 0 END) AS changed,
  SUM(CASE WHEN holds_from = 0 AND withdrawn = 1 AND versions.sku IS NOT NULL THEN 1 ELSE 0 END) AS withdrawn,
  SUM(CASE WHEN holds_from > 0 AND holds_from <= ? THEN 1 ELSE 0 END) AS due,
  SUM(CASE WHEN holds_from > ? THEN 1 ELSE 0 END) AS waiting`;

async function summaries(reads: Statements, where: string, values: SqlValue[], now: number): Promise<DraftSummary[]> {
  const rows = await reads.all<SummaryRow>(
    `SELECT draft, ${SUMS}, MAX(changes.updated_at) AS updated_at FROM draft_changes changes
     LEFT JOIN item_versions versions ON versions.store = changes.store AND versions.catalog = changes.catalog
       AND versions.sku = changes.sku AND ${IS_OPEN}
     WHERE ${where} GROUP BY draft ORDER BY draft`,
    [now, now, OPEN_REVISION, ...values],
  );
  return rows.map(({ draft, added, changed, withdrawn, due, waiting, updated_at }) => ({
    ...{ draft, added: added ?? 0, changed: changed ?? 0, withdrawn: withdrawn ?? 0, due: due ?? 0 },
    ...{ waiting: waiting ?? 0, updatedAt: updated_at },
  }));
}

/** The catalogue's drafts that hold something. */
export function listDrafts(reads: Statements, store: string, catalog: string, now: number): Promise<DraftSummary[]> {
  return summaries(reads, 'changes.store = ? AND changes.catalog = ?', [store, catalog], now);
}

/** What a publication of that draft would do now. */
export async function countDraft(reads: Statements, key: DraftKey, now: number): Promise<DraftSummary> {
  const where = 'changes.store = ? AND changes.catalog = ? AND changes.draft = ?';
  const [summary] = await summaries(reads, where, draftValues(key), now);
  const nothing = { added: 0, changed: 0, withdrawn: 0, due: 0, waiting: 0, updatedAt: null };
  return summary ?? { draft: key.draft, ...nothing };
}
