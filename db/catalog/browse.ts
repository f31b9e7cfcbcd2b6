/** Reading items: one page sees one revision. */
import { type CatalogItem, EVERYONE } from '../../domain/catalog';
import { type SqlValue, type Statements } from '../database';
import { CONTENT_COLUMNS, type ContentRow, itemOf, marks } from './items';

export interface BrowsedItem {
  readonly item: CatalogItem;
  /** Units that this site may sell now. */
  readonly available: number;
}

export interface BrowseQuery {
  readonly store: string;
  readonly catalog: string;
  readonly revision: number;
  /** Words that must all be in sku or description. */
  readonly words: readonly string[];
  /** The beginning of a classification code. */
  readonly classification: string | null;
  /** Only what can be bought here now. */
  readonly availableOnly: boolean;
  /** The last sku of the page before. */
  readonly after: string;
  readonly limit: number;
}

const ITEM_COLUMNS = ['sku', ...CONTENT_COLUMNS].map((column) => `versions.${column}`).join(', ');
const AT_REVISION =
  'versions.store = ? AND versions.catalog = ? AND versions.from_revision <= ? AND versions.to_revision > ?';

export async function browseItems(reads: Statements, query: BrowseQuery): Promise<BrowsedItem[]> {
  const conditions = [AT_REVISION, 'versions.audience = ?', 'versions.sku > ?'];
  const { store, catalog, revision } = query;
  const values: SqlValue[] = [store, catalog, revision, revision, EVERYONE, query.after];
  for (const word of query.words) {
    conditions.push(`(LOWER(versions.description) LIKE ? ESCAPE '!' OR LOWER(versions.sku) LIKE ? ESCAPE '!')`);
    const pattern = `%${word.toLowerCase().replace(/[!%_]/g, (character) => `!${character}`)}%`;
    values.push(pattern, pattern);
  }
  if (query.classification !== null) {
    conditions.push(`versions.classification_code LIKE ? ESCAPE '!'`);
    values.push(`${query.classification.replace(/[!%_]/g, (character) => `!${character}`)}%`);
  }
  if (query.availableOnly) conditions.push('levels.rights > 0');
  const rows = await reads.all<ContentRow & { rights: number | null }>(
    `SELECT ${ITEM_COLUMNS}, levels.rights FROM item_versions versions
     LEFT JOIN stock_levels levels ON levels.store = versions.store AND levels.sku = versions.sku AND levels.account = 'own'
     WHERE ${conditions.join(' AND ')} ORDER BY versions.sku LIMIT ${query.limit}`,
    values,
  );
  return rows.map((row) => ({ item: itemOf(row), available: row.rights ?? 0 }));
}

/** Everyone's items of a revision in ascending order of their skus. */
export async function itemsAfter(
  reads: Statements,
  store: string,
  catalog: string,
  revision: number,
  after: string,
  limit: number,
): Promise<{ item: CatalogItem; contentHash: string }[]> {
  const rows = await reads.all<ContentRow>(
    `SELECT ${ITEM_COLUMNS} FROM item_versions versions
     WHERE ${AT_REVISION} AND versions.audience = ? AND versions.sku > ? ORDER BY versions.sku LIMIT ${limit}`,
    [store, catalog, revision, revision, EVERYONE, after],
  );
  return rows.map((row) => ({ item: itemOf(row), contentHash: row.content_hash }));
}

/** Every sku that the catalogue ever held, in ascending order. */
export async function skusEver(reads: Statements, store: string, catalog: string): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(
    'SELECT DISTINCT sku FROM item_versions WHERE store = ? AND catalog = ? ORDER BY sku',
    [store, catalog],
  );
  return rows.map((row) => row.sku);
}

export interface ItemOnSale extends BrowsedItem {
  readonly revision: number;
}

/** Everyone's items among those skus at the revision that readers see, with what this site may sell of them. */
export async function findItems(
  reads: Statements,
  store: string,
  catalog: string,
  skus: readonly string[],
): Promise<ItemOnSale[]> {
  if (skus.length === 0) return [];
  const rows = await reads.all<ContentRow & { revision: number; rights: number | null }>(
    `SELECT ${ITEM_COLUMNS}, catalogs.revision, levels.rights FROM catalogs
     JOIN item_versions versions ON versions.store = catalogs.store AND versions.catalog = catalogs.catalog
       AND versions.from_revision <= catalogs.revision AND versions.to_revision > catalogs.revision
     LEFT JOIN stock_levels levels ON levels.store = versions.store AND levels.sku = versions.sku AND levels.account = 'own'
     WHERE catalogs.store = ? AND catalogs.catalog = ? AND versions.audience = ? AND versions.sku IN (${marks(skus.length)})`,
    [store, catalog, EVERYONE, ...skus],
  );
  return rows.map((row) => ({ item: itemOf(row), revision: row.revision, available: row.rights ?? 0 }));
}
