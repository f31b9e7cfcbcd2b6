/** What changed between two revisions: item versions hold from a revision to a revision, so a change is an end of one. */
import { type HashedItem } from '../../domain/catalog-digest';
import { type SqlValue, type Statements } from '../database';
import { CONTENT_COLUMNS, type ContentRow, itemOf, marks } from './items';

export interface Span {
  readonly store: string;
  readonly catalog: string;
  /** 0 for before the first revision. */
  readonly base: number;
  readonly target: number;
}

/** Skus beyond one, of which a version begins or ends after the base and up to the target. */
const TOUCHED = `SELECT sku FROM item_versions
  WHERE store = ? AND catalog = ? AND sku > ? AND from_revision > ? AND from_revision <= ?
  UNION SELECT sku FROM item_versions
  WHERE store = ? AND catalog = ? AND sku > ? AND to_revision > ? AND to_revision <= ?`;

function touchedValues({ store, catalog, base, target }: Span, after: string): SqlValue[] {
  const within = [store, catalog, after, base, target];
  return [...within, ...within];
}

/**
 * Skus beyond `after`, in ascending order, of which a version begins or ends after `base` and up to `target`, at most
 * `limit`. One that was changed and changed back is among them.
 */
export async function touchedSkus(reads: Statements, span: Span, limit: number, after = ''): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(`${TOUCHED} ORDER BY sku LIMIT ${limit}`, touchedValues(span, after));
  return rows.map((row) => row.sku);
}

/** How many skus that are, counted up to `limit`. */
export async function countTouched(reads: Statements, span: Span, limit: number): Promise<number> {
  const row = await reads.get<{ touched: number }>(
    `SELECT COUNT(*) AS touched FROM (${TOUCHED} LIMIT ${limit}) skus`,
    touchedValues(span, ''),
  );
  return row?.touched ?? 0;
}

/** An item as it stood at the base and stands at the target; null where it was not in the catalogue. */
export interface VersionsOfItem {
  readonly sku: string;
  readonly before: HashedItem | null;
  readonly after: HashedItem | null;
}

export function isChange({ before, after }: VersionsOfItem): boolean {
  return before?.contentHash !== after?.contentHash;
}

/** Those items at both revisions, in the order of the skus; at most some hundreds. */
export async function versionsAtBoth(
  reads: Statements,
  span: Span,
  skus: readonly string[],
): Promise<VersionsOfItem[]> {
  if (skus.length === 0) return [];
  const before = await versionsAt(reads, span, span.base, skus);
  const after = await versionsAt(reads, span, span.target, skus);
  return skus.map((sku) => ({ sku, before: before.get(sku) ?? null, after: after.get(sku) ?? null }));
}

/** Items of a revision beyond `after`, whoever may see them, in ascending order of their skus. */
export async function itemsAt(
  reads: Statements,
  { store, catalog, revision }: { store: string; catalog: string; revision: number },
  after: string,
  limit: number,
): Promise<HashedItem[]> {
  const rows = await reads.all<ContentRow>(
    `SELECT sku, ${CONTENT_COLUMNS.join(', ')} FROM item_versions
     WHERE store = ? AND catalog = ? AND sku > ? AND from_revision <= ? AND to_revision > ? ORDER BY sku LIMIT ${limit}`,
    [store, catalog, after, revision, revision],
  );
  return rows.map(versionOf);
}

async function versionsAt(
  reads: Statements,
  { store, catalog }: Span,
  revision: number,
  skus: readonly string[],
): Promise<Map<string, HashedItem>> {
  const rows = await reads.all<ContentRow>(
    `SELECT sku, ${CONTENT_COLUMNS.join(', ')} FROM item_versions
     WHERE store = ? AND catalog = ? AND sku IN (${marks(skus.length)}) AND from_revision <= ? AND to_revision > ?`,
    [store, catalog, ...skus, revision, revision],
  );
  return new Map(rows.map((row) => [row.sku, versionOf(row)]));
}

function versionOf(row: ContentRow): HashedItem {
  return { item: itemOf(row), contentHash: row.content_hash };
}
