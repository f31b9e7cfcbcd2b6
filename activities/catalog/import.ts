/**
 * Importing items from CSV, streamed: a first pass checks every row, a second one drafts them in one transaction, so
 * that a bad row changes nothing unless it is to be skipped.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type CastingContext, parse } from 'csv-parse';
import { draftItems } from '../../db/catalog/drafts';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { type CatalogItem } from '../../domain/catalog';
import { HeaderError, type ImportHeader, type RowFault, readHeader, readRow } from '../../domain/catalog-import';
import { type SiteContext, storeSettings } from '../context';

/** Faults that one report lists; more are counted. */
export const FAULTS_LISTED_MAX = 100;
/** Rows drafted between two looks at the event loop. */
const BATCH_ROWS = 250;
/** Longest row, bytes. */
const ROW_BYTES_MAX = 65_536;

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
  readonly skipBad: boolean;
}

/** Throws NotPrimaryError elsewhere than at the primary, HeaderError for columns that can't be used. */
export async function importCatalog(context: SiteContext, request: ImportRequest): Promise<ImportReport> {
  const { db, runtime } = context;
  const { topology } = await loadTopology(db, request.store);
  await db.transaction((tx) => requirePrimacy(tx, request.store, topology.epoch));
  const folder = join(context.documentsDir, 'imports');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${runtime.ids.uuid()}.csv`);
  try {
    await pipeline(request.source, createWriteStream(file));
    const currency = storeSettings(context, request.store).currency;
    const checked = await checkRows(file, currency);
    if (checked.bad > 0 && !request.skipBad) return { ...checked, changed: 0, unchanged: 0, applied: false };
    const drafted = await draftRows(context, request, file, currency, topology.epoch);
    return { ...checked, ...drafted, applied: true };
  } finally {
    await rm(file, { force: true });
  }
}

type Checked = Pick<ImportReport, 'read' | 'bad' | 'faults' | 'defaults'>;

async function checkRows(file: string, currency: string): Promise<Checked> {
  let read = 0;
  let bad = 0;
  const faults: RowFault[] = [];
  const defaults: Record<string, number> = {};
  for await (const row of readRows(file, currency)) {
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
  { store, catalog }: ImportRequest,
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
    for await (const row of readRows(file, currency)) {
      if ('item' in row) batch.push(row.item);
      if (batch.length >= BATCH_ROWS) await draft();
    }
    await draft();
    return total;
  });
}

type Row = { item: CatalogItem; defaults: readonly string[] } | { faults: readonly RowFault[] };

/** Every row with its faults; a sku that stood before is a fault of the later row. */
async function* readRows(file: string, currency: string): AsyncGenerator<Row> {
  let header: ImportHeader | undefined;
  const firstLines = new Map<string, number>();
  const parser = parse({
    bom: true,
    columns: (names: string[]) => {
      const columns = names.map((name) => name.trim().toLowerCase());
      header = readHeader(columns);
      return columns;
    },
    info: true,
    max_record_size: ROW_BYTES_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = createReadStream(file);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const entry of parser as AsyncIterable<{ record: Record<string, string>; info: CastingContext }>) {
      const { lines, error } = entry.info;
      if (error) {
        yield { faults: [{ line: lines, column: '(row)', reason: `${error.message}: quote values that hold commas` }] };
        continue;
      }
      const row = readRow(entry.record, lines, header as ImportHeader, currency);
      if ('item' in row) {
        const { sku } = row.item;
        const before = firstLines.get(sku);
        firstLines.set(sku, before ?? lines);
        if (before !== undefined) {
          yield { faults: [{ line: lines, column: 'sku', reason: `"${sku}" stands on line ${before} already` }] };
          continue;
        }
      }
      yield row;
    }
  } catch (error) {
    if (error instanceof HeaderError) throw error;
    throw new HeaderError(`the file can't be read as CSV: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (!header)
    throw new HeaderError('the file is empty: its first line must name the columns, for example sku,description,price');
}
