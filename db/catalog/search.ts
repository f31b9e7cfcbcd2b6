/**
 * Searching and sorting items at a revision whose words are indexed. Every key of an order is a value of the row and the
 * query alone, never an engine's own score: that moves as other rows come and go, while a walk must go on where it was.
 */
import { type Viewer } from '../../domain/audience';
import { ATTRIBUTES_MARK, type ItemOrder, SKU_MARK, type SearchedWords } from '../../domain/search';
import { type Engine, type SqlValue, type Statements } from '../database';
import {
  type BrowsedItem,
  Conditions,
  type ItemFilter,
  ITEM_COLUMNS,
  JOIN_LEVELS,
  isAvailable,
  itemConditions,
  itemShown,
  priceSql,
} from './browse';
import { type ContentRow, itemOf } from './items';

/** Matching items that are sorted: of more, the first so many that were indexed. */
export const CANDIDATES_MAX = 10_000;
/** Characters of a description's words by which items are sorted. */
const DESCRIPTION_KEY_LENGTH = 120;
/** More than any position in an item's words, so that what matched always comes before how short the text is. */
const POSITIONS = 1_000_000;
/** What the exact sku counts more than any words. */
const EXACT_SKU_SCORE = 100;

export interface SearchQuery extends ItemFilter {
  readonly store: string;
  readonly catalog: string;
  readonly revision: number;
  readonly viewer: Viewer;
  /** Null: every item. */
  readonly words: SearchedWords | null;
  readonly order: ItemOrder;
  /** Where the page before ended. */
  readonly after: { readonly key: SqlValue; readonly sku: string } | null;
  readonly limit: number;
}

export interface FoundItem extends BrowsedItem {
  /** With its sku, its place in the order. */
  readonly key: string | number;
}

type Sql = { readonly sql: string; readonly values: readonly SqlValue[] };

export async function searchItems(reads: Statements, query: SearchQuery): Promise<FoundItem[]> {
  const { sql, values } = sortKey(reads.engine, query);
  const found = { sql: `texts.store, texts.sku, versions.from_revision, ${sql} AS sort_key`, values };
  const candidates = candidatesOf(reads.engine, query, found);
  const descending = query.order === 'relevance' || query.order === 'price-desc';
  const direction = descending ? ' DESC' : '';
  const page = new Conditions();
  if (query.availableOnly) page.addAll(isAvailable(query));
  if (query.after) {
    const { key, sku } = query.after;
    page.add(`(sort_key ${descending ? '<' : '>'} ? OR (sort_key = ? AND versions.sku > ?))`, key, key, sku);
  }
  const rows = await reads.all<ContentRow & { rights: number | null; sort_key: string | number }>(
    `SELECT ${ITEM_COLUMNS}, page.rights, page.sort_key FROM (
       SELECT versions.sku, versions.from_revision, versions.sort_key, levels.rights
       FROM (${candidates.sql}) versions ${JOIN_LEVELS}
       WHERE ${page.sql} ORDER BY versions.sort_key${direction}, versions.sku LIMIT ${query.limit}
     ) page JOIN item_versions versions
       ON versions.store = ? AND versions.catalog = ? AND versions.sku = page.sku AND versions.from_revision = page.from_revision
     ORDER BY page.sort_key${direction}, page.sku`,
    [...candidates.values, ...page.values, query.store, query.catalog],
  );
  return rows.map((row) => ({
    ...{ item: itemShown(itemOf(row), query.viewer), available: row.rights ?? 0, key: row.sort_key },
  }));
}

/** Whether more items match than are sorted. */
export async function hasTooMany(reads: Statements, query: SearchQuery): Promise<boolean> {
  const { sql, values } = candidatesOf(reads.engine, query, { sql: 'texts.text_id', values: [] }, CANDIDATES_MAX + 1);
  const row = await reads.get<{ found: number }>(`SELECT COUNT(*) AS found FROM (${sql}) found`, values);
  return (row?.found ?? 0) > CANDIDATES_MAX;
}

