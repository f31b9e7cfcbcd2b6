/**
 * Purchase orders: cXML's OrderRequest (cXML 1.2.063; design, section 6). What cXML has a place for stands there; the
 * rest stands in Extrinsics, so that `readOrderRequest` gives back exactly the order that was written.
 */
import { type Envelope } from '../domain/documents';
import { formatAmount, parseAmount } from '../domain/money';
import { type Address, type Order, type OrderLine, type OrderMode, type Payment } from '../domain/orders';
import { END_DOCUMENT, dateTime, header, readEnvelope, startDocument } from './envelope';
import { parsedTime } from './times';
import { type XmlNode, XmlError, find, findAll, need, needAttribute, needInteger, parseXml } from './reader';
import { element, escapeAttribute, escapeText, textElement } from './writer';

export type OrderRequestType = 'new' | 'update' | 'delete';

export interface OrderRequestOptions {
  readonly type: OrderRequestType;
  /** xml:lang of names and descriptions. */
  readonly language: string;
  /** Where the order can be asked after, and answers be sent. */
  readonly followupUrl: string;
  /** The latest document of this order, for `update` and `delete`. */
  readonly latestPayloadID?: string;
}

const countryNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** Writes the document whose bytes are fixed in the sale. */
export function writeOrderRequest(order: Order, envelope: Envelope, options: OrderRequestOptions): string {
  return (
    startDocument(envelope, { 'xml:lang': options.language }) +
    header(envelope) +
    '<Request deploymentMode="production"><OrderRequest>' +
    orderHeader(order, options) +
    order.lines.map((line) => itemOut(line, order.currency, options.language)).join('') +
    '</OrderRequest></Request>' +
    END_DOCUMENT
  );
}

function orderHeader(order: Order, options: OrderRequestOptions): string {
  const { currency } = order;
  const money = (amount: number) => textElement('Money', formatAmount(amount), { currency });
  const description = (text: string) => textElement('Description', text, { 'xml:lang': options.language });
  const { payment } = order;
  const shipTo = address(order.shipTo, options.language);
  return element(
    'OrderRequestHeader',
    {
      orderID: order.orderId,
      orderDate: dateTime(order.placedAt),
      orderType: 'regular',
      type: options.type,
      orderVersion: order.orderVersion,
    },
    element('Total', {}, money(order.total)),
    element('ShipTo', {}, shipTo),
    element('BillTo', {}, order.billTo === order.shipTo ? shipTo : address(order.billTo, options.language)),
    element('Shipping', {}, money(order.shipping.amount), description(order.shipping.description)),
    element('Tax', {}, money(order.tax.amount), description(order.tax.description)),
    // cXML's Payment holds a card number only, and card numbers are not for us.
    payment.method === 'account' ? element('PaymentTerm', { payInNumberOfDays: payment.termsDays }) : '',
    element(
      'Contact',
      { role: 'endUser' },
      textElement('Name', order.buyer.name, { 'xml:lang': options.language }),
      order.buyer.email === null ? '' : textElement('Email', order.buyer.email),
    ),
    order.comments === null ? '' : textElement('Comments', order.comments, { 'xml:lang': options.language }),
    element('Followup', {}, textElement('URL', options.followupUrl)),
    options.latestPayloadID === undefined ? '' : element('DocumentReference', { payloadID: options.latestPayloadID }),
    element('IdReference', { identifier: order.cartId, domain: 'cartID' }),
    ...orderExtrinsics(order),
  );
}

function orderExtrinsics(order: Order): string[] {
  const { payment } = order;
  const paid: Record<string, string | null> =
    payment.method === 'account'
      ? { paymentReference: payment.reference }
      : { paymentProvider: payment.provider, paymentToken: payment.token };
  const values: Record<string, string | number | null> = {
    store: order.store,
    sellingSite: order.site,
    incarnation: order.incarnation,
    mode: order.mode,
    attempt: order.attempt,
    partner: order.partner,
    buyerID: order.buyer.buyerId,
    shippingMethod: order.shipping.method,
    paymentMethod: payment.method,
    ...paid,
  };
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => textElement('Extrinsic', String(value), { name }));
}

