/** Items as rows of CSV: which columns there may be, and what they mean. */
import { type FieldNames, ITEM_FIELDS, ImportFileError, type ItemField, type ItemTexts } from './catalog-import';
import { isCurrency } from './money';

const ATTRIBUTE_PREFIX = 'attribute:';
const PRICE_COLUMN = /^price(?:_([a-z]{3}))?$/;

const COLUMNS = {
  sku: 'sku',
  description: 'description',
  currency: 'currency',
  unitOfMeasure: 'unit_of_measure',
  classificationDomain: 'classification_domain',
  classificationCode: 'classification_code',
  leadTimeDays: 'lead_time_days',
  audience: 'audience',
  groupPrices: 'group_prices',
  priceFrom: 'price_from',
  withdraw: 'withdraw',
} as const satisfies Partial<Record<ItemField, string>>;

/** Columns that are taken and mean nothing here. */
const IGNORED = ['first_sold'];
const KNOWN = new Set<string>([...Object.values(COLUMNS), ...IGNORED]);

export interface CsvHeader {
  readonly names: FieldNames;
  /** From the price column's name, or null when rows or the store say it. */
  readonly currency: string | null;
  readonly attributeColumns: readonly string[];
}

/**
 * Checks the columns; the error names the unknown or missing one and what is allowed. Where rows may say less than a
 * whole item (`partial`, or because they may withdraw one), only the sku's column must be there.
 */
export function readCsvHeader(columns: readonly string[], partial: boolean): CsvHeader {
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new ImportFileError(`column "${twice}" stands twice in the header`);
  const prices = columns.filter((column) => PRICE_COLUMN.test(column));
  const attributeColumns = columns.filter((column) => column.startsWith(ATTRIBUTE_PREFIX));
  const unknown = columns.filter(
    (column) => !KNOWN.has(column) && !prices.includes(column) && !attributeColumns.includes(column),
  );
  if (unknown.length > 0) {
    const allowed = [...KNOWN, 'price', 'price_<currency>', `${ATTRIBUTE_PREFIX}<name>`].join(', ');
    throw new ImportFileError(`unknown column "${unknown.join('", "')}"; allowed: ${allowed}`);
  }
  const whole = !partial && !columns.includes(COLUMNS.withdraw);
  for (const needed of whole ? [COLUMNS.sku, COLUMNS.description] : [COLUMNS.sku]) {
    if (!columns.includes(needed)) throw new ImportFileError(`column "${needed}" is missing from the header`);
  }
  if (prices.length > 1 || (whole && prices.length === 0)) {
    throw new ImportFileError(
      `exactly one price column is needed ("price" or "price_gbp"); found: ${prices.join(', ') || 'none'}`,
    );
  }
  const [price = 'price'] = prices;
  const currency = PRICE_COLUMN.exec(price)?.[1]?.toUpperCase() ?? null;
  if (currency !== null && !isCurrency(currency))
    throw new ImportFileError(`column "${price}" names no currency of ISO 4217`);
  return { names: { ...COLUMNS, price, attribute: ATTRIBUTE_PREFIX }, currency, attributeColumns };
}

/** What one row says, by field. */
export function csvTexts(row: Readonly<Record<string, string>>, header: CsvHeader): ItemTexts {
  const { names, currency, attributeColumns } = header;
  const fields = Object.fromEntries(ITEM_FIELDS.map((field) => [field, row[names[field]] ?? '']));
  const attributes = attributeColumns.map((column): [string, string] => [
    column.slice(ATTRIBUTE_PREFIX.length),
    row[column] ?? '',
  ]);
  return {
    fields: currency === null ? fields : { ...fields, currency },
    // An empty cell says nothing.
    attributes: Object.fromEntries(attributes.filter(([, value]) => value !== '')),
  };
}
