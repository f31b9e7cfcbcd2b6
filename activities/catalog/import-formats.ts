/** The formats of an import, each as a stream of items' texts with their places. */
import { type Readable } from 'node:stream';
import { type CastingContext, CsvError, parse } from 'csv-parse';
import { CXML_NAMES, IndexReader } from '../../cxml/index-reader';
import { Utf8Stream, XmlError, XmlStream } from '../../cxml/reader';
import { type CsvHeader, csvTexts, readCsvHeader } from '../../domain/catalog-csv';
import {
  type FieldNames,
  ImportFileError,
  type ImportFormat,
  type ItemPlace,
  type ItemTexts,
  type LoadMode,
} from '../../domain/catalog-import';
import { JSON_NAMES, jsonTexts } from '../../domain/catalog-json';
import { JsonElements, JsonListError } from '../../domain/json-elements';

/** Longest row or item, bytes (of JSON: characters). */
const ROW_LENGTH_MAX = 65_536;

/** Where an import's items stand. */
export interface ImportSource {
  readonly format: ImportFormat;
  /** Opens it from its beginning. */
  readonly open: () => Readable;
  /** The language that descriptions are wanted in, where the source has several (BCP 47). */
  readonly language: string;
  /** Items may leave out what they do not change. */
  readonly partial: boolean;
}

/** One item as the source has it, with what no value of an item can say; or why it can't be read at all. */
export interface SourceItem {
  readonly place: ItemPlace;
  readonly names: FieldNames;
  readonly texts: ItemTexts | null;
  readonly faults: readonly { readonly column: string; readonly reason: string }[];
}

/** What a source says of itself, known when all of its items have been read. */
export interface SourceFacts {
  loadMode: LoadMode | null;
  /** How often each element was met that an item has no place for. */
  ignored: Readonly<Record<string, number>>;
}

/** How a report names the place of an item. */
export const PLACE_NAMES: Readonly<Record<ImportFormat, (place: ItemPlace) => string>> = {
  csv: ({ line }) => `on line ${line}`,
  json: ({ row }) => `as item ${row}`,
  ndjson: ({ line }) => `on line ${line}`,
  cxml: ({ line }) => `on line ${line}`,
};

/** Throws ImportFileError for a file that is not of the format. */
export function readItems(source: ImportSource, facts: SourceFacts): AsyncGenerator<SourceItem> {
  if (source.format === 'csv') return readCsv(source);
  if (source.format === 'cxml') return readIndex(source, facts);
  return source.format === 'json' ? readJson(source) : readJsonLines(source);
}

async function* readCsv({ open, partial }: ImportSource): AsyncGenerator<SourceItem> {
  let header: CsvHeader | undefined;
  let row = 0;
  const parser = parse({
    bom: true,
    columns: (names: string[]) => {
      const columns = names.map((name) => name.trim().toLowerCase());
      header = readCsvHeader(columns, partial);
      return columns;
    },
    info: true,
    max_record_size: ROW_LENGTH_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = open();
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const entry of parser as AsyncIterable<{ record: Record<string, string>; info: CastingContext }>) {
      const { lines: line, error } = entry.info;
      const { names } = header as CsvHeader;
      row++;
      const faults = error ? [{ column: '(row)', reason: `${error.message}: quote values that hold commas` }] : [];
      const texts = error ? null : csvTexts(entry.record, header as CsvHeader);
      yield { place: { row, line }, names, texts, faults };
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

async function* readJson({ open }: ImportSource): AsyncGenerator<SourceItem> {
  const elements = new JsonElements(ROW_LENGTH_MAX);
  let row = 0;
  try {
    for await (const piece of open().setEncoding('utf8') as AsyncIterable<string>) {
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

async function* readJsonLines({ open }: ImportSource): AsyncGenerator<SourceItem> {
  let [row, line] = [0, 0];
  for await (const text of linesOf(open())) {
    line++;
    if (text.trim() === '') continue;
    row++;
    yield jsonItem(text, { row, line });
  }
  if (row === 0) throw new ImportFileError('the file is empty: one item in JSON is needed on each line');
}

async function* linesOf(source: Readable): AsyncGenerator<string> {
  let [rest, line] = ['', 0];
  for await (const piece of source.setEncoding('utf8') as AsyncIterable<string>) {
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
  const where = { place, names: JSON_NAMES };
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const reason = `is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { ...where, texts: null, faults: [{ column: '(item)', reason }] };
  }
  const read = jsonTexts(value);
  return 'faults' in read ? { ...where, texts: null, faults: read.faults } : { ...where, texts: read, faults: [] };
}

async function* readIndex({ open, language }: ImportSource, facts: SourceFacts): AsyncGenerator<SourceItem> {
  const reader: IndexReader = new IndexReader(language, () => stream.line);
  const stream = new XmlStream(reader);
  const decoder = new Utf8Stream();
  let row = 0;
  const taken = function* (): Generator<SourceItem> {
    for (const { line, texts, faults } of reader.taken()) {
      row++;
      yield { place: { row, line }, names: CXML_NAMES, texts, faults };
    }
  };
  try {
    for await (const chunk of open() as AsyncIterable<Buffer>) {
      stream.write(decoder.decode(chunk));
      yield* taken();
    }
    stream.write(decoder.decode());
    stream.end();
    yield* taken();
    reader.finish();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new ImportFileError(`the file can't be read as cXML: ${error.withValue}`, { cause: error });
  }
  facts.loadMode = reader.loadMode;
  facts.ignored = reader.ignored;
}
