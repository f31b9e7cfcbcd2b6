/**
 * Importing items from CSV, JSON or cXML, streamed: a first pass checks every row, a second one drafts them in one
 * transaction, so that a bad row changes nothing unless it is to be skipped.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type DraftKey, countDraft, discardDraft, draftEntries, draftWithdrawals } from '../../db/catalog/drafts';
import { itemsAt } from '../../db/catalog/changes';
import { groupNames } from '../../db/catalog/groups';
import { readHead } from '../../db/catalog/heads';
import { type Statements, type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { NO_REVISION } from '../../domain/catalog';
import { type DraftEntry } from '../../domain/catalog-draft';
import { ImportFileError, type ImportFormat, type LoadMode, type RowFault } from '../../domain/catalog-import';
import { type SiteContext, storeSettings } from '../context';
import { fireOnChanges } from './count-changes';
import { type ImportSource, type SourceFacts } from './import-formats';
import { type RowReading, readRows } from './import-rows';
import { type UploadedIndex, openUpload } from './upload';

/** Faults that one report lists; more are counted. */
export const FAULTS_LISTED_MAX = 100;
/** Rows drafted between two looks at the event loop. */
const BATCH_ROWS = 250;

export interface ImportReport {
  readonly draft: string;
  readonly mode: LoadMode;
  readonly read: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly withdrawn: number;
  /** Prices, and items, that hold from a time that has not come. */
  readonly waiting: number;
  readonly bad: number;
  /** The first of the bad rows' faults. */
  readonly faults: readonly RowFault[];
  /** How often a default stood in for what a row left out, by column. */
  readonly defaults: Readonly<Record<string, number>>;
  /** How often each element was met that an item has no place for. */
  readonly ignored: Readonly<Record<string, number>>;
  /** False when bad rows kept everything as it was. */
  readonly applied: boolean;
  /** The file asks to be published at once. */
  readonly autoPublish: boolean;
}

export interface ImportRequest extends DraftKey {
  readonly source: Readable;
  readonly format: ImportFormat;
  /** Of a multipart message, which holds a CatalogUploadRequest and its Index. */
  readonly boundary?: string;
  /** null: as the file says, else incremental. */
  readonly mode: LoadMode | null;
  readonly skipBad: boolean;
}

const NOT_UPLOADED = { autoPublish: false, ignored: [] };

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
    const upload = request.boundary === undefined ? null : await openUpload(file, request.boundary);
    if (upload) await requireOperation(context, request, upload);
    const { open, autoPublish, ignored } = upload ?? { ...NOT_UPLOADED, open: () => createReadStream(file) };
    const report = await importFile(context, request, open, topology.epoch);
    const wishes = Object.fromEntries(ignored.map((name) => [name, 1]));
    return { ...report, autoPublish, ignored: { ...report.ignored, ...wishes } };
  } finally {
    await rm(file, { force: true });
  }
}

async function importFile(
  context: SiteContext,
  request: ImportRequest,
  open: () => Readable,
  epoch: number,
): Promise<Omit<ImportReport, 'autoPublish'>> {
  const { currency, language } = storeSettings(context, request.store);
  const source: ImportSource = { format: request.format, open, language, partial: request.mode === 'partial' };
  const rules = { currency, groups: await groupNames(context.db, request.store) };
  const reading: RowReading = { source, key: request, rules };
  const facts: SourceFacts = { loadMode: null, ignored: {} };
  const { unnamed, ...checked } = await checkRows(context.db, reading, facts);
  const mode = request.mode ?? facts.loadMode ?? 'incremental';
  const report = { draft: request.draft, mode, ...checked, ignored: facts.ignored };
  if (mode === 'full') requireWhole(checked, unnamed, request.skipBad);
  if (checked.bad > 0 && !request.skipBad) {
    return { ...report, changed: 0, unchanged: 0, withdrawn: 0, waiting: 0, applied: false };
  }
  const now = context.runtime.clock.now();
  const drafted = await context.db.transaction(async (tx) => {
    await requirePrimacy(tx, request.store, epoch);
    const rows = await draftRows(tx, reading, mode, now);
    await fireOnChanges(context, tx, request);
    return rows;
  });
  return { ...report, ...drafted, applied: true };
}

