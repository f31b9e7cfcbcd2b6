/**
 * The stricter check of an OrderRequest (design, section 6): valid by the DTD is not enough, for it lets an empty Money
 * through. It looks at any OrderRequest, our own or a partner's.
 */
import { findCardNumber } from '../domain/card-numbers';
import { isCountry } from '../domain/countries';
import { isCurrency, parseAmount } from '../domain/money';
import { hasOffset } from './times';
import { type XmlNode, find, findAll } from './reader';

export interface OrderProblem {
  /** Where, as a path of element names; like `problem`, it quotes nothing of the document. */
  readonly path: string;
  readonly value: string;
  /** What is wrong, and what is wanted. */
  readonly problem: string;
}

/** An empty list for an order that may be taken. */
export function checkOrderRequest(root: XmlNode): OrderProblem[] {
  const check = new Check();
  const request = find(root, 'Request');
  const order = request && find(request, 'OrderRequest');
  if (!order) return [{ path: root.name, value: '', problem: 'holds no Request/OrderRequest' }];
  check.time(root, 'timestamp', root.name);
  const head = find(order, 'OrderRequestHeader');
  if (!head) return [{ path: 'OrderRequest', value: '', problem: 'has no OrderRequestHeader' }];
  check.header(head);
  findAll(order, 'ItemOut').forEach((line, index) => check.line(line, `ItemOut[${index + 1}]`));
  check.sums(order, head);
  return check.problems;
}

class Check {
  readonly problems: OrderProblem[] = [];
  private readonly lineNumbers = new Set<string>();
  private currency: string | undefined;

  header(head: XmlNode): void {
    const at = 'OrderRequestHeader';
    if ((head.attributes['orderID'] ?? '').trim() === '') this.add(`${at}/@orderID`, '', 'is missing');
    this.time(head, 'orderDate', at);
    for (const name of ['Total', 'Shipping', 'Tax']) {
      const part = find(head, name);
      if (part) this.money(part, `${at}/${name}`);
      else if (name === 'Total') this.add(`${at}/Total`, '', 'is missing');
    }
    for (const name of ['ShipTo', 'BillTo']) {
      const address = find(head, name) && find(find(head, name) as XmlNode, 'Address');
      if (address) this.address(address, `${at}/${name}/Address`);
      else if (name === 'BillTo') this.add(`${at}/BillTo`, '', 'is missing');
    }
    this.noCards(head, at);
  }

  line(line: XmlNode, at: string): void {
    const number = line.attributes['lineNumber'] ?? '';
    if (!/^\d+$/.test(number)) this.add(`${at}/@lineNumber`, number, 'must be a whole number');
    else if (this.lineNumbers.has(number)) this.add(`${at}/@lineNumber`, number, 'stands on two lines');
    this.lineNumbers.add(number);
    const quantity = line.attributes['quantity'] ?? '';
    if (!/^\d+(\.\d+)?$/.test(quantity) || Number(quantity) <= 0) {
      this.add(`${at}/@quantity`, quantity, 'must be a number above 0, with a decimal point');
    }
    const part = find(line, 'ItemID') && find(find(line, 'ItemID') as XmlNode, 'SupplierPartID');
    if (!part || part.text.trim() === '') this.add(`${at}/ItemID/SupplierPartID`, '', 'is missing');
    const detail = find(line, 'ItemDetail');
    if (!detail) return this.add(`${at}/ItemDetail`, '', 'is missing');
    const price = find(detail, 'UnitPrice');
    if (price) this.money(price, `${at}/ItemDetail/UnitPrice`);
    for (const name of ['UnitOfMeasure', 'Classification', 'Description']) {
      const text = find(detail, name)?.text.trim() ?? '';
      if (text === '') this.add(`${at}/ItemDetail/${name}`, '', 'is missing or empty');
    }
  }

  /** Lines + shipping + tax = Total. */
  sums(order: XmlNode, head: XmlNode): void {
    const amount = (node: XmlNode | null) => {
      const money = node && find(node, 'Money');
      return money ? parseAmount(money.text.trim()) : 0;
    };
    let sum = 0;
    for (const part of [amount(find(head, 'Shipping')), amount(find(head, 'Tax'))]) {
      if (part === null) return;
      sum += part;
    }
    for (const line of findAll(order, 'ItemOut')) {
      const detail = find(line, 'ItemDetail');
      const price = amount(detail && find(detail, 'UnitPrice'));
      const quantity = Number(line.attributes['quantity']);
      if (price === null || !Number.isFinite(quantity)) return;
      sum += price * quantity;
    }
    const total = amount(find(head, 'Total'));
    if (total !== null && Math.round(sum) !== total) {
      const stated = find(find(head, 'Total') as XmlNode, 'Money')?.text ?? '';
      const value = `${stated}, not ${Math.round(sum) / 10_000}`;
      this.add('OrderRequestHeader/Total/Money', value, 'is not what lines, shipping and tax add up to');
    }
  }

  time(node: XmlNode, attribute: string, at: string): void {
    const value = node.attributes[attribute] ?? '';
    if (!hasOffset(value)) this.add(`${at}/@${attribute}`, value, 'must be a date and time with its offset');
  }

  private money(node: XmlNode, at: string): void {
    const money = find(node, 'Money');
    if (!money) return this.add(`${at}/Money`, '', 'is missing');
    if (parseAmount(money.text.trim()) === null) {
      this.add(`${at}/Money`, money.text, 'must be a decimal with a point and at most four places');
    }
    const currency = money.attributes['currency'] ?? '';
    if (!isCurrency(currency)) this.add(`${at}/Money/@currency`, currency, 'must be a currency of ISO 4217');
    this.currency ??= currency;
    if (currency !== this.currency) {
      this.add(`${at}/Money/@currency`, currency, 'is not that of the rest: one order has one currency');
    }
  }

  private address(address: XmlNode, at: string): void {
    if ((find(address, 'Name')?.text.trim() ?? '') === '') this.add(`${at}/Name`, '', 'is missing or empty');
    const postal = find(address, 'PostalAddress');
    if (!postal) return this.add(`${at}/PostalAddress`, '', 'is missing');
    for (const name of ['Street', 'City']) {
      if ((find(postal, name)?.text.trim() ?? '') === '')
        this.add(`${at}/PostalAddress/${name}`, '', 'is missing or empty');
    }
    const country = find(postal, 'Country')?.attributes['isoCountryCode'] ?? '';
    if (!isCountry(country)) {
      this.add(`${at}/PostalAddress/Country/@isoCountryCode`, country, 'must be a country of ISO 3166-1, two capitals');
    }
  }

  /** Card numbers have no place in an order; a phone number in a comment is none of this check's business. */
  private noCards(node: XmlNode, at: string): void {
    const payment = find(node, 'Payment');
    if (payment && find(payment, 'PCard')) this.add(`${at}/Payment/PCard`, '(not shown)', 'holds a card number');
    for (const [index, extrinsic] of findAll(node, 'Extrinsic').entries()) {
      const name = extrinsic.attributes['name'] ?? '';
      // The number itself is told to nobody.
      if (/^payment/i.test(name) && findCardNumber(extrinsic.text) !== null) {
        this.add(`${at}/Extrinsic[${index + 1}]`, '(not shown)', 'holds what looks like a card number');
      }
    }
  }

  private add(path: string, value: string, problem: string): void {
    this.problems.push({ path, value, problem });
  }
}
