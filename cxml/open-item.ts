/** An IndexItemAdd whose parts have been cut out of the document, but not yet looked at. */
import { formatAudience } from '../domain/audience';
import { type CatalogItem, EVERYONE } from '../domain/catalog';
import { type Amount, parseAmount } from '../domain/money';
import { XmlError, needInteger } from './reader';

/** A class, for an object spread together is a slow one, and there is one an item. */
export class OpenItem {
  sku = '';
  description = '';
  price = '';
  currency = '';
  unitOfMeasure = '';
  classificationDomain = '';
  classification = '';
  leadTime = '';
  /** Pairs, for an object would not keep every name as its own. */
  readonly attributes: [string, string][] = [];
  /** The groups that may see it, and their prices. */
  groups: string[] | undefined = undefined;
  groupPrices: [string, Amount][] | undefined = undefined;

  finished(): CatalogItem {
    const sku = needSku(this);
    const price = parseAmount(this.price.trim());
    if (price === null) throw new XmlError(`item "${sku}": UnitPrice: a decimal is needed`, { value: this.price });
    const read: CatalogItem = {
      sku,
      description: this.description,
      price,
      currency: this.currency,
      unitOfMeasure: this.unitOfMeasure,
      classification: { domain: this.classificationDomain, code: this.classification },
      leadTimeDays: needInteger(this.leadTime, `item "${sku}": LeadTime`),
      attributes: Object.fromEntries(this.attributes),
      audience: this.groups ? formatAudience(this.groups) : EVERYONE,
    };
    return this.groupPrices ? { ...read, groupPrices: Object.fromEntries(this.groupPrices) } : read;
  }
}

export function needSku(item: OpenItem | null): string {
  if (!item || item.sku === '') throw new XmlError('an IndexItem has no SupplierPartID');
  return item.sku;
}
