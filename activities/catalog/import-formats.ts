/** The formats of an import, each as a stream of items' texts with their places. */
import { createReadStream } from 'node:fs';
import { type CastingContext, CsvError, parse } from 'csv-parse';
import { type CsvHeader, csvTexts, readCsvHeader } from '../../domain/catalog-csv';
import {
  type FieldNames,
  ImportFileError,
  type ImportFormat,
  type ItemPlace,
  type ItemTexts,
} from '../../domain/catalog-import';
import { JSON_NAMES, jsonTexts } from '../../domain/catalog-json';
import { JsonElements, JsonListError } from '../../domain/json-elements';

/** Longest row or item, bytes (of JSON: characters). */
const ROW_LENGTH_MAX = 65_536;

/** One item as the source has it, or why it can't be read at all. */
export interface SourceItem {
  readonly place: ItemPlace;
  readonly names: FieldNames;
  readonly read: ItemTexts | { readonly faults: readonly { readonly column: string; readonly reason: string }[] };
}

/** How a report names the place of an item. */
export const PLACE_NAMES: Readonly<Record<ImportFormat, (place: ItemPlace) => string>> = {
  csv: ({ line }) => `on line ${line}`,
  json: ({ row }) => `as item ${row}`,
  ndjson: ({ line }) => `on line ${line}`,
};

/** Throws ImportFileError for a file that is not of the format. */
export function readItems(format: ImportFormat, file: string): AsyncGenerator<SourceItem> {
  if (format === 'csv') return readCsv(file);
  return format === 'json' ? readJson(file) : readJsonLines(file);
}

async function* readCsv(file: string): AsyncGenerator<SourceItem> {
  let header: CsvHeader | undefined;
  let row = 0;
  const parser = parse({
    bom: true,
    columns: (names: string[]) => {
      const columns = names.map((name) => name.trim().toLowerCase());
      header = readCsvHeader(columns);
      return columns;
    },
    info: true,
    max_record_size: ROW_LENGTH_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = createReadStream(file);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const entry of parser as AsyncIterable<{ record: Record<string, string>; info: CastingContext }>) {
      const { lines: line, error } = entry.info;
      const { names } = header as CsvHeader;
      row++;
      const faults = error && [{ column: '(row)', reason: `${error.message}: quote values that hold commas` }];
      yield { place: { row, line }, names, read: faults ? { faults } : csvTexts(entry.record, header as CsvHeader) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ImportFileError(`the file can't be read as CSV: ${error.message}`, { cause: error });
  }
  if (!header) {
    throw new ImportFileError(
      'the file is empty: its first line must name the columns, for example sku,description,price',
    );
  }
}

async function* readJson(file: string): AsyncGenerator<SourceItem> {
  const elements = new JsonElements(ROW_LENGTH_MAX);
  let row = 0;
  try {
    for await (const piece of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
      for (const { text, line } of elements.take(piece)) {
        row++;
        yield jsonItem(text, { row, line });
      }
    }
    elements.end();
  } catch (error) {
    if (!(error instanceof JsonListError)) throw error;
    throw new ImportFileError(`the file can't be read as a JSON list: ${error.message}`, { cause: error });
  }
}

async function* readJsonLines(file: string): AsyncGenerator<SourceItem> {
  let [row, line] = [0, 0];
  for await (const text of linesOf(file)) {
    line++;
    if (text.trim() === '') continue;
    row++;
    yield jsonItem(text, { row, line });
  }
  if (row === 0) throw new ImportFileError('the file is empty: one item in JSON is needed on each line');
}

async function* linesOf(file: string): AsyncGenerator<string> {
  let [rest, line] = ['', 0];
  for await (const piece of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    line += lines.length;
    yield* lines;
    if (rest.length > ROW_LENGTH_MAX) {
      throw new ImportFileError(`line ${line + 1} has more than ${ROW_LENGTH_MAX} characters: no item may have more`);
    }
  }
  if (rest !== '') yield rest;
}

function jsonItem(text: string, place: ItemPlace): SourceItem {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const reason = `is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { place, names: JSON_NAMES, read: { faults: [{ column: '(item)', reason }] } };
  }
  return { place, names: JSON_NAMES, read: jsonTexts(value) };
}
