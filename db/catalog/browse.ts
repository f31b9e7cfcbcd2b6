/** Reading items in the order of their skus: one page sees one revision. */
import { type Viewer, groupMark, priceFor } from '../../domain/audience';
import { type CatalogItem, EVERYONE, OPEN_REVISION } from '../../domain/catalog';
import { type CentralItems } from '../../domain/inventory';
import { AMOUNT_MAX, type Amount } from '../../domain/money';
import { type Engine, type SqlValue, type Statements } from '../database';
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
  /** Their stock is kept at the primary, so that they count as available. */
  readonly central: CentralItems;
}

export const EVERY_ITEM: ItemFilter = {
  classification: { domain: null, code: null, exact: false },
  price: { from: null, to: null, currency: null },
  availableOnly: false,
  central: 'none',
};

export interface BrowseQuery extends ItemFilter {
  readonly store: string;
  readonly catalog: string;
  readonly revision: number;
  readonly viewer: Viewer;
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

  addAll({ sql, values }: Conditions): this {
    return this.add(sql, ...values);
  }

  get sql(): string {
    return this.terms.length === 0 ? '1 = 1' : this.terms.join(' AND ');
  }
}

/** The items of a revision that the viewer may see and that pass a filter, but for what is available. */
export function itemConditions(engine: Engine, query: Omit<BrowseQuery, 'after' | 'limit'>): Conditions {
  const { store, catalog, revision, viewer, classification, price } = query;
  const conditions = new Conditions().add(AT_REVISION, store, catalog, revision, revision);
  const visible = visibleTo(viewer);
  conditions.add(visible.sql, ...visible.values);
  const paid = priceSql(engine, viewer);
  const { domain, code, exact } = classification;
  if (domain !== null) conditions.add('versions.classification_domain = ?', domain);
  if (code !== null && exact) conditions.add('versions.classification_code = ?', code);
  if (code !== null && !exact) {
    // Not LIKE: SQLite's takes "a" for "A".
    conditions.add('SUBSTR(versions.classification_code, 1, ?) = ?', [...code].length, code);
  }
  if (price.from !== null) conditions.add(`${paid} >= ?`, price.from);
  if (price.to !== null) conditions.add(`${paid} <= ?`, price.to);
  if (price.currency !== null) conditions.add('versions.currency = ?', price.currency);
  return conditions;
}

/** That there is some of an item here, or may be at the primary. */
export function isAvailable({ central }: Pick<ItemFilter, 'central'>): Conditions {
  if (central === 'all') return new Conditions();
  if (central === 'none') return new Conditions().add('levels.rights > 0');
  return new Conditions().add(`(levels.rights > 0 OR versions.sku IN (${marks(central.length)}))`, ...central);
}

/** That the viewer may see an item. */
function visibleTo(viewer: Viewer): Conditions {
  return audienceHolds('versions.audience', viewer);
}

/** That the viewer may see the catalogue at all; one from before there were audiences has none. */
function ofVisibleCatalog(viewer: Viewer): Conditions {
  return audienceHolds(`COALESCE(catalogs.audience, '')`, viewer);
}

/** `maySee` in SQL. */
function audienceHolds(audience: string, viewer: Viewer): Conditions {
  if (viewer === 'all') return new Conditions();
  const terms = [`${audience} = ?`, ...viewer.map(() => `INSTR(${audience}, ?) > 0`)];
  return new Conditions().add(`(${terms.join(' OR ')})`, EVERYONE, ...viewer.map(groupMark));
}

/** What the viewer pays, as `priceFor` says it. Group ids hold nothing that SQL would read as more than text. */
export function priceSql(engine: Engine, viewer: Viewer): string {
  if (viewer === 'all' || viewer.length === 0) return 'versions.price_amount';
  const none = AMOUNT_MAX + 1;
  const ofGroups = viewer.map((group) => `COALESCE(JSON_EXTRACT(versions.group_prices, '$.${group}') + 0, ${none})`);
  const lowest = `${engine === 'sqlite' ? 'MIN' : 'LEAST'}(${[...ofGroups, none].join(', ')})`;
  return `(CASE WHEN versions.group_prices IS NULL OR ${lowest} = ${none} THEN versions.price_amount ELSE ${lowest} END)`;
}

/** As the viewer is shown it: at their price, without a word of groups. */
export function itemShown(item: CatalogItem, viewer: Viewer): CatalogItem {
  if (viewer === 'all' || (item.audience === EVERYONE && item.groupPrices === undefined)) return item;
  const { groupPrices: _, ...rest } = item;
  return { ...rest, price: priceFor(item, viewer), audience: EVERYONE };
}

export async function browseItems(reads: Statements, query: BrowseQuery): Promise<BrowsedItem[]> {
  const conditions = itemConditions(reads.engine, query).add('versions.sku > ?', query.after);
  if (query.availableOnly) conditions.addAll(isAvailable(query));
  const rows = await reads.all<ContentRow & { rights: number | null }>(
    `SELECT ${ITEM_COLUMNS}, levels.rights FROM item_versions versions ${JOIN_LEVELS}
     WHERE ${conditions.sql} ORDER BY versions.sku LIMIT ${query.limit}`,
    conditions.values,
  );
  return rows.map((row) => ({ item: itemShown(itemOf(row), query.viewer), available: row.rights ?? 0 }));
}

/** Every sku that the catalogue ever held for everyone, in ascending order. */
export async function publicSkusEver(reads: Statements, store: string, catalog: string): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(
    'SELECT DISTINCT sku FROM item_versions WHERE store = ? AND catalog = ? AND audience = ? ORDER BY sku',
    [store, catalog, EVERYONE],
  );
  return rows.map((row) => row.sku);
}

/** Every sku of the store's catalogues as they are now. */
export async function skusNow(reads: Statements, store: string): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(
    'SELECT DISTINCT sku FROM item_versions WHERE store = ? AND to_revision = ?',
    [store, OPEN_REVISION],
  );
  return rows.map((row) => row.sku);
}

export interface ItemOnSale extends BrowsedItem {
  readonly revision: number;
}

/** What the viewer may see of those skus at the revision that readers see, with what this site may sell of them. */
export async function findItems(
  reads: Statements,
  { store, catalog, viewer }: Pick<BrowseQuery, 'store' | 'catalog' | 'viewer'>,
  skus: readonly string[],
): Promise<ItemOnSale[]> {
  if (skus.length === 0) return [];
  const ofCatalog = ofVisibleCatalog(viewer);
  const visible = visibleTo(viewer);
  const rows = await reads.all<ContentRow & { revision: number; rights: number | null }>(
    `SELECT ${ITEM_COLUMNS}, catalogs.revision, levels.rights FROM catalogs
     JOIN item_versions versions ON versions.store = catalogs.store AND versions.catalog = catalogs.catalog
       AND versions.from_revision <= catalogs.revision AND versions.to_revision > catalogs.revision
     ${JOIN_LEVELS}
     WHERE catalogs.store = ? AND catalogs.catalog = ? AND ${ofCatalog.sql} AND ${visible.sql}
       AND versions.sku IN (${marks(skus.length)})`,
    [store, catalog, ...ofCatalog.values, ...visible.values, ...skus],
  );
  return rows.map((row) => ({
    ...{ item: itemShown(itemOf(row), viewer), revision: row.revision, available: row.rights ?? 0 },
  }));
}
