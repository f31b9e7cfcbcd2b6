/** The rules of an imported item, whatever its format: what a value may be, and what stands in for what is missing. */
import { GROUPS_MAX, type GroupNames, formatAudience } from './audience';
import {
  ATTRIBUTES_BYTES_MAX,
  type CatalogItem,
  DESCRIPTION_LENGTH_MAX,
  ITEM_DEFAULTS,
  SKU_LENGTH_MAX,
} from './catalog';
import { parseAmount } from './money';
import { parseTime } from './times';

/** `csv`: a heading and a row an item; `json`: a list of items; `ndjson`: an item a line; `cxml`: an Index. */
export const IMPORT_FORMATS = ['csv', 'json', 'ndjson', 'cxml'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/**
 * `incremental`: what the file does not name stays; `full`: it goes; `partial`: as incremental, and of an item that is
 * there also each value that the file does not give.
 */
export const LOAD_MODES = ['incremental', 'full', 'partial'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

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
  ...(['classificationDomain', 'classificationCode', 'leadTimeDays', 'audience', 'groupPrices'] as const),
  ...(['priceFrom', 'withdraw'] as const),
] as const;
export type ItemField = (typeof ITEM_FIELDS)[number];

/** What a format calls the fields, and what it puts before the name of an attribute. */
export type FieldNames = Readonly<Record<ItemField | 'attribute', string>>;

/** An item as its source says it: all text, nothing checked; what is absent is empty. */
export interface ItemTexts {
  readonly fields: Readonly<Partial<Record<ItemField, string>>>;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface WholeItem {
  readonly item: CatalogItem;
  /** Milliseconds UTC; null for at once. */
  readonly priceFrom: number | null;
  /** What was left out and has a value that stands in for it, by the format's name. */
  readonly defaults: readonly string[];
}

export interface BadItem {
  readonly faults: readonly RowFault[];
  /** Which item it is about, as far as that can be read. */
  readonly sku: string | null;
}

export type ReadItem = WholeItem | { readonly withdrawn: string } | BadItem;

// Control characters can't travel in XML.
const CONTROL = /[\u0000-\u001f\u007f\ufffe\uffff]/;
const LEAD_TIME_MAX_DAYS = 3650;
const CODE_FORM = /^[A-Z0-9]{1,8}$/;
/** Longest classification and its domain, in characters. */
const LABEL_LENGTH_MAX = 255;
const YES = 'true';
/** What lifts an audience and prices for groups, where nothing said leaves them as they are. */
const EVERYONE_WORD = 'everyone';
const NONE_WORD = 'none';
/** No group is called so. */
export const RESERVED_GROUPS: readonly string[] = [EVERYONE_WORD, NONE_WORD, 'nobody'];

/** What holds for all items of a store. */
export interface ItemRules {
  /** ISO 4217. */
  readonly currency: string;
  readonly groups: GroupNames;
}

/** One item, its withdrawal, or everything that is wrong with it. */
export function readItem(
  texts: ItemTexts,
  names: FieldNames,
  place: ItemPlace,
  { currency, groups }: ItemRules,
): ReadItem {
  const values = new ItemValues(texts, names, place, groups);
  values.refuseControlCharacters();
  const sku = values.needed('sku', SKU_LENGTH_MAX);
  const withdrawn = values.flag('withdraw');
  const whole = withdrawn ? null : readWhole(values, texts, names, sku, currency);
  const { faults, defaults } = values;
  if (faults.length > 0) return { faults, sku: sku === '' ? null : sku };
  return whole ? { ...whole, defaults } : { withdrawn: sku };
}

function readWhole(
  values: ItemValues,
  { attributes }: ItemTexts,
  names: FieldNames,
  sku: string,
  storeCurrency: string,
): Omit<WholeItem, 'defaults'> {
  const { unitOfMeasure, classification, leadTimeDays } = ITEM_DEFAULTS;
  return {
    item: {
      sku,
      description: values.needed('description', DESCRIPTION_LENGTH_MAX),
      price: values.price(),
      currency: values.currency(storeCurrency),
      unitOfMeasure: values.code('unitOfMeasure', unitOfMeasure),
      classification: {
        domain: values.label('classificationDomain', classification.domain),
        code: values.label('classificationCode', classification.code),
      },
      leadTimeDays: values.days('leadTimeDays', leadTimeDays),
      attributes: readAttributes(attributes, names, (column, reason) => values.fault(column, reason)),
      audience: values.audience(),
      ...values.groupPrices(),
    },
    priceFrom: values.time('priceFrom'),
  };
}

/** An item's texts as values; what is wrong with them gathers in `faults`, what stood in for them in `defaults`. */
class ItemValues {
  readonly faults: RowFault[] = [];
  readonly defaults: string[] = [];

  constructor(
    private readonly texts: ItemTexts,
    private readonly names: FieldNames,
    private readonly place: ItemPlace,
    private readonly groups: GroupNames,
  ) {}

  fault(column: string, reason: string): void {
    this.faults.push({ ...this.place, column, reason });
  }

  text(field: ItemField): string {
    return (this.texts.fields[field] ?? '').trim();
  }

  refuseControlCharacters(): void {
    for (const field of ITEM_FIELDS) {
      if (CONTROL.test(this.texts.fields[field] ?? '')) {
        this.fault(this.names[field], 'holds a control character: remove it');
      }
    }
  }

  needed(field: ItemField, lengthMax: number): string {
    const text = this.text(field);
    if (text === '') this.fault(this.names[field], 'is empty');
    return this.short(field, text, lengthMax);
  }

  price(): number {
    const text = this.text('price');
    const amount = parseAmount(text);
    if (amount === null) {
      this.fault(this.names.price, `is "${text}": a decimal of at most four places is needed, as in "12.50"`);
    }
    return amount ?? 0;
  }

  currency(ofStore: string): string {
    const text = this.text('currency') || ofStore;
    if (text !== ofStore) this.fault(this.names.currency, `is "${text}": the store sells in ${ofStore}`);
    return text;
  }

  code(field: ItemField, standIn: string): string {
    const text = this.orDefault(field, standIn);
    if (!CODE_FORM.test(text)) this.fault(this.names[field], `is "${text}": a code such as EA is needed`);
    return text;
  }

  label(field: ItemField, standIn: string): string {
    return this.short(field, this.orDefault(field, standIn), LABEL_LENGTH_MAX);
  }

  /** Groups by name or id, separated by commas or spaces. */
  audience(): string {
    const text = this.text('audience');
    const groups = (text === EVERYONE_WORD ? '' : text)
      .split(/[\s,]+/)
      .filter((name) => name !== '')
      .flatMap((name) => this.group('audience', name) ?? []);
    if (groups.length > GROUPS_MAX) {
      this.fault(this.names.audience, `names ${groups.length} groups: at most ${GROUPS_MAX}`);
    }
    return formatAudience(groups);
  }

  /** `gold=12.50, dealer=11.00`. */
  groupPrices(): Pick<CatalogItem, 'groupPrices'> {
    const prices: [string, number][] = [];
    for (const pair of this.text('groupPrices').split(/[\s,]+/)) {
      if (pair === '' || pair === NONE_WORD) continue;
      const [, name = '', text = ''] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
      const amount = parseAmount(text);
      if (amount === null)
        this.fault(this.names.groupPrices, `holds "${pair}": a group and its price are needed, as in "gold=12.50"`);
      const id = amount === null ? undefined : this.group('groupPrices', name);
      if (id !== undefined && amount !== null) prices.push([id, amount]);
    }
    return prices.length === 0 ? {} : { groupPrices: Object.fromEntries(prices) };
  }

  private group(field: ItemField, name: string): string | undefined {
    const id = this.groups.idOf(name);
    if (id === undefined) {
      this.fault(this.names[field], `names the user group "${name}", which there is not: ${this.groups.describe()}`);
    }
    return id;
  }

  days(field: ItemField, standIn: number): number {
    const text = this.orDefault(field, String(standIn));
    if (!/^\d{1,4}$/.test(text) || Number(text) > LEAD_TIME_MAX_DAYS) {
      this.fault(this.names[field], `is "${text}": whole days up to ${LEAD_TIME_MAX_DAYS} are needed`);
    }
    return Number(text);
  }

  time(field: ItemField): number | null {
    const text = this.text(field);
    const time = parseTime(text);
    if (text !== '' && time === null) {
      this.fault(this.names[field], `is "${text}": a time with its offset is needed, as in 2026-12-01T00:00:00Z`);
    }
    return time;
  }

  flag(field: ItemField): boolean {
    const text = this.text(field);
    if (text !== '' && text !== YES && text !== 'false') {
      this.fault(this.names[field], `is "${text}": true or false is needed`);
    }
    return text === YES;
  }

  private orDefault(field: ItemField, standIn: string): string {
    const text = this.text(field);
    if (text !== '') return text;
    this.defaults.push(this.names[field]);
    return standIn;
  }

  private short(field: ItemField, text: string, lengthMax: number): string {
    if (text.length > lengthMax) {
      this.fault(this.names[field], `has ${text.length} characters: at most ${lengthMax}`);
    }
    return text;
  }
}

/** What is given on top of what is there; an attribute that is given as empty goes. */
export function textsOnTop(standing: ItemTexts, given: ItemTexts): ItemTexts {
  const said = Object.entries(given.fields).filter(([, text]) => text.trim() !== '');
  return {
    fields: { ...standing.fields, ...Object.fromEntries(said) },
    attributes: { ...standing.attributes, ...given.attributes },
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