function address(value: Address, language: string): string {
  const country = countryNames.of(value.countryCode) ?? value.countryCode;
  return element(
    'Address',
    { isoCountryCode: value.countryCode },
    textElement('Name', value.name, { 'xml:lang': language }),
    element(
      'PostalAddress',
      {},
      ...value.deliverTo.map((line) => textElement('DeliverTo', line)),
      ...value.street.map((line) => textElement('Street', line)),
      textElement('City', value.city),
      value.state === null ? '' : textElement('State', value.state),
      value.postalCode === null ? '' : textElement('PostalCode', value.postalCode),
      textElement('Country', country, { isoCountryCode: value.countryCode }),
    ),
    value.email === null ? '' : textElement('Email', value.email),
    value.phone === null ? '' : phone(value.phone, value.countryCode),
  );
}

/** cXML wants a number in parts; ours is as the buyer wrote it, whole. */
function phone(number: string, countryCode: string): string {
  const parts = `<CountryCode isoCountryCode="${escapeAttribute(countryCode)}"/><AreaOrCityCode/>`;
  return `<Phone><TelephoneNumber>${parts}${textElement('Number', number)}</TelephoneNumber></Phone>`;
}

function itemOut(line: OrderLine, currency: string, language: string): string {
  // Written as one template: an order's lines are most of its bytes.
  return (
    `<ItemOut quantity="${line.quantity}" lineNumber="${line.lineNumber}">` +
    `<ItemID><SupplierPartID>${escapeText(line.sku)}</SupplierPartID></ItemID>` +
    `<ItemDetail><UnitPrice><Money currency="${escapeAttribute(currency)}">${formatAmount(line.unitPrice)}</Money></UnitPrice>` +
    `<Description xml:lang="${escapeAttribute(language)}">${escapeText(line.description)}</Description>` +
    `<UnitOfMeasure>${escapeText(line.unitOfMeasure)}</UnitOfMeasure>` +
    `<Classification domain="${escapeAttribute(line.classification.domain)}">${escapeText(line.classification.code)}</Classification>` +
    `<Extrinsic name="catalog">${escapeText(line.catalog)}</Extrinsic>` +
    `<Extrinsic name="revision">${line.revision}</Extrinsic></ItemDetail></ItemOut>`
  );
}

export interface ReadOrderRequest {
  readonly envelope: Envelope;
  readonly type: OrderRequestType;
  readonly order: Order;
}

/** Reads a document that `writeOrderRequest` wrote; throws XmlError for what is missing or of the wrong form. */
export function readOrderRequest(document: Buffer | string | XmlNode): ReadOrderRequest {
  const root = typeof document === 'string' || Buffer.isBuffer(document) ? parseXml(document) : document;
  const envelope = readEnvelope(root);
  const request = need(root, 'Request', 'OrderRequest');
  const head = need(request, 'OrderRequestHeader');
  const extrinsics = extrinsicsOf(head);
  const extrinsic = (name: string) => {
    const value = extrinsics.get(name);
    if (value === undefined) throw new XmlError(`OrderRequestHeader has no Extrinsic "${name}"`);
    return value;
  };
  const total = moneyOf(need(head, 'Total'));
  const contact = need(head, 'Contact');
  const shipping = need(head, 'Shipping');
  const tax = need(head, 'Tax');
  return {
    envelope,
    type: (head.attributes['type'] ?? 'new') as OrderRequestType,
    order: {
      store: extrinsic('store'),
      orderId: needAttribute(head, 'orderID'),
      cartId: cartOf(head),
      site: extrinsic('sellingSite'),
      incarnation: needInteger(extrinsic('incarnation'), 'Extrinsic incarnation'),
      mode: extrinsic('mode') as OrderMode,
      attempt: needInteger(extrinsic('attempt'), 'Extrinsic attempt'),
      partner: extrinsics.get('partner') ?? null,
      orderVersion: needInteger(needAttribute(head, 'orderVersion'), 'orderVersion'),
      placedAt: parsedTime(needAttribute(head, 'orderDate'), 'orderDate'),
      currency: total.currency,
      buyer: {
        buyerId: extrinsic('buyerID'),
        name: need(contact, 'Name').text,
        email: find(contact, 'Email')?.text ?? null,
      },
      shipTo: addressOf(need(head, 'ShipTo', 'Address')),
      billTo: addressOf(need(head, 'BillTo', 'Address')),
      shipping: {
        method: extrinsic('shippingMethod'),
        description: need(shipping, 'Description').text,
        amount: moneyOf(shipping).amount,
      },
      tax: { description: need(tax, 'Description').text, amount: moneyOf(tax).amount },
      payment: paymentOf(head, extrinsics, extrinsic),
      lines: findAll(request, 'ItemOut').map(lineOf),
      total: total.amount,
      comments: find(head, 'Comments')?.text ?? null,
    },
  };
}

