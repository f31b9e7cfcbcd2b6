/**
 * Catalogues on the wire: cXML's own subscription transactions (cXML 1.2.063; design, section 5). A revision is
 * announced by SubscriptionChangeMessage, asked for by SubscriptionContentRequest and answered with an Index in a
 * SubscriptionContentResponse. User groups stand in an item's SearchGroupData, by ids that mean nothing elsewhere, and
 * only those that the receiver serves.
 */
import { groupsIn } from '../domain/audience';
import { type CatalogItem, EVERYONE, sortedEntries } from '../domain/catalog';
import { type Envelope } from '../domain/documents';
import { formatAmount } from '../domain/money';
import { END_DOCUMENT, dateTime, header, readEnvelope, startDocument } from './envelope';
import { XmlError, find, need, needAttribute, needInteger, parseXml } from './reader';
import { element, escapeAttribute, escapeText, textElement } from './writer';

/** What a catalogue document says of itself. */
export interface IndexHead {
  readonly catalog: string;
  /** Full: what it does not hold goes. Incremental: adds and deletes on top of what is there. */
  readonly loadmode: 'Full' | 'Incremental';
  /** The revision that it changes; 0 where it needs none. */
  readonly base: number;
  readonly target: number;
  /** Items at `target`. */
  readonly itemCount: number;
  /** The digest of `target`'s items. */
  readonly digest: string;
  /** Whom the whole catalogue is for, of those that the receiver serves; empty for everyone. */
  readonly audience: string;
}

const SUPPLIER_DOMAIN = 'EntrepotStore';
const COMMENT_FORM = /^base=(\d+) target=(\d+) items=(\d+) digest=([0-9a-f]{64})(?: audience=(\S{1,255}))?$/;

/** Names of an item's SearchGroupData: the groups that may see it, and their prices. */
export const AUDIENCE_DATA = 'EntrepotAudience';
export const GROUP_PRICE_DATA = 'EntrepotGroupPrice';

function subscription(head: Pick<IndexHead, 'catalog' | 'target'>, envelope: Envelope, language: string): string {
  return element(
    'Subscription',
    {},
    textElement('InternalID', head.catalog),
    element('SubscriptionVersion', { versionNumber: head.target }),
    textElement('Name', head.catalog, { 'xml:lang': language }),
    textElement('Changetime', dateTime(envelope.timestamp)),
    textElement('SupplierID', envelope.store, { domain: SUPPLIER_DOMAIN }),
  );
}

/** "There is a revision": cXML SubscriptionChangeMessage. */
export function writeSubscriptionChange(
  head: Pick<IndexHead, 'catalog' | 'target'>,
  envelope: Envelope,
  language: string,
): string {
  const change = element('SubscriptionChangeMessage', { type: 'update' }, subscription(head, envelope, language));
  return startDocument(envelope) + header(envelope) + element('Message', {}, change) + END_DOCUMENT;
}

/** "I have `base`, give me what came since": cXML SubscriptionContentRequest. */
export function writeContentRequest(catalog: string, base: number, envelope: Envelope): string {
  const request = element(
    'SubscriptionContentRequest',
    {},
    textElement('InternalID', catalog),
    element('SubscriptionVersion', { versionNumber: base }),
    textElement('SupplierID', envelope.store, { domain: SUPPLIER_DOMAIN }),
  );
  const body = element('Request', { deploymentMode: 'production' }, request);
  return startDocument(envelope) + header(envelope) + body + END_DOCUMENT;
}

export interface ContentRequest {
  readonly envelope: Envelope;
  readonly catalog: string;
  readonly base: number;
}

export function readContentRequest(document: Buffer | string): ContentRequest {
  const root = parseXml(document);
  const request = need(root, 'Request', 'SubscriptionContentRequest');
  const version = find(request, 'SubscriptionVersion');
  return {
    envelope: readEnvelope(root),
    catalog: need(request, 'InternalID').text.trim(),
    base: version ? needInteger(needAttribute(version, 'versionNumber'), 'versionNumber') : 0,
  };
}

/** A Response that holds a Status only, such as 204: nothing changed. */
export function writeStatus(code: number, text: string, envelope: Envelope): string {
  const status = textElement('Status', text, { code, text: statusWords(code), 'xml:lang': 'en' });
  return startDocument(envelope) + element('Response', {}, status) + END_DOCUMENT;
}

