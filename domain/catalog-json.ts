/** Items as JSON, shaped as the API shows them, so that what was read from one site can be imported at another. */
import { type GroupNames, describeAudience } from './audience';
import { type CatalogItem } from './catalog';
import { type FieldNames, type ItemField, type ItemTexts } from './catalog-import';
import { formatAmount } from './money';

/** One value that is not of the type that it must be. */
export interface JsonFault {
  readonly column: string;
  readonly reason: string;
}

export const JSON_NAMES: FieldNames = {
  sku: 'sku',
  description: 'description',
  price: 'price',
  currency: 'currency',
  unitOfMeasure: 'unitOfMeasure',
  classificationDomain: 'classification.domain',
  classificationCode: 'classification.code',
  leadTimeDays: 'leadTimeDays',
  audience: 'audience',
  groupPrices: 'groupPrices',
  priceFrom: 'priceFrom',
  withdraw: 'withdraw',
  attribute: 'attributes.',
};

/** Members that an item of the API has and that mean nothing here. */
const IGNORED = new Set(['available']);
const TEXT_MEMBERS = ['sku', 'description', 'currency', 'unitOfMeasure', 'audience', 'priceFrom'] as const;
const MEMBERS = [
  ...TEXT_MEMBERS,
  ...(['price', 'groupPrices', 'classification', 'leadTimeDays', 'attributes', 'withdraw'] as const),
] as const;

type Tree = Readonly<Record<string, unknown>>;

/** What one element says, by field; or every member of a wrong type, and every unknown one. */
export function jsonTexts(value: unknown): ItemTexts | { readonly faults: readonly JsonFault[] } {
  if (!isTree(value)) return { faults: [{ column: '(item)', reason: `is ${typeName(value)}: an object is needed` }] };
  const faults: JsonFault[] = [];
  const fault = (column: string, reason: string) => void faults.push({ column, reason });
  const fields: Partial<Record<ItemField, string>> = {};
  const take = (field: ItemField, member: unknown) => {
    if (member === undefined || member === null) return;
    if (typeof member === 'string') fields[field] = member;
    else fault(JSON_NAMES[field], `is ${typeName(member)}: text in quotes is needed`);
  };
  for (const name of Object.keys(value)) {
    if (!IGNORED.has(name) && !MEMBERS.some((member) => member === name)) {
      fault(name, `is not known; allowed: ${[...MEMBERS, ...IGNORED].join(', ')}`);
    }
  }
  for (const name of TEXT_MEMBERS) take(name, value[name]);
  takePrice(value['price'], take, fault);
  takeGroupPrices(value['groupPrices'], take, fault);
  takeClassification(value['classification'], take, fault);
  const { leadTimeDays } = value;
  take('leadTimeDays', typeof leadTimeDays === 'number' ? String(leadTimeDays) : leadTimeDays);
  const { withdraw } = value;
  take('withdraw', typeof withdraw === 'boolean' ? String(withdraw) : withdraw);
  const attributes = attributesIn(value['attributes'], fault);
  return faults.length > 0 ? { faults } : { fields, attributes };
}

/** The inverse: what an item says, by field; sku and what every item has are among it. */
export function textsOf(item: CatalogItem, names: GroupNames): ItemTexts {
  const { sku, description, currency, unitOfMeasure, classification, attributes } = item;
  const prices = Object.entries(item.groupPrices ?? {}).map(
    ([group, amount]) => `${names.nameOf(group)}=${formatAmount(amount)}`,
  );
  return {
    fields: {
      ...{ sku, description, price: formatAmount(item.price), currency, unitOfMeasure },
      audience: describeAudience(item.audience, names),
      ...(prices.length === 0 ? {} : { groupPrices: prices.sort().join(', ') }),
      classificationDomain: classification.domain,
      classificationCode: classification.code,
      leadTimeDays: String(item.leadTimeDays),
    },
    attributes,
  };
}

type Take = (field: ItemField, member: unknown) => void;
type Fault = (column: string, reason: string) => void;

/** "12.50", or { "amount": "12.50", "currency": "GBP" }. */
function takePrice(price: unknown, take: Take, fault: Fault): void {
  if (typeof price === 'number') {
    // A binary fraction is no price: 0.1 is not a tenth.
    fault('price', `is the number ${price}: a decimal in quotes is needed, as in "12.50"`);
  } else if (isTree(price)) {
    take('price', price['amount']);
    take('currency', price['currency']);
    unknownMembers(price, ['amount', 'currency'], 'price', fault);
  } else take('price', price);
}

/** { "gold": "11.00" }, as `gold=11.00`. */
function takeGroupPrices(prices: unknown, take: Take, fault: Fault): void {
  if (prices === undefined || prices === null) return;
  if (!isTree(prices)) {
    fault('groupPrices', `is ${typeName(prices)}: {"gold": "11.00"} is needed`);
    return;
  }
  const pairs: string[] = [];
  for (const [group, price] of Object.entries(prices)) {
    if (typeof price === 'string') pairs.push(`${group}=${price}`);
    else fault(`groupPrices.${group}`, `is ${typeName(price)}: a decimal in quotes is needed, as in "12.50"`);
  }
  // An empty object says that there are none, where nothing said leaves them as they are.
  take('groupPrices', pairs.length === 0 ? 'none' : pairs.join(', '));
}

function takeClassification(classification: unknown, take: Take, fault: Fault): void {
  if (classification === undefined || classification === null) return;
  if (!isTree(classification)) {
    fault('classification', `is ${typeName(classification)}: {"domain": "UNSPSC", "code": "60000000"} is needed`);
    return;
  }
  take('classificationDomain', classification['domain']);
  take('classificationCode', classification['code']);
  unknownMembers(classification, ['domain', 'code'], 'classification', fault);
}

function unknownMembers(tree: Tree, allowed: readonly string[], name: string, fault: Fault): void {
  for (const member of Object.keys(tree)) {
    if (!allowed.includes(member)) fault(`${name}.${member}`, `is not known; allowed: ${allowed.join(', ')}`);
  }
}

function attributesIn(attributes: unknown, fault: Fault): Record<string, string> {
  if (attributes === undefined || attributes === null) return {};
  if (!isTree(attributes)) {
    fault('attributes', `is ${typeName(attributes)}: an object of texts is needed`);
    return {};
  }
  const texts: [string, string][] = [];
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') texts.push([name, value]);
    else fault(JSON_NAMES.attribute + name, `is ${typeName(value)}: text in quotes is needed`);
  }
  return Object.fromEntries(texts);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
