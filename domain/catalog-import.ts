/** The rules of an imported row: what a column may hold, and what stands in for what is missing. */
import {
  ATTRIBUTES_BYTES_MAX,
  type CatalogItem,
  DESCRIPTION_LENGTH_MAX,
  EVERYONE,
  ITEM_DEFAULTS,
  SKU_LENGTH_MAX,
} from './catalog';
import { isCurrency, parseAmount } from './money';

/** What is wrong with one row; `line` counts from 1, the header's line included. */
export interface RowFault {
  readonly line: number;
  readonly column: string;
  readonly reason: string;
}

export class HeaderError extends Error {}

const ATTRIBUTE_PREFIX = 'attribute:';
const PRICE_COLUMN = /^price(?:_([a-z]{3}))?$/;
const KNOWN = new Set([
  ...['sku', 'description', 'currency', 'unit_of_measure', 'classification_domain', 'classification_code'],
  ...['lead_time_days', 'audience', 'first_sold'],
]);
// Control characters can't travel in XML.
const CONTROL = /[\u0000-\u001f\u007f\ufffe\uffff]/;
const LEAD_TIME_MAX_DAYS = 3650;
const CODE_FORM = /^[A-Z0-9]{1,8}$/;

export interface ImportHeader {
  readonly priceColumn: string;
  /** From the price column's name, or null when rows or the store say it. */
  readonly currency: string | null;
  readonly attributeColumns: readonly string[];
}

/** Checks the columns; the error names the unknown or missing one and what is allowed. */
export function readHeader(columns: readonly string[]): ImportHeader {
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new HeaderError(`column "${twice}" stands twice in the header`);
  const prices = columns.filter((column) => PRICE_COLUMN.test(column));
  const attributeColumns = columns.filter((column) => column.startsWith(ATTRIBUTE_PREFIX));
  const unknown = columns.filter(
    (column) => !KNOWN.has(column) && !prices.includes(column) && !attributeColumns.includes(column),
  );
  if (unknown.length > 0) {
    const allowed = [...KNOWN, 'price', 'price_<currency>', `${ATTRIBUTE_PREFIX}<name>`].join(', ');
    throw new HeaderError(`unknown column "${unknown.join('", "')}"; allowed: ${allowed}`);
  }
  for (const needed of ['sku', 'description']) {
    if (!columns.includes(needed)) throw new HeaderError(`column "${needed}" is missing from the header`);
  }
  const [priceColumn] = prices;
  if (priceColumn === undefined || prices.length > 1) {
    throw new HeaderError(
      `exactly one price column is needed ("price" or "price_gbp"); found: ${prices.join(', ') || 'none'}`,
    );
  }
  const currency = PRICE_COLUMN.exec(priceColumn)?.[1]?.toUpperCase() ?? null;
  if (currency !== null && !isCurrency(currency))
    throw new HeaderError(`column "${priceColumn}" names no currency of ISO 4217`);
  return { priceColumn, currency, attributeColumns };
}

export type ReadRow =
  { readonly item: CatalogItem; readonly defaults: readonly string[] } | { readonly faults: readonly RowFault[] };

/** One row as an item, or everything that is wrong with it. */
export function readRow(
  row: Readonly<Record<string, string>>,
  line: number,
  header: ImportHeader,
  storeCurrency: string,
): ReadRow {
  const faults: RowFault[] = [];
  const defaults: string[] = [];
  const fault = (column: string, reason: string) => void faults.push({ line, column, reason });
  const text = (column: string) => (row[column] ?? '').trim();
  const orDefault = (column: string, value: string) => {
    if (text(column) !== '') return text(column);
    defaults.push(column);
    return value;
  };
  for (const [column, value] of Object.entries(row)) {
    if (CONTROL.test(value)) fault(column, 'holds a control character: remove it');
  }
  const sku = text('sku');
  if (sku === '') fault('sku', 'is empty');
  else if (sku.length > SKU_LENGTH_MAX) fault('sku', `has ${sku.length} characters: at most ${SKU_LENGTH_MAX}`);
  const description = text('description');
  if (description === '') fault('description', 'is empty');
  else if (description.length > DESCRIPTION_LENGTH_MAX) {
    fault('description', `has ${description.length} characters: at most ${DESCRIPTION_LENGTH_MAX}`);
  }
  const priceText = text(header.priceColumn);
  const price = parseAmount(priceText);
  if (price === null)
    fault(header.priceColumn, `is "${priceText}": a decimal of at most four places is needed, as in "12.50"`);
  const currency = header.currency ?? (text('currency') || storeCurrency);
  if (currency !== storeCurrency) fault('currency', `is "${currency}": the store sells in ${storeCurrency}`);
  const unitOfMeasure = orDefault('unit_of_measure', ITEM_DEFAULTS.unitOfMeasure);
  if (!CODE_FORM.test(unitOfMeasure)) fault('unit_of_measure', `is "${unitOfMeasure}": a code such as EA is needed`);
  const code = orDefault('classification_code', ITEM_DEFAULTS.classification.code);
  const domain = orDefault('classification_domain', ITEM_DEFAULTS.classification.domain);
  const leadTime = orDefault('lead_time_days', String(ITEM_DEFAULTS.leadTimeDays));
  if (!/^\d{1,4}$/.test(leadTime) || Number(leadTime) > LEAD_TIME_MAX_DAYS) {
    fault('lead_time_days', `is "${leadTime}": whole days up to ${LEAD_TIME_MAX_DAYS} are needed`);
  }
  const attributes = attributesOf(row, header);
  const attributesBytes = Buffer.byteLength(JSON.stringify(attributes));
  if (attributesBytes > ATTRIBUTES_BYTES_MAX) {
    fault('attribute:…', `attributes have ${attributesBytes} bytes together: at most ${ATTRIBUTES_BYTES_MAX}`);
  }
  if (faults.length > 0 || price === null) return { faults };
  return {
    item: {
      ...{ sku, description, price, currency, unitOfMeasure, attributes },
      classification: { domain, code },
      leadTimeDays: Number(leadTime),
      audience: text('audience') || EVERYONE,
    },
    defaults,
  };
}

function attributesOf(row: Readonly<Record<string, string>>, header: ImportHeader): Record<string, string> {
  return Object.fromEntries(
    header.attributeColumns
      .map((column) => [column.slice(ATTRIBUTE_PREFIX.length), (row[column] ?? '').trim()] as const)
      .filter(([, value]) => value !== ''),
  );
}
