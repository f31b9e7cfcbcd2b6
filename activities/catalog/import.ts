/**
 * Importing items from CSV or JSON, streamed: a first pass checks every row, a second one drafts them in one transaction, so
 * that a bad row changes nothing unless it is to be skipped.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { draftItems } from '../../db/catalog/drafts';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { type CatalogItem } from '../../domain/catalog';
import { type ImportFormat, type ItemPlace, type ReadItem, type RowFault, readItem } from '../../domain/catalog-import';
import { type SiteContext, storeSettings } from '../context';
import { PLACE_NAMES, readItems } from './import-formats';

/** Faults that one report lists; more are counted. */
export const FAULTS_LISTED_MAX = 100;
/** Rows drafted between two looks at the event loop. */
const BATCH_ROWS = 250;

export interface ImportReport {
  readonly read: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly bad: number;
  /** The first of the bad rows' faults. */
  readonly faults: readonly RowFault[];
  /** How often a default stood in for what a row left out, by column. */
  readonly defaults: Readonly<Record<string, number>>;
  /** False when bad rows kept everything as it was. */
  readonly applied: boolean;
}

export interface ImportRequest {
  readonly store: string;
  readonly catalog: string;
  readonly source: Readable;
  readonly format: ImportFormat;
  readonly skipBad: boolean;
}

/** Throws NotPrimaryError elsewhere than at the primary, ImportFileError for a file that can't be used. */
export async function importCatalog(context: SiteContext, request: ImportRequest): Promise<ImportReport> {
  const { db, runtime } = context;
  const { topology } = await loadTopology(db, request.store);
  await db.transaction((tx) => requirePrimacy(tx, request.store, topology.epoch));
  const folder = join(context.documentsDir, 'imports');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${runtime.ids.uuid()}.${request.format}`);
  try {
    await pipeline(request.source, createWriteStream(file));
    const currency = storeSettings(context, request.store).currency;
    const checked = await checkRows(request.format, file, currency);
    if (checked.bad > 0 && !request.skipBad) return { ...checked, changed: 0, unchanged: 0, applied: false };
    const drafted = await draftRows(context, request, file, currency, topology.epoch);
    return { ...checked, ...drafted, applied: true };
  } finally {
    await rm(file, { force: true });
  }
}

type Checked = Pick<ImportReport, 'read' | 'bad' | 'faults' | 'defaults'>;

async function checkRows(format: ImportFormat, file: string, currency: string): Promise<Checked> {
  let read = 0;
  let bad = 0;
  const faults: RowFault[] = [];
  const defaults: Record<string, number> = {};
  for await (const row of readRows(format, file, currency)) {
    read++;
    if ('faults' in row) {
      bad++;
      faults.push(...row.faults.slice(0, FAULTS_LISTED_MAX - faults.length));
    } else for (const column of row.defaults) defaults[column] = (defaults[column] ?? 0) + 1;
  }
  return { read, bad, faults, defaults };
}

async function draftRows(
  { db, runtime }: SiteContext,
  { store, catalog, format }: ImportRequest,
  file: string,
  currency: string,
  epoch: number,
): Promise<{ changed: number; unchanged: number }> {
  return db.transaction(async (tx) => {
    await requirePrimacy(tx, store, epoch);
    const now = runtime.clock.now();
    const total = { changed: 0, unchanged: 0 };
    let batch: CatalogItem[] = [];
    const draft = async () => {
      const { changed, unchanged } = await draftItems(tx, store, catalog, batch, now);
      total.changed += changed;
      total.unchanged += unchanged;
      batch = [];
      await turn();
    };
    for await (const row of readRows(format, file, currency)) {
      if ('item' in row) batch.push(row.item);
      if (batch.length >= BATCH_ROWS) await draft();
    }
    await draft();
    return total;
  });
}

/** Every item, or its faults; a sku that stood before is a fault of the later item. */
async function* readRows(format: ImportFormat, file: string, currency: string): AsyncGenerator<ReadItem> {
  const firstPlaces = new Map<string, ItemPlace>();
  for await (const { place, names, read } of readItems(format, file)) {
    if ('faults' in read) {
      yield { faults: read.faults.map((fault) => ({ ...place, ...fault })) };
      continue;
    }
    const item = readItem(read, names, place, currency);
    if ('item' in item) {
      const { sku } = item.item;
      const before = firstPlaces.get(sku);
      if (before) {
        const reason = `"${sku}" stands ${PLACE_NAMES[format](before)} already`;
        yield { faults: [{ ...place, column: names.sku, reason }] };
        continue;
      }
      firstPlaces.set(sku, place);
    }
    yield item;
  }
}
