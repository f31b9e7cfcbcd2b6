/**
 * Reading an Index that somebody outside has written (cXML 1.2.063), as it streams in: alone, or in a
 * SubscriptionContentResponse. What it says is taken as texts, for the rules of every import to judge; what a catalogue
 * item has no place for is counted by name. (catalog-reader.ts reads the documents between sites.)
 */
import { type FieldNames, type ItemField, type ItemTexts, type LoadMode } from '../domain/catalog-import';
import { XmlError } from './reader';

/** What an import's report calls the fields. */
export const CXML_NAMES: FieldNames = {
  sku: 'SupplierPartID',
  description: 'Description',
  price: 'UnitPrice',
  currency: 'Money/@currency',
  unitOfMeasure: 'UnitOfMeasure',
  classificationDomain: 'Classification/@domain',
  classificationCode: 'Classification',
  leadTimeDays: 'LeadTime',
  audience: 'audience',
  groupPrices: 'groupPrices',
  priceFrom: 'EffectiveDate',
  withdraw: 'IndexItemDelete',
  attribute: 'Extrinsic ',
};

export interface IndexEntry {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly texts: ItemTexts;
  /** What no value of an item could say. */
  readonly faults: readonly { readonly column: string; readonly reason: string }[];
}

/** Longest item, in characters of text. */
const ENTRY_LENGTH_MAX = 65_536;

const ENTRY_ELEMENTS: readonly string[] = ['IndexItemAdd', 'IndexItemDelete', 'IndexItemPunchout'];
const CONTENT_ELEMENTS: readonly string[] = ['ItemID', 'ItemDetail', 'IndexItemDetail', 'PunchoutDetail'];
/** Elements of an item that become attributes of the same name. */
const ATTRIBUTE_ELEMENTS: readonly string[] = ['ManufacturerPartID', 'ManufacturerName', 'URL'];
const TAKEN: ReadonlySet<string> = new Set([
  ...['SupplierPartID', 'UnitPrice', 'Description', 'UnitOfMeasure', 'PriceBasisQuantity', 'Classification'],
  ...['LeadTime', 'EffectiveDate', 'Extrinsic', ...ATTRIBUTE_ELEMENTS],
]);
/** What may stand where an Index should, and is none. */
const NO_INDEX: Readonly<Record<string, string>> = {
  CIFContent: 'the document holds a CIFContent: send its items as an Index',
  Contract: 'the document holds a Contract: send its items as an Index',
  CatalogUploadRequest:
    'a CatalogUploadRequest comes as multipart/related, with the Index in the part that its Attachment names by cid:',
};
const CLASSIFICATION_PREFERRED = 'UNSPSC';

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

interface OpenEntry {
  readonly element: string;
  readonly line: number;
  length: number;
  readonly fields: Partial<Record<ItemField, string>>;
  readonly attributes: [string, string][];
  readonly faults: { column: string; reason: string }[];
  /** A description in the language that is wanted was met. */
  described: boolean;
}

/** Handlers for an XmlStream; `taken` hands over what has been read since the last time. */
export class IndexReader {
  private readonly path: OpenElement[] = [];
  private entry: OpenEntry | null = null;
  private entries: IndexEntry[] = [];
  private entriesOfItem = new Set<string>();
  private mode: LoadMode | null = null;
  private found = false;
  /** How often each element was met that an item has no place for. */
  readonly ignored: Record<string, number> = {};

  /** `language` is the one that descriptions are wanted in; `line` says where the parser is. */
  constructor(
    private readonly language: string,
    private readonly line: () => number,
  ) {}

  /** What the Index says of itself; null where it does not. */
  get loadMode(): LoadMode | null {
    return this.mode;
  }

  taken(): IndexEntry[] {
    const { entries } = this;
    this.entries = [];
    return entries;
  }

  /** To be called after the last piece. */
  finish(): void {
    if (!this.found)
      throw new XmlError('the document holds no Index: send one, alone or in a SubscriptionContentResponse');
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.path.at(-1)?.name;
    const refusal = NO_INDEX[name];
    if (refusal !== undefined && this.entry === null) throw new XmlError(refusal);
    this.path.push({ name, attributes, text: '' });
    if (name === 'Index') this.openIndex(attributes);
    else if (name === 'IndexItem') this.entriesOfItem = new Set();
    else if (parent === 'IndexItem' && ENTRY_ELEMENTS.includes(name)) this.openEntry(name);
    else if (this.entry && parent !== undefined && CONTENT_ELEMENTS.includes(parent) && !TAKEN.has(name)) {
      this.ignored[name] = (this.ignored[name] ?? 0) + 1;
    }
  }

