/** Reading a SubscriptionContentResponse as it streams in: memory holds one batch of items, whatever the catalogue. */
import { type CatalogItem } from '../domain/catalog';
import { GROUP_ID_PATTERN } from '../domain/audience';
import { parseAmount } from '../domain/money';
import { AUDIENCE_DATA, GROUP_PRICE_DATA, type IndexHead, readIndexComment } from './catalog';
import { OpenItem, needSku } from './open-item';
import { Utf8Stream, XmlError, XmlStream, needInteger } from './reader';
import { ITEM_START, WrittenItems } from './written-item';

export interface IndexHandlers {
  /** Called once, before the first item. */
  head(head: IndexHead): Promise<void> | void;
  /** Items and withdrawn skus in the document's order. */
  batch(items: readonly CatalogItem[], withdrawn: readonly string[]): Promise<void> | void;
}

/**
 * Items handed over at a time: always as many, but for the last, so that statements are of few shapes; and so few that they
 * are written before the collector of short-lived objects has met them twice.
 */
const BATCH_ITEMS = 100;
/** Bytes looked at together: an item that the end of a piece cuts is read by the parser, the slower way. */
const PIECE_BYTES_MIN = 131_072;

/**
 * The parser cuts each name out of the text anew; one look-up makes it the same string every time, which is compared by
 * its address.
 */
const NAMES: ReadonlyMap<string, string> = new Map(
  [
    ...['Status', 'Subscription', 'InternalID', 'Index', 'Comments', 'IndexItem', 'IndexItemAdd', 'IndexItemDelete'],
    ...['IndexItemPunchout', 'ItemID', 'SupplierPartID', 'ItemDetail', 'UnitPrice', 'Money', 'Description'],
    ...['UnitOfMeasure', 'Classification', 'LeadTime', 'Extrinsic', 'IndexItemDetail', 'SearchGroupData', 'Name'],
    ...['SearchDataElement'],
  ].map((name) => [name, name]),
);

/**
 * Reads the document from its bytes. Answers the status code: 200 with `handlers` called, or 204 when nothing changed.
 */
export async function readContentResponse(bytes: AsyncIterable<Uint8Array>, handlers: IndexHandlers): Promise<number> {
  const reader = new IndexReader();
  const stream = new XmlStream(reader);
  for await (const piece of pieces(bytes)) {
    readPiece(stream, reader, piece);
    await reader.handOver(handlers, BATCH_ITEMS);
  }
  stream.end();
  if (stream.root !== 'cXML') throw new XmlError(`the document is a "${stream.root ?? 'nothing'}": cXML is needed`);
  await reader.handOver(handlers, 1);
  return reader.finish();
}

async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new Utf8Stream();
  // Joined as bytes: strings joined would be copied once more when they are first looked into.
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < PIECE_BYTES_MIN) continue;
    yield decoder.decode(Buffer.concat(chunks));
    chunks = [];
    size = 0;
  }
  yield decoder.decode(Buffer.concat(chunks)) + decoder.decode();
}

/** Items that stand as they are written go past the parser, which reads everything else. */
function readPiece(stream: XmlStream, reader: IndexReader, piece: string): void {
  const items = new WrittenItems(piece);
  for (;;) {
    const from = items.at;
    if (stream.isBetweenTags && reader.isBetweenItems) {
      for (let item = items.next(); item; item = items.next()) reader.takeItem(item);
      stream.pass(piece.slice(from, items.at));
    }
    if (items.at === piece.length) return;
    const start = piece.indexOf(ITEM_START, items.at + 1);
    const end = start < 0 ? piece.length : start;
    stream.write(piece.slice(items.at, end));
    items.at = end;
  }
}

class IndexReader {
  private readonly path: string[] = [];
  private characters = '';
  private catalog = '';
  private loadmode: IndexHead['loadmode'] = 'Full';
  private status = 0;
  private head: IndexHead | null = null;
  private headTold = false;
  private item: OpenItem | null = null;
  private extrinsic = '';
  private groupData = '';
  private items: CatalogItem[] = [];
  private withdrawn: string[] = [];

