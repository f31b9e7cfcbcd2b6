/** Order lines from a CSV file (gzip or plain), streamed: the columns that a simulation of stock needs. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { DAY_MS } from '../../domain/inventory';

export interface SimulatedOrder {
  /** Local time as milliseconds since 1970, as if it were UTC. */
  readonly at: number;
  /** Where the buyer stands between 0 and 1: decides the site. */
  readonly buyer: number;
  readonly abroad: boolean;
  /** As in the file: an item may come twice. */
  readonly lines: readonly { readonly item: number; readonly quantity: number }[];
}

/** Orders in the file's order, and the skus that their items number. */
export interface OrderBook {
  readonly orders: readonly SimulatedOrder[];
  readonly skus: readonly string[];
}

/** Lines of more are not a shop's retail: they are left out, as cancellations are. */
export const LINE_UNITS_MAX = 2000;
const HOME_COUNTRY = 'United Kingdom';
const COLUMNS = ['placed_at', 'invoice', 'sku', 'quantity', 'customer', 'country'] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$/;

/** A row can't be used: names file, line, column and reason. */
export class OrderFileError extends Error {}

/** Gathers orders of several files whose items are numbered alike. */
export class OrderReader {
  private readonly items = new Map<string, number>();
  private readonly orders: (SimulatedOrder & { lines: { item: number; quantity: number }[] })[] = [];

  /** Adds the file's orders of the times wanted; consecutive lines of one invoice are one order. */
  async read(file: string, wanted: (at: number) => boolean = () => true): Promise<void> {
    let invoice: string | undefined;
    let before = Number.NEGATIVE_INFINITY;
    for await (const { line, row } of rowsOf(file)) {
      const at = timeOf(file, line, row.placed_at);
      if (at < before)
        throw bad(file, line, 'placed_at', `${row.placed_at} is earlier than the line before: sort by time`);
      before = at;
      if (row.invoice === '') throw bad(file, line, 'invoice', 'it is empty');
      if (row.sku === '') throw bad(file, line, 'sku', 'it is empty');
      const quantity = Number(row.quantity);
      if (!/^-?\d+$/.test(row.quantity)) throw bad(file, line, 'quantity', `"${row.quantity}" is no whole number`);
      if (row.invoice.startsWith('C') || quantity <= 0 || quantity > LINE_UNITS_MAX || !wanted(at)) continue;
      if (invoice !== row.invoice) this.orders.push(orderOf(row, at));
      invoice = row.invoice;
      this.orders.at(-1)?.lines.push({ item: this.itemOf(row.sku), quantity });
    }
  }

  /** Time of the last order so far; null before the first. */
  get lastAt(): number | null {
    return this.orders.at(-1)?.at ?? null;
  }

  book(): OrderBook {
    return { orders: this.orders, skus: [...this.items.keys()] };
  }

  private itemOf(sku: string): number {
    const known = this.items.get(sku);
    if (known !== undefined) return known;
    this.items.set(sku, this.items.size);
    return this.items.size - 1;
  }
}

/**
 * The orders of a period's file with earlier ones before them, each once. `from`: when measuring begins, local time as
 * if it were UTC; null for the first day of the period's file.
 */
export async function readOrders(
  file: string,
  history: string | undefined,
  from: number | null,
): Promise<{ book: OrderBook; from: number }> {
  const begin = from ?? (await firstDay(file));
  const reader = new OrderReader();
  if (history !== undefined) await reader.read(history, (at) => at < begin);
  const trained = reader.lastAt ?? Number.NEGATIVE_INFINITY;
  await reader.read(file, (at) => at >= begin || at > trained);
  const book = reader.book();
  if (!book.orders.some(({ at }) => at >= begin)) {
    throw new OrderFileError(`${file} has no orders from ${new Date(begin).toISOString().slice(0, 10)} on`);
  }
  return { book, from: begin };
}

/** The beginning of a day like 2011-09-01; null where none is given. */
export function dayStart(day: string | undefined): number | null {
  if (day === undefined) return null;
  const at = DAY.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at)) throw new OrderFileError(`"${day}" is no day: give one like 2011-09-01`);
  return at;
}

async function firstDay(file: string): Promise<number> {
  for await (const { line, row } of rowsOf(file)) {
    const at = timeOf(file, line, row.placed_at);
    return at - (at % DAY_MS);
  }
  throw new OrderFileError(`${file} has no orders`);
}

async function* rowsOf(file: string): AsyncGenerator<{ line: number; row: Row }> {
  const parser = parse({ bom: true, info: true, columns: (header: string[]) => checkedHeader(file, header) });
  const source = createReadStream(file);
  // The iteration below meets the streams' errors.
  const done = (): void => undefined;
  if (file.endsWith('.gz')) pipeline(source, createGunzip(), parser, done);
  else pipeline(source, parser, done);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>) {
      yield { line: info.lines, row: record };
    }
  } catch (error) {
    if (error instanceof OrderFileError) throw error;
    throw new OrderFileError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function checkedHeader(file: string, header: string[]): string[] {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    throw new OrderFileError(
      `${file}, line 1: column ${missing.join(', ')} is missing (there are: ${header.join(', ')}; needed: ${COLUMNS.join(', ')})`,
    );
  }
  return header;
}

function orderOf({ customer, invoice, country }: Row, at: number): SimulatedOrder & { lines: [] } {
  const digest = createHash('sha256')
    .update(customer || invoice)
    .digest();
  return { at, buyer: digest.readUInt32BE(0) / 2 ** 32, abroad: country !== HOME_COUNTRY, lines: [] };
}

function timeOf(file: string, line: number, text: string): number {
  const at = TIME.test(text) ? Date.parse(`${text.replace(' ', 'T')}Z`) : Number.NaN;
  if (Number.isNaN(at)) throw bad(file, line, 'placed_at', `"${text}" is no time like 2011-08-31 17:31:00`);
  return at;
}

function bad(file: string, line: number, column: string, reason: string): OrderFileError {
  return new OrderFileError(`${file}, line ${line}, column ${column}: ${reason}`);
}
