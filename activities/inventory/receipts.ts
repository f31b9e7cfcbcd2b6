/** Booking received units at the primary, as lines or as a CSV file. */
import { type Readable } from 'node:stream';
import { type CastingContext, CsvError, parse } from 'csv-parse';
import { bookReceipt } from '../../db/inventory';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { SKU_LENGTH_MAX } from '../../domain/catalog';
import { type StockLine } from '../../domain/inventory';
import { LINE_QUANTITY_MAX } from '../../domain/orders';
import { type SiteContext } from '../context';

/** Most lines of one receipt file. */
export const RECEIPT_LINES_MAX = 200_000;
/** Longest row, bytes. */
const ROW_BYTES_MAX = 1_024;
const COLUMNS = ['sku', 'quantity'];

/** The file can't be booked; the message names the line. */
export class ReceiptFileError extends Error {}

export interface BookedReceipt {
  readonly receiptId: string;
  /** False when it was booked before. */
  readonly booked: boolean;
  readonly lines: number;
  readonly units: number;
}

/** Throws NotPrimaryError elsewhere than at the primary, ReceiptConflictError for other lines under a known id. */
export async function bookReceiptLines(
  { db, runtime, log }: SiteContext,
  store: string,
  receiptId: string,
  lines: readonly StockLine[],
): Promise<BookedReceipt> {
  const booked = await db.transaction(async (tx) => {
    const { topology, site, incarnation } = await loadTopology(tx, store);
    const { epoch } = topology;
    await requirePrimacy(tx, store, epoch);
    return bookReceipt(tx, { store, site, receiptId, lines, epoch, incarnation, now: runtime.clock.now() });
  });
  const units = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  log.info({ store, receiptId, lines: lines.length, units, booked }, 'stock received');
  return { receiptId, booked, lines: lines.length, units };
}

/** As bookReceiptLines, for CSV with the columns sku and quantity; throws ReceiptFileError for a bad row. */
export async function bookReceiptFile(
  context: SiteContext,
  store: string,
  receiptId: string,
  source: Readable,
): Promise<BookedReceipt> {
  const { topology } = await loadTopology(context.db, store);
  // Elsewhere than at the primary nobody needs to send the whole file.
  await context.db.transaction((tx) => requirePrimacy(tx, store, topology.epoch));
  return bookReceiptLines(context, store, receiptId, await readLines(source));
}

async function readLines(source: Readable): Promise<StockLine[]> {
  const parser = parse({ bom: true, columns: readHeader, info: true, max_record_size: ROW_BYTES_MAX, trim: true });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  const lines: StockLine[] = [];
  try {
    for await (const entry of parser as AsyncIterable<{ record: Record<string, string>; info: CastingContext }>) {
      if (lines.length >= RECEIPT_LINES_MAX) {
        throw new ReceiptFileError(`the file has more than ${RECEIPT_LINES_MAX} lines: book it in parts`);
      }
      lines.push(readLine(entry.record, entry.info.lines));
    }
  } catch (error) {
    if (error instanceof CsvError) throw new ReceiptFileError(`the file can't be read as CSV: ${error.message}`);
    throw error;
  }
  if (lines.length === 0) {
    throw new ReceiptFileError('the file has no lines: it begins with "sku,quantity", then a line an item');
  }
  return lines;
}

function readHeader(names: string[]): string[] {
  const columns = names.map((name) => name.toLowerCase());
  if (columns.length !== COLUMNS.length || !COLUMNS.every((column) => columns.includes(column))) {
    throw new ReceiptFileError(`the columns are "${columns.join(', ')}": they must be ${COLUMNS.join(' and ')}`);
  }
  return columns;
}

function readLine({ sku = '', quantity = '' }: Record<string, string>, line: number): StockLine {
  if (sku === '' || sku.length > SKU_LENGTH_MAX) {
    throw new ReceiptFileError(`line ${line}: sku "${sku}" must have 1 to ${SKU_LENGTH_MAX} characters`);
  }
  const units = /^\d{1,9}$/.test(quantity) ? Number(quantity) : 0;
  if (units < 1 || units > LINE_QUANTITY_MAX) {
    throw new ReceiptFileError(
      `line ${line}: quantity of "${sku}" is "${quantity}": a whole number of 1 to ${LINE_QUANTITY_MAX} is needed`,
    );
  }
  return { sku, quantity: units };
}
