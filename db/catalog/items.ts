/** Catalogue items as rows. An item version holds from a revision to a revision (design, section 5). */
import { type CatalogItem, OPEN_REVISION } from '../../domain/catalog';
import { type HashedItem } from '../../domain/catalog-digest';
import { type SqlValue, type Statements } from '../database';

export const CONTENT_COLUMNS = [
  'description',
  'price_amount',
  'currency',
  'unit_of_measure',
  'classification_domain',
  'classification_code',
  'lead_time_days',
  'attributes',
  'audience',
  'group_prices',
  'content_hash',
] as const;

export interface ContentRow {
  sku: string;
  description: string;
  price_amount: number;
  currency: string;
  unit_of_measure: string;
  classification_domain: string;
  classification_code: string;
  lead_time_days: number;
  attributes: string;
  audience: string;
  group_prices: string | null;
  content_hash: string;
}

/** The values of CONTENT_COLUMNS. */
export function contentValues({ item, contentHash }: HashedItem): SqlValue[] {
  return [
    item.description,
    item.price,
    item.currency,
    item.unitOfMeasure,
    item.classification.domain,
    item.classification.code,
    item.leadTimeDays,
    JSON.stringify(item.attributes),
    item.audience,
    item.groupPrices === undefined ? null : JSON.stringify(item.groupPrices),
    contentHash,
  ];
}

export function itemOf(row: ContentRow): CatalogItem {
  return {
    sku: row.sku,
    description: row.description,
    price: row.price_amount,
    currency: row.currency,
    unitOfMeasure: row.unit_of_measure,
    classification: { domain: row.classification_domain, code: row.classification_code },
    leadTimeDays: row.lead_time_days,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    audience: row.audience,
    ...(row.group_prices === null ? {} : { groupPrices: JSON.parse(row.group_prices) as Record<string, number> }),
  };
}

/**
 * That a version is open, where it is looked up by its sku: without the plus SQLite takes the index of all open versions
 * and reads them all, each time. MariaDB's parser drops it.
 */
export const IS_OPEN = '+to_revision = ?';

/** `?, ?, ?` for that many values. */
export function marks(count: number): string {
  return '?, '.repeat(count).slice(0, -2);
}

/** The hashes of what is published of those items, by sku; at most some hundreds. */
export async function openHashes(
  reads: Statements,
  store: string,
  catalog: string,
  skus: readonly string[],
): Promise<Map<string, string>> {
  const rows = await openVersions<Pick<ContentRow, 'sku' | 'content_hash'>>(reads, store, catalog, skus, [
    'content_hash',
  ]);
  return new Map(rows.map((row) => [row.sku, row.content_hash]));
}

/** What is published of those items; at most some hundreds. */
export function openRows(
  reads: Statements,
  store: string,
  catalog: string,
  skus: readonly string[],
): Promise<ContentRow[]> {
  return openVersions<ContentRow>(reads, store, catalog, skus, CONTENT_COLUMNS);
}

function openVersions<Row>(
  reads: Statements,
  store: string,
  catalog: string,
  skus: readonly string[],
  columns: readonly string[],
): Promise<Row[]> {
  return reads.all<Row>(
    `SELECT sku, ${columns.join(', ')} FROM item_versions
     WHERE store = ? AND catalog = ? AND ${IS_OPEN} AND sku IN (${marks(skus.length)})`,
    [store, catalog, OPEN_REVISION, ...skus],
  );
}
