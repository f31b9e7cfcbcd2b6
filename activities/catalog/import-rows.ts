/** An import's rows by the rules of an item: each is one item, a withdrawal, or what is wrong with it. */
import { type DraftKey, itemsInDraft } from '../../db/catalog/drafts';
import { type Statements } from '../../db/database';
import { withoutDates } from '../../domain/catalog-draft';
import { type ItemPlace, type ItemRules, type ReadItem, readItem, textsOnTop } from '../../domain/catalog-import';
import { textsOf } from '../../domain/catalog-json';
import { type ImportSource, PLACE_NAMES, type SourceFacts, type SourceItem, readItems } from './import-formats';

/** Rows whose items are looked up at a time. */
const LOOK_UP_ROWS = 250;

export interface RowReading {
  readonly source: ImportSource;
  /** What a partial row is on top of. */
  readonly key: DraftKey;
  readonly rules: ItemRules;
}

/** Every row; a sku that stood before is a fault of the later row. `facts` are filled in at the end. */
export async function* readRows(
  reads: Statements,
  { source, key, rules }: RowReading,
  facts: SourceFacts = { loadMode: null, ignored: {} },
): AsyncGenerator<ReadItem> {
  const firstPlaces = new Map<string, ItemPlace>();
  const read = (row: SourceItem): ReadItem => {
    const item = readSourceItem(row, rules);
    const sku = 'item' in item ? item.item.sku : 'withdrawn' in item ? item.withdrawn : null;
    if (sku === null) return item;
    const before = firstPlaces.get(sku);
    if (before) {
      const reason = `"${sku}" stands ${PLACE_NAMES[source.format](before)} already`;
      return { faults: [{ ...row.place, column: row.names.sku, reason }], sku };
    }
    firstPlaces.set(sku, row.place);
    return item;
  };
  if (!source.partial) {
    for await (const row of readItems(source, facts)) yield read(row);
    return;
  }
  for await (const batch of batches(readItems(source, facts), LOOK_UP_ROWS)) {
    for (const row of await onTopOfDraft(reads, key, rules, batch)) yield read(row);
  }
}

function readSourceItem({ place, names, texts, faults }: SourceItem, rules: ItemRules): ReadItem {
  const item = texts === null ? { faults: [], sku: null } : readItem(texts, names, place, rules);
  if (faults.length === 0) return item;
  const placed = faults.map((fault) => ({ ...place, ...fault }));
  if ('faults' in item) return { faults: [...placed, ...item.faults], sku: item.sku };
  return { faults: placed, sku: 'item' in item ? item.item.sku : item.withdrawn };
}

/** What the rows leave out is as the draft has it. */
async function onTopOfDraft(
  reads: Statements,
  key: DraftKey,
  { groups }: ItemRules,
  rows: readonly SourceItem[],
): Promise<SourceItem[]> {
  const skuOf = ({ texts }: SourceItem) => texts?.fields.sku?.trim() ?? '';
  const skus = [...new Set(rows.map(skuOf))].filter((sku) => sku !== '');
  const inDraft = await itemsInDraft(reads, key, skus);
  const standing = new Map(inDraft.map((entry) => [entry.sku, withoutDates(entry)]));
  return rows.map((row) => {
    const item = standing.get(skuOf(row));
    return row.texts && item ? { ...row, texts: textsOnTop(textsOf(item, groups), row.texts) } : row;
  });
}

async function* batches<T>(source: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const entry of source) {
    batch.push(entry);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