  /** Where an item may begin. */
  get isBetweenItems(): boolean {
    return this.path.at(-1) === 'Index';
  }

  takeItem(item: OpenItem | null): void {
    if (item) this.items.push(item.finished());
    this.item = null;
  }

  open(opened: string, attributes: Readonly<Record<string, string>>): void {
    const name = NAMES.get(opened) ?? opened;
    this.path.push(name);
    this.characters = '';
    if (name === 'Status') this.status = needInteger(attributes['code'] ?? '', 'Status/@code');
    else if (name === 'Index') this.loadmode = attributes['loadmode'] === 'Incremental' ? 'Incremental' : 'Full';
    else if (name === 'IndexItemAdd' || name === 'IndexItemDelete') this.item = new OpenItem();
    else if (name === 'IndexItemPunchout')
      throw new XmlError('the Index holds an IndexItemPunchout: only adds and deletes are taken');
    else if (name === 'SearchGroupData') this.groupData = '';
    else if (name === 'SearchDataElement') this.takeGroup(attributes);
    else if (name === 'Extrinsic') this.extrinsic = attributes['name'] ?? '';
    else if (name === 'Money' && this.item) this.item.currency = attributes['currency'] ?? '';
    else if (name === 'Classification' && this.item) this.item.classificationDomain = attributes['domain'] ?? '';
  }

  text(piece: string): void {
    this.characters += piece;
  }

  close(): void {
    const name = this.path.pop();
    const parent = this.path.at(-1);
    if (name === 'InternalID' && parent === 'Subscription') this.catalog = this.characters.trim();
    else if (name === 'Comments' && parent === 'Index')
      this.head = readIndexComment(this.characters, this.catalog, this.loadmode);
    else if (name === 'IndexItemAdd') this.takeItem(this.item);
    else if (name === 'IndexItemDelete') this.withdrawn.push(needSku(this.item));
    else if (this.item) this.take(this.item, name, parent);
    this.characters = '';
  }

  private take(item: OpenItem, name: string | undefined, parent: string | undefined): void {
    if (name === 'SupplierPartID') item.sku = this.characters;
    else if (name === 'Money') item.price = this.characters;
    else if (name === 'Description' && parent === 'ItemDetail') item.description = this.characters;
    else if (name === 'UnitOfMeasure') item.unitOfMeasure = this.characters;
    else if (name === 'Classification') item.classification = this.characters;
    else if (name === 'LeadTime') item.leadTime = this.characters;
    else if (name === 'Name' && parent === 'SearchGroupData') this.groupData = this.characters;
    else if (name === 'Extrinsic') item.attributes.push([this.extrinsic, this.characters]);
  }

  private takeGroup({ name: group = '', value = '' }: Readonly<Record<string, string>>): void {
    const { item } = this;
    if (!item) return;
    if (!GROUP_ID_PATTERN.test(group))
      throw new XmlError(`item "${item.sku}": a group's id is needed`, { value: group });
    const price = parseAmount(value);
    if (this.groupData === AUDIENCE_DATA) (item.groups ??= []).push(group);
    else if (this.groupData === GROUP_PRICE_DATA && price !== null) (item.groupPrices ??= []).push([group, price]);
    else throw new XmlError(`item "${item.sku}": SearchGroupData "${this.groupData}"`, { value });
  }

  async handOver(handlers: IndexHandlers, atLeast: number): Promise<void> {
    if (this.head && !this.headTold) {
      this.headTold = true;
      await handlers.head(this.head);
    }
    while (this.items.length + this.withdrawn.length >= atLeast) {
      if (!this.head) throw new XmlError('the Index has no Comments with its revisions before its first item');
      const items = this.items.splice(0, BATCH_ITEMS);
      await handlers.batch(items, this.withdrawn.splice(0, BATCH_ITEMS - items.length));
    }
  }

  finish(): number {
    if (this.status === 200 && !this.head) throw new XmlError('the answer has Status 200 but no Index');
    return this.status;
  }
}
