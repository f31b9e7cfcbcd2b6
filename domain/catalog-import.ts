/** The rules of an imported item, whatever its format: what a value may be, and what stands in for what is missing. */
import {
  ATTRIBUTES_BYTES_MAX,
  type CatalogItem,
  DESCRIPTION_LENGTH_MAX,
  EVERYONE,
  ITEM_DEFAULTS,
  SKU_LENGTH_MAX,
} from './catalog';
import { parseAmount } from './money';

/** `csv`: a heading and a row an item; `json`: a list of items; `ndjson`: an item a line. */
export const IMPORT_FORMATS = ['csv', 'json', 'ndjson'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** Where an item stands in its file, both counted from 1. */
export interface ItemPlace {
  /** Its number among the file's items. */
  readonly row: number;
  readonly line: number;
}

/** What is wrong with one value of an item; `column` is the format's own name of it. */
export interface RowFault extends ItemPlace {
  readonly column: string;
  readonly reason: string;
}

/** The file as a whole can't be used; the message says why and what is needed. */
export class ImportFileError extends Error {}

export const ITEM_FIELDS = [
  ...(['sku', 'description', 'price', 'currency', 'unitOfMeasure'] as const),
  ...(['classificationDomain', 'classificationCode', 'leadTimeDays', 'audience'] as const),
] as const;
export type ItemField = (typeof ITEM_FIELDS)[number];

/** What a format calls the fields, and what it puts before the name of an attribute. */
export type FieldNames = Readonly<Record<ItemField | 'attribute', string>>;

/** An item as its source says it: all text, nothing checked; what is absent is empty. */
export interface ItemTexts {
  readonly fields: Readonly<Partial<Record<ItemField, string>>>;
  readonly attributes: Readonly<Record<string, string>>;
}

export type ReadItem =
  { readonly item: CatalogItem; readonly defaults: readonly string[] } | { readonly faults: readonly RowFault[] };

// Control characters can't travel in XML.
const CONTROL = /[\u0000-\u001f\u007f\ufffe\uffff]/;
const LEAD_TIME_MAX_DAYS = 3650;
const CODE_FORM = /^[A-Z0-9]{1,8}$/;

/** One item, or everything that is wrong with it. */
export function readItem(
  { fields, attributes }: ItemTexts,
  names: FieldNames,
  place: ItemPlace,
  storeCurrency: string,
): ReadItem {
  const faults: RowFault[] = [];
  const defaults: string[] = [];
  const fault = (column: string, reason: string) => void faults.push({ ...place, column, reason });
  const text = (field: ItemField) => (fields[field] ?? '').trim();
  const orDefault = (field: ItemField, value: string) => {
    if (text(field) !== '') return text(field);
    defaults.push(names[field]);
    return value;
  };
  for (const field of ITEM_FIELDS) {
    if (CONTROL.test(fields[field] ?? '')) fault(names[field], 'holds a control character: remove it');
  }
  const sku = text('sku');
  if (sku === '') fault(names.sku, 'is empty');
  else if (sku.length > SKU_LENGTH_MAX) fault(names.sku, `has ${sku.length} characters: at most ${SKU_LENGTH_MAX}`);
  const description = text('description');
  if (description === '') fault(names.description, 'is empty');
  else if (description.length > DESCRIPTION_LENGTH_MAX) {
    fault(names.description, `has ${description.length} characters: at most ${DESCRIPTION_LENGTH_MAX}`);
  }
  const priceText = text('price');
  const price = parseAmount(priceText);
  if (price === null)
    fault(names.price, `is "${priceText}": a decimal of at most four places is needed, as in "12.50"`);
  const currency = text('currency') || storeCurrency;
  if (currency !== storeCurrency) fault(names.currency, `is "${currency}": the store sells in ${storeCurrency}`);
  const unitOfMeasure = orDefault('unitOfMeasure', ITEM_DEFAULTS.unitOfMeasure);
  if (!CODE_FORM.test(unitOfMeasure)) {
    fault(names.unitOfMeasure, `is "${unitOfMeasure}": a code such as EA is needed`);
  }
  const code = orDefault('classificationCode', ITEM_DEFAULTS.classification.code);
  const domain = orDefault('classificationDomain', ITEM_DEFAULTS.classification.domain);
  const leadTime = orDefault('leadTimeDays', String(ITEM_DEFAULTS.leadTimeDays));
  if (!/^\d{1,4}$/.test(leadTime) || Number(leadTime) > LEAD_TIME_MAX_DAYS) {
    fault(names.leadTimeDays, `is "${leadTime}": whole days up to ${LEAD_TIME_MAX_DAYS} are needed`);
  }
  const kept = readAttributes(attributes, names, fault);
  if (faults.length > 0 || price === null) return { faults };
  return {
    item: {
      ...{ sku, description, price, currency, unitOfMeasure, attributes: kept },
      classification: { domain, code },
      leadTimeDays: Number(leadTime),
      audience: text('audience') || EVERYONE,
    },
    defaults,
  };
}

function readAttributes(
  attributes: Readonly<Record<string, string>>,
  names: FieldNames,
  fault: (column: string, reason: string) => void,
): Record<string, string> {
  for (const [name, value] of Object.entries(attributes)) {
    // A document's reader could not keep it apart from what every object has.
    if (name === '' || name === '__proto__') fault(names.attribute + name, 'names no attribute: give it another name');
    if (CONTROL.test(name + value)) fault(names.attribute + name, 'holds a control character: remove it');
  }
  const kept = Object.fromEntries(
    Object.entries(attributes)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ''),
  );
  const bytes = Buffer.byteLength(JSON.stringify(kept));
  if (bytes > ATTRIBUTES_BYTES_MAX) {
    fault(`${names.attribute}…`, `attributes have ${bytes} bytes together: at most ${ATTRIBUTES_BYTES_MAX}`);
  }
  return kept;
}