  text(piece: string): void {
    const current = this.path.at(-1);
    if (!current || !this.entry) return;
    current.text += piece;
    this.entry.length += piece.length;
    if (this.entry.length > ENTRY_LENGTH_MAX) {
      throw new XmlError(
        `the item that begins on line ${this.entry.line} has more than ${ENTRY_LENGTH_MAX} characters`,
      );
    }
  }

  close(): void {
    const element = this.path.pop();
    const [parent, grandparent] = [this.path.at(-1), this.path.at(-2)];
    if (!element || !this.entry) return;
    if (element.name === this.entry.element && parent?.name === 'IndexItem') this.closeEntry(this.entry);
    else if (parent && CONTENT_ELEMENTS.includes(parent.name)) this.take(this.entry, element);
    else if (element.name === 'Money' && parent?.name === 'UnitPrice' && grandparent?.name === 'ItemDetail') {
      this.entry.fields.price = element.text;
      this.entry.fields.currency = element.attributes['currency'] ?? '';
    }
  }

  private openIndex({ loadmode }: Readonly<Record<string, string>>): void {
    if (loadmode !== undefined && loadmode !== 'Full' && loadmode !== 'Incremental') {
      throw new XmlError('Index/@loadmode: Full or Incremental is needed', { value: loadmode });
    }
    const mode = loadmode === undefined ? null : loadmode === 'Full' ? 'full' : 'incremental';
    if (this.found && mode !== this.mode) {
      throw new XmlError('the document holds several Index elements of different loadmode: send each by itself');
    }
    this.found = true;
    this.mode = mode;
  }

  private openEntry(name: string): void {
    this.entriesOfItem.add(name);
    if (this.entriesOfItem.size > 1) {
      const held = [...this.entriesOfItem].join(' and ');
      throw new XmlError(`the IndexItem at line ${this.line()} holds ${held}: give each an IndexItem of its own`);
    }
    this.entry = {
      element: name,
      line: this.line(),
      length: 0,
      fields: {},
      attributes: [],
      faults: [],
      described: false,
    };
    if (name === 'IndexItemDelete') this.entry.fields.withdraw = 'true';
    if (name === 'IndexItemPunchout') {
      const reason = 'is not taken: this site sells what it holds; send the item as an IndexItemAdd';
      this.entry.faults.push({ column: name, reason });
    }
  }

  private closeEntry({ line, fields, attributes, faults }: OpenEntry): void {
    this.entries.push({ line, texts: { fields, attributes: Object.fromEntries(attributes) }, faults });
    this.entry = null;
  }

  /** An element directly in ItemID, ItemDetail or IndexItemDetail. */
  private take(entry: OpenEntry, element: OpenElement): void {
    const { name, attributes } = element;
    const text = element.text.trim();
    const { fields } = entry;
    if (name === 'SupplierPartID') fields.sku = text;
    else if (name === 'Description') this.takeDescription(entry, attributes, text);
    else if (name === 'UnitOfMeasure') fields.unitOfMeasure = text;
    else if (name === 'Classification') takeClassification(fields, attributes, text);
    else if (name === 'LeadTime') fields.leadTimeDays ??= text;
    else if (name === 'EffectiveDate') fields.priceFrom = text;
    else if (name === 'PriceBasisQuantity') refuseOtherBasis(entry, attributes);
    else if (name === 'Extrinsic') entry.attributes.push([attributes['name'] ?? '', text]);
    else if (ATTRIBUTE_ELEMENTS.includes(name)) entry.attributes.push([name, text]);
  }

  /** The first in the store's language, else the first. */
  private takeDescription(entry: OpenEntry, attributes: OpenElement['attributes'], text: string): void {
    const wanted = primaryLanguage(attributes['xml:lang'] ?? '') === primaryLanguage(this.language);
    if (entry.fields.description === undefined || (wanted && !entry.described)) entry.fields.description = text;
    entry.described ||= wanted;
  }
}

/** "en" of "en-GB". */
function primaryLanguage(language: string): string {
  return language.split('-')[0]?.toLowerCase() ?? '';
}

/** The one of UNSPSC, else the first. */
function takeClassification(
  fields: OpenEntry['fields'],
  { domain = '', code }: Readonly<Record<string, string>>,
  text: string,
): void {
  const preferred = domain.toUpperCase() === CLASSIFICATION_PREFERRED;
  if (fields.classificationCode !== undefined && !preferred) return;
  fields.classificationDomain = domain;
  fields.classificationCode = code ?? text;
}

/** A price for so many of another unit is not the price of one. */
function refuseOtherBasis(
  entry: OpenEntry,
  { quantity = '1', conversionFactor = '1' }: OpenElement['attributes'],
): void {
  if (Number(quantity) === 1 && Number(conversionFactor) === 1) return;
  const reason = `is ${quantity} with conversionFactor ${conversionFactor}: state the price of one UnitOfMeasure`;
  entry.faults.push({ column: 'PriceBasisQuantity', reason });
}
