/** A real day's orders, read from the sample that ships with the product (data/online-retail, CC BY 4.0). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse';
import { PACKAGE_ROOT } from '../../workers/package-root';

export const RETAIL_DATA = join(PACKAGE_ROOT, 'data', 'online-retail');
export const DAY_FILE = join(RETAIL_DATA, 'orders-2010-12-02.csv');
const HOME_COUNTRY = 'United Kingdom';

export interface DayOrder {
  readonly invoice: string;
  /** Empty for a guest. */
  readonly customer: string;
  readonly country: string;
  /** One per sku. */
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

interface Row {
  readonly invoice: string;
  readonly sku: string;
  readonly quantity: string;
  readonly customer: string;
  readonly country: string;
}

/** The day's sold invoices in the order in which they were placed; cancellations are left out. */
export async function readDayOrders(file = DAY_FILE): Promise<DayOrder[]> {
  const orders = new Map<string, { customer: string; country: string; units: Map<string, number> }>();
  const rows = createReadStream(file).pipe(parse({ columns: true, bom: true }));
  for await (const row of rows as AsyncIterable<Row>) {
    const quantity = Number(row.quantity);
    if (row.invoice.startsWith('C') || !(quantity > 0)) continue;
    const order = orders.get(row.invoice) ?? { customer: row.customer, country: row.country, units: new Map() };
    order.units.set(row.sku, (order.units.get(row.sku) ?? 0) + quantity);
    orders.set(row.invoice, order);
  }
  return [...orders].map(([invoice, { customer, country, units }]) => ({
    invoice,
    customer,
    country,
    lines: [...units].map(([sku, sold]) => ({ sku, quantity: sold })),
  }));
}

/** Buyers abroad go to the last site, the others to a site by the hash of who they are. */
export function siteForOrder(order: DayOrder, sites: readonly string[]): string {
  const last = sites.at(-1);
  if (last === undefined) throw new Error('there is no site to sell at');
  if (order.country !== HOME_COUNTRY) return last;
  const hash = createHash('sha256')
    .update(order.customer || order.invoice)
    .digest();
  return sites[hash.readUInt32BE(0) % sites.length] ?? last;
}

/** ISO 3166-1 codes of the countries in the sample. */
const COUNTRY_CODES: Readonly<Record<string, string>> = {
  'United Kingdom': 'GB',
  Germany: 'DE',
  EIRE: 'IE',
  France: 'FR',
  Norway: 'NO',
  Australia: 'AU',
  Netherlands: 'NL',
};

export function countryCode(country: string): string {
  const code = COUNTRY_CODES[country];
  if (code === undefined) {
    throw new Error(
      `country "${country}" of the sample has no code here; known: ${Object.keys(COUNTRY_CODES).join(', ')}`,
    );
  }
  return code;
}
