/**
 * What a check from outside reads from a site's database: rows as they are, through no code of the capabilities that
 * wrote them.
 */
import { addToDigest, hashItem, EMPTY_DIGEST } from '../domain/catalog-digest';
import { type Statements } from './database';

export interface OrderEvidence {
  readonly orderId: string;
  readonly cartId: string;
  readonly site: string;
  readonly state: string;
  /** All of it, and its lines alone, in 1/10,000 of the currency's unit. */
  readonly total: number;
  readonly goods: number;
  /** The order's document, byte for byte; null where there is none. */
  readonly document: string | null;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export async function readOrderEvidence(reads: Statements, store: string): Promise<OrderEvidence[]> {
  const lines = await reads.all<{ order_id: string; sku: string; quantity: number; amount: number }>(
    `SELECT order_id, sku, SUM(quantity) AS quantity, SUM(quantity * unit_price_amount) AS amount
     FROM order_lines WHERE store = ? GROUP BY order_id, sku ORDER BY sku`,
    [store],
  );
  const goodsOf = new Map<string, number>();
  const linesOf = new Map<string, { sku: string; quantity: number }[]>();
  for (const { order_id, sku, quantity, amount } of lines) {
    goodsOf.set(order_id, (goodsOf.get(order_id) ?? 0) + Number(amount));
    const found = linesOf.get(order_id) ?? [];
    found.push({ sku, quantity: Number(quantity) });
    linesOf.set(order_id, found);
  }
  const orders = await reads.all<{
    order_id: string;
    cart_id: string;
    site: string;
    state: string;
    total_amount: number;
    document: string | null;
  }>(
    `SELECT o.order_id, o.cart_id, o.site, o.state, o.total_amount, d.document
     FROM orders o LEFT JOIN order_documents d
       ON d.store = o.store AND d.order_id = o.order_id AND d.order_version = o.order_version
     WHERE o.store = ? ORDER BY o.order_id`,
    [store],
  );
  return orders.map((row) => ({
    orderId: row.order_id,
    cartId: row.cart_id,
    site: row.site,
    state: row.state,
    total: row.total_amount,
    goods: goodsOf.get(row.order_id) ?? 0,
    document: row.document,
    lines: linesOf.get(row.order_id) ?? [],
  }));
}

/** Units of an item that a site's ledger says were sold (returns taken off). */
export async function readUnitsSold(reads: Statements, store: string, sku: string): Promise<number> {
  const row = await reads.get<{ units: number | null }>(
    "SELECT SUM(quantity) AS units FROM stock_ledger WHERE store = ? AND sku = ? AND kind IN ('sale', 'return')",
    [store, sku],
  );
  return -Number(row?.units ?? 0);
}

export interface CatalogEvidence {
  readonly revision: number;
  /** As the site claims it. */
  readonly digest: string;
  readonly itemCount: number;
  /** As its items hash now. */
  readonly foundDigest: string;
  readonly foundCount: number;
}

export async function readCatalogEvidence(
  reads: Statements,
  store: string,
  catalog: string,
): Promise<CatalogEvidence | null> {
  const head = await reads.get<{ revision: number; digest: string; item_count: number }>(
    'SELECT revision, digest, item_count FROM catalogs WHERE store = ? AND catalog = ?',
    [store, catalog],
  );
  if (!head) return null;
  const items = await reads.all<{
    sku: string;
    description: string;
    price_amount: number;
    currency: string;
    unit_of_measure: string;
    classification_domain: string;
    classification_code: string;
    lead_time_days: number;
    attributes: string;
    audience: string;
    group_prices: string | null;
  }>(
    `SELECT sku, description, price_amount, currency, unit_of_measure, classification_domain, classification_code,
       lead_time_days, attributes, audience, group_prices
     FROM item_versions WHERE store = ? AND catalog = ? AND from_revision <= ? AND to_revision > ?`,
    [store, catalog, head.revision, head.revision],
  );
  const hashes = items.map((row) =>
    hashItem({
      sku: row.sku,
      description: row.description,
      price: row.price_amount,
      currency: row.currency,
      unitOfMeasure: row.unit_of_measure,
      classification: { domain: row.classification_domain, code: row.classification_code },
      leadTimeDays: row.lead_time_days,
      attributes: JSON.parse(row.attributes) as Record<string, string>,
      audience: row.audience,
      ...(row.group_prices === null ? {} : { groupPrices: JSON.parse(row.group_prices) as Record<string, number> }),
    }),
  );
  return {
    revision: head.revision,
    digest: head.digest,
    itemCount: head.item_count,
    foundDigest: addToDigest(EMPTY_DIGEST, hashes),
    foundCount: items.length,
  };
}

/** The newest full catalogue document that a site made: bytes of its XML, and as it travels; null where it made none. */
export async function readCatalogDocumentSize(
  reads: Statements,
  store: string,
  catalog: string,
): Promise<{ bytes: number; compressedBytes: number } | null> {
  const row = await reads.get<{ bytes: number; compressed_bytes: number }>(
    'SELECT bytes, compressed_bytes FROM catalog_documents WHERE store = ? AND catalog = ? ORDER BY revision DESC',
    [store, catalog],
  );
  return row ? { bytes: row.bytes, compressedBytes: row.compressed_bytes } : null;
}
