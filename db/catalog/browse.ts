/** Reading items in the order of their skus: one page sees one revision. */
import { type CatalogItem, EVERYONE } from '../../domain/catalog';
import { type Amount } from '../../domain/money';
import { type SqlValue, type Statements } from '../database';
import { CONTENT_COLUMNS, type ContentRow, itemOf, marks } from './items';

export interface BrowsedItem {
  readonly item: CatalogItem;
  /** Units that this site may sell now. */
  readonly available: number;
}

/** What the items of a listing have in common. */
export interface ItemFilter {
  readonly classification: {
    readonly domain: string | null;
    readonly code: string | null;
    /** The code is a whole one; else it is the beginning of one. */
    readonly exact: boolean;
  };
  readonly price: {
    /** Lowest and highest, both included. */
    readonly from: Amount | null;
    readonly to: Amount | null;
    readonly currency: string | null;
  };
  /** Only what can be bought here now. */
  readonly availableOnly: boolean;
}

export const EVERY_ITEM: ItemFilter = {
  classification: { domain: null, code: null, exact: false },
  price: { from: null, to: null, currency: null },
  availableOnly: false,
};

export interface BrowseQuery extends ItemFilter {
  readonly store: string;
  readonly catalog: string;
  readonly revision: number;
  /** The last sku of the page before. */
  readonly after: string;
  readonly limit: number;
}

export const ITEM_COLUMNS = ['sku', ...CONTENT_COLUMNS].map((column) => `versions.${column}`).join(', ');
const AT_REVISION =
  'versions.store = ? AND versions.catalog = ? AND versions.from_revision <= ? AND versions.to_revision > ?';
export const JOIN_LEVELS = `LEFT JOIN stock_levels levels
  ON levels.store = versions.store AND levels.sku = versions.sku AND levels.account = 'own'`;

/** Conditions, all of which must hold, and their values. */
export class Conditions {
  private readonly terms: string[] = [];
  readonly values: SqlValue[] = [];

  add(term: string, ...values: readonly SqlValue[]): this {
    this.terms.push(term);
    this.values.push(...values);
    return this;
  }

  get sql(): string {
    return this.terms.length === 0 ? '1 = 1' : this.terms.join(' AND ');
  }
}

/** Everyone's items at a revision that pass a filter, but for what is available. */
export function itemConditions(query: Omit<BrowseQuery, 'after' | 'limit'>): Conditions {
  const { store, catalog, revision, classification, price } = query;
  const conditions = new Conditions()
    .add(AT_REVISION, store, catalog, revision, revision)
    .add('versions.audience = ?', EVERYONE);
  const { domain, code, exact } = classification;
  if (domain !== null) conditions.add('versions.classification_domain = ?', domain);
  if (code !== null && exact) conditions.add('versions.classification_code = ?', code);
  if (code !== null && !exact) {
    // Not LIKE: SQLite's takes "a" for "A".
    conditions.add('SUBSTR(versions.classification_code, 1, ?) = ?', [...code].length, code);
  }
  if (price.from !== null) conditions.add('versions.price_amount >= ?', price.from);
  if (price.to !== null) conditions.add('versions.price_amount <= ?', price.to);
  if (price.currency !== null) conditions.add('versions.currency = ?', price.currency);
  return conditions;
}

export async function browseItems(reads: Statements, query: BrowseQuery): Promise<BrowsedItem[]> {
  const conditions = itemConditions(query).add('versions.sku > ?', query.after);
  if (query.availableOnly) conditions.add('levels.rights > 0');
  const rows = await reads.all<ContentRow & { rights: number | null }>(
    `SELECT ${ITEM_COLUMNS}, levels.rights FROM item_versions versions ${JOIN_LEVELS}
     WHERE ${conditions.sql} ORDER BY versions.sku LIMIT ${query.limit}`,
    conditions.values,
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
     ${JOIN_LEVELS}
     WHERE catalogs.store = ? AND catalogs.catalog = ? AND versions.audience = ? AND versions.sku IN (${marks(skus.length)})`,
    [store, catalog, EVERYONE, ...skus],
  );
  return rows.map((row) => ({ item: itemOf(row), revision: row.revision, available: row.rights ?? 0 }));
}