/** Where candidates come from, so that an engine begins with the texts, in their order, and stops when it has enough. */
const SOURCES = {
  sqlite: {
    byWords: {
      texts: 'item_words CROSS JOIN item_texts texts ON texts.text_id = item_words.rowid',
      versions: 'CROSS JOIN',
      place: 'item_words.rowid',
    },
    all: { texts: 'item_texts texts NOT INDEXED', versions: 'CROSS JOIN', place: 'texts.text_id' },
  },
  mariadb: {
    byWords: { texts: 'item_texts texts', versions: 'STRAIGHT_JOIN', place: 'texts.text_id' },
    all: { texts: 'item_texts texts FORCE INDEX (PRIMARY)', versions: 'STRAIGHT_JOIN', place: 'texts.text_id' },
  },
} as const;

/** Matching items in the order in which their texts were indexed, which is the same throughout a walk. */
function candidatesOf(engine: Engine, query: SearchQuery, columns: Sql, limit = CANDIDATES_MAX): Sql {
  const { store, catalog, revision, words } = query;
  const conditions = new Conditions();
  if (words !== null) conditions.add(...matching(engine, words));
  conditions.add('texts.store = ? AND texts.catalog = ?', store, catalog);
  conditions.add('texts.from_revision <= ? AND texts.to_revision > ?', revision, revision);
  const items = itemConditions(engine, query);
  conditions.add(items.sql, ...items.values);
  // The engines are told where to begin; else they sort all texts, or walk over all item versions.
  const { texts, versions, place } = SOURCES[engine][words === null ? 'all' : 'byWords'];
  return {
    sql: `SELECT ${columns.sql} FROM ${texts} ${versions} item_versions versions
      ON versions.store = texts.store AND versions.catalog = texts.catalog AND versions.sku = texts.sku
      WHERE ${conditions.sql} ORDER BY ${place} LIMIT ${limit}`,
    values: [...columns.values, ...conditions.values],
  };
}

/** All of the words in the engine's own language; they hold nothing that either would take for an operator. */
function matching(engine: Engine, { words, openEnd }: SearchedWords): [string, string] {
  const last = words.length - 1;
  const open = (index: number) => (index === last && openEnd ? '*' : '');
  return engine === 'sqlite'
    ? ['item_words MATCH ?', words.map((word, index) => `"${word}"${open(index)}`).join(' AND ')]
    : [
        'MATCH (texts.words) AGAINST (? IN BOOLEAN MODE)',
        words.map((word, index) => `+${word}${open(index)}`).join(' '),
      ];
}

function sortKey(engine: Engine, { order, words, viewer }: SearchQuery): Sql {
  if (order === 'price-asc' || order === 'price-desc') return { sql: priceSql(engine, viewer), values: [] };
  if (order === 'description') return { sql: `SUBSTR(texts.words, 1, ${DESCRIPTION_KEY_LENGTH})`, values: [] };
  if (order === 'relevance' && words !== null) return relevance(words);
  return { sql: `''`, values: [] };
}

/**
 * The item whose sku was typed; then those with more of the words whole in description or sku; then the shorter
 * description, of which the words say more.
 */
function relevance({ words, openEnd }: SearchedWords): Sql {
  const end = `INSTR(texts.words, '${ATTRIBUTES_MARK}')`;
  const isSku = `(INSTR(texts.words, ?) > 0) * ${EXACT_SKU_SCORE}`;
  const comesEarly = `(INSTR(texts.words, ?) BETWEEN 1 AND ${end})`;
  const early = words.map((word) => ` ${word} `);
  if (openEnd) early.push(` ${words.at(-1) ?? ''}`);
  return {
    sql: `(${[isSku, ...early.map(() => comesEarly)].join(' + ')}) * ${POSITIONS} - ${end}`,
    values: [`${SKU_MARK}${words.join(' ')}${ATTRIBUTES_MARK}`, ...early],
  };
}