function extrinsicsOf(node: XmlNode): Map<string, string> {
  return new Map(findAll(node, 'Extrinsic').map((extrinsic) => [extrinsic.attributes['name'] ?? '', extrinsic.text]));
}

function moneyOf(node: XmlNode): { amount: number; currency: string } {
  const found = need(node, 'Money');
  const amount = parseAmount(found.text.trim());
  if (amount === null)
    throw new XmlError(`${node.name}/Money: a decimal is needed, as in "12.50"`, { value: found.text });
  return { amount, currency: needAttribute(found, 'currency') };
}

function cartOf(head: XmlNode): string {
  const reference = findAll(head, 'IdReference').find((candidate) => candidate.attributes['domain'] === 'cartID');
  if (!reference) throw new XmlError('OrderRequestHeader has no IdReference of domain "cartID"');
  return needAttribute(reference, 'identifier');
}

function paymentOf(
  head: XmlNode,
  extrinsics: ReadonlyMap<string, string>,
  extrinsic: (name: string) => string,
): Payment {
  const method = extrinsic('paymentMethod');
  if (method === 'token') {
    return { method, provider: extrinsic('paymentProvider'), token: extrinsic('paymentToken') };
  }
  if (method !== 'account')
    throw new XmlError('Extrinsic paymentMethod: allowed are account, token', { value: method });
  const days = needAttribute(need(head, 'PaymentTerm'), 'payInNumberOfDays');
  const reference = extrinsics.get('paymentReference') ?? null;
  return { method, termsDays: needInteger(days, 'payInNumberOfDays'), reference };
}

function addressOf(node: XmlNode): Address {
  const postal = need(node, 'PostalAddress');
  const number = find(node, 'Phone');
  return {
    name: need(node, 'Name').text,
    deliverTo: findAll(postal, 'DeliverTo').map((line) => line.text),
    street: findAll(postal, 'Street').map((line) => line.text),
    city: need(postal, 'City').text,
    state: find(postal, 'State')?.text ?? null,
    postalCode: find(postal, 'PostalCode')?.text ?? null,
    countryCode: needAttribute(need(postal, 'Country'), 'isoCountryCode'),
    email: find(node, 'Email')?.text ?? null,
    phone: number ? need(number, 'TelephoneNumber', 'Number').text : null,
  };
}

function lineOf(node: XmlNode): OrderLine {
  const detail = need(node, 'ItemDetail');
  const classification = need(detail, 'Classification');
  const extrinsics = extrinsicsOf(detail);
  return {
    lineNumber: needInteger(needAttribute(node, 'lineNumber'), 'lineNumber'),
    sku: need(node, 'ItemID', 'SupplierPartID').text,
    description: need(detail, 'Description').text,
    quantity: needInteger(needAttribute(node, 'quantity'), 'quantity'),
    unitPrice: moneyOf(need(detail, 'UnitPrice')).amount,
    unitOfMeasure: need(detail, 'UnitOfMeasure').text,
    classification: { domain: needAttribute(classification, 'domain'), code: classification.text },
    catalog: extrinsics.get('catalog') ?? '',
    revision: needInteger(extrinsics.get('revision') ?? '', 'Extrinsic revision'),
  };
}