function statusWords(code: number): string {
  return code === 200 ? 'OK' : code === 204 ? 'No Content' : 'Error';
}

/** What stands before an Index's items; the items follow, then `endContentResponse`. */
export function startContentResponse(head: IndexHead, envelope: Envelope, language: string): string {
  const sum = `base=${head.base} target=${head.target} items=${head.itemCount} digest=${head.digest}`;
  const comment = head.audience === EVERYONE ? sum : `${sum} audience=${head.audience}`;
  return (
    startDocument(envelope, { 'xml:lang': language }) +
    '<Response><Status code="200" text="OK"/><SubscriptionContentResponse>' +
    subscription(head, envelope, language) +
    `<SubscriptionContent><Index loadmode="${head.loadmode}">` +
    textElement('SupplierID', envelope.store, { domain: SUPPLIER_DOMAIN }) +
    textElement('Comments', comment)
  );
}

export const END_CONTENT_RESPONSE = `</Index></SubscriptionContent></SubscriptionContentResponse></Response>${END_DOCUMENT}`;

/** One item as an IndexItem. LeadTime stands twice, because the DTD demands it in IndexItemDetail too. */
export function writeIndexItem(item: CatalogItem, language: string): string {
  const { classification } = item;
  let extrinsics = '';
  for (const [name, value] of sortedEntries(item.attributes)) {
    extrinsics += `<Extrinsic name="${escapeAttribute(name)}">${escapeText(value)}</Extrinsic>`;
  }
  return (
    `<IndexItem><IndexItemAdd><ItemID><SupplierPartID>${escapeText(item.sku)}</SupplierPartID></ItemID>` +
    `<ItemDetail><UnitPrice><Money currency="${escapeAttribute(item.currency)}">${formatAmount(item.price)}</Money></UnitPrice>` +
    `<Description xml:lang="${escapeAttribute(language)}">${escapeText(item.description)}</Description>` +
    `<UnitOfMeasure>${escapeText(item.unitOfMeasure)}</UnitOfMeasure>` +
    `<Classification domain="${escapeAttribute(classification.domain)}">${escapeText(classification.code)}</Classification>` +
    `<LeadTime>${item.leadTimeDays}</LeadTime>${extrinsics}</ItemDetail>` +
    `<IndexItemDetail><LeadTime>${item.leadTimeDays}</LeadTime>${groupData(item, language)}</IndexItemDetail>` +
    `</IndexItemAdd></IndexItem>`
  );
}

function groupData({ audience, groupPrices = {} }: CatalogItem, language: string): string {
  const groups = groupsIn(audience).map((group): [string, string] => [group, group]);
  const prices = Object.keys(groupPrices)
    .sort()
    .map((group): [string, string] => [group, formatAmount(groupPrices[group] as number)]);
  return searchGroupData(AUDIENCE_DATA, groups, language) + searchGroupData(GROUP_PRICE_DATA, prices, language);
}

function searchGroupData(name: string, pairs: readonly (readonly [string, string])[], language: string): string {
  if (pairs.length === 0) return '';
  const elements = pairs.map(([group, value]) => element('SearchDataElement', { name: group, value }));
  return element('SearchGroupData', {}, textElement('Name', name, { 'xml:lang': language }), ...elements);
}

/** One withdrawn item as an IndexItem. */
export function writeIndexDelete(sku: string): string {
  return `<IndexItem><IndexItemDelete><ItemID><SupplierPartID>${escapeText(sku)}</SupplierPartID></ItemID></IndexItemDelete></IndexItem>`;
}

/** Reads the comment that carries an Index's revisions. */
export function readIndexComment(comment: string, catalog: string, loadmode: IndexHead['loadmode']): IndexHead {
  const match = COMMENT_FORM.exec(comment.trim());
  if (!match) throw new XmlError('Index/Comments: base, target, items and digest are needed', { value: comment });
  return {
    catalog,
    loadmode,
    base: needInteger(match[1] as string, 'base'),
    target: needInteger(match[2] as string, 'target'),
    itemCount: needInteger(match[3] as string, 'items'),
    digest: match[4] as string,
    audience: match[5] ?? EVERYONE,
  };
}