/** `new` is for a catalogue that is not there, `update` for one that is. */
async function requireOperation(
  { db, runtime }: SiteContext,
  key: DraftKey,
  { operation }: UploadedIndex,
): Promise<void> {
  const head = await readHead(db, key.store, key.catalog);
  const { updatedAt } = await countDraft(db, key, runtime.clock.now());
  const isThere = head.revision !== NO_REVISION || updatedAt !== null;
  if (operation === 'new' && isThere) {
    throw new ImportFileError(
      `CatalogUploadRequest/@operation is new, and catalogue "${key.catalog}" is there: send update`,
    );
  }
  if (operation === 'update' && !isThere) {
    throw new ImportFileError(
      `CatalogUploadRequest/@operation is update, and there is no catalogue "${key.catalog}": send new`,
    );
  }
}

type Checked = Pick<ImportReport, 'read' | 'bad' | 'faults' | 'defaults'>;

/** `unnamed` counts bad rows that do not say which item they are about. */
async function checkRows(
  reads: Statements,
  reading: RowReading,
  facts: SourceFacts,
): Promise<Checked & { unnamed: number }> {
  let [read, bad, unnamed] = [0, 0, 0];
  const faults: RowFault[] = [];
  const defaults: Record<string, number> = {};
  for await (const row of readRows(reads, reading, facts)) {
    read++;
    if ('faults' in row) {
      bad++;
      if (row.sku === null) unnamed++;
      faults.push(...row.faults.slice(0, FAULTS_LISTED_MAX - faults.length));
    } else if ('item' in row) for (const column of row.defaults) defaults[column] = (defaults[column] ?? 0) + 1;
  }
  return { read, bad, unnamed, faults, defaults };
}

/** What is not in the file of a full load goes: so it must be known what is in it. */
function requireWhole({ read }: Checked, unnamed: number, skipBad: boolean): void {
  if (read === 0) {
    throw new ImportFileError(
      'a full load that holds no item would withdraw all of them: withdraw items by their skus',
    );
  }
  if (unnamed > 0 && skipBad) {
    throw new ImportFileError(
      `${unnamed} bad rows do not say which item they are about, and a full load would withdraw those: mend them, or load incrementally`,
    );
  }
}

type Drafted = Pick<ImportReport, 'changed' | 'unchanged' | 'withdrawn' | 'waiting'>;

async function draftRows(tx: Transaction, reading: RowReading, mode: LoadMode, now: number): Promise<Drafted> {
  const { key } = reading;
  const total = { changed: 0, unchanged: 0, withdrawn: 0, waiting: 0 };
  const named = new Set<string>();
  let entries: DraftEntry[] = [];
  let gone: string[] = [];
  const draft = async () => {
    const { changed, unchanged, waiting } = await draftEntries(tx, key, entries, now);
    total.changed += changed;
    total.unchanged += unchanged;
    total.waiting += waiting;
    await withdraw(gone);
    [entries, gone] = [[], []];
    await turn();
  };
  const withdraw = async (skus: readonly string[]) => {
    const { changed, unknown } = await draftWithdrawals(tx, key.store, key.catalog, skus, now, key.draft);
    total.withdrawn += changed;
    total.unchanged += unknown.length;
  };
  if (mode === 'full') await discardDraft(tx, key);
  for await (const row of readRows(tx, reading)) {
    if ('item' in row) entries.push(row);
    else if ('withdrawn' in row) gone.push(row.withdrawn);
    const sku = 'item' in row ? row.item.sku : 'faults' in row ? row.sku : null;
    if (mode === 'full' && sku !== null) named.add(sku);
    if (entries.length + gone.length >= BATCH_ROWS) await draft();
  }
  await draft();
  if (mode === 'full') {
    for await (const skus of publishedBeyond(tx, key, named)) {
      await withdraw(skus);
      await turn();
    }
  }
  return total;
}

/** Skus of the newest revision that are not among those. */
async function* publishedBeyond(
  reads: Statements,
  { store, catalog }: DraftKey,
  named: ReadonlySet<string>,
): AsyncGenerator<string[]> {
  const { revision } = await readHead(reads, store, catalog);
  for (let after = ''; ;) {
    const skus = (await itemsAt(reads, { store, catalog, revision }, after, BATCH_ROWS)).map(({ item }) => item.sku);
    yield skus.filter((sku) => !named.has(sku));
    if (skus.length < BATCH_ROWS) return;
    after = skus.at(-1) ?? '';
  }
}
