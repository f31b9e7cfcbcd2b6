/** Carts: a row and its lines; removed lines stay as tombstones, so that a later merge does not bring them back. */
import { type Viewer, formatAudience, groupsIn } from '../domain/audience';
import { type Cart, type CartLine, type CartLineKey, type CartStatus } from '../domain/carts';
import { type Amount } from '../domain/money';
import { type SqlValue, type Statements, type Transaction } from './database';
import { insertRows } from './dialect';

interface CartRow {
  cart_id: string;
  token_hash: string;
  buyer_id: string;
  status: CartStatus;
  version: number;
  catalog: string;
  viewer_groups: string | null;
  currency: string;
  buyer: string | null;
  ship_to: string | null;
  bill_to: string | null;
  shipping_method: string | null;
  payment: string | null;
  comments: string | null;
  created_at: number;
  updated_at: number;
}

interface LineRow {
  line_site: string;
  line_sequence: number;
  sku: string;
  quantity: number;
  price_amount: number;
  price_revision: number;
}

const COLUMNS =
  'cart_id, token_hash, buyer_id, status, version, catalog, viewer_groups, currency, buyer, ship_to, bill_to, shipping_method, payment, comments, created_at, updated_at';

function fromJson<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

/** The cart with its lines in the order of their keys; undefined when there is none of that id. */
export async function findCart(reads: Statements, store: string, cartId: string): Promise<Cart | undefined> {
  const row = await reads.get<CartRow>(`SELECT ${COLUMNS} FROM carts WHERE store = ? AND cart_id = ?`, [store, cartId]);
  if (!row) return undefined;
  const lines = await reads.all<LineRow>(
    `SELECT line_site, line_sequence, sku, quantity, price_amount, price_revision FROM cart_lines
     WHERE store = ? AND cart_id = ? AND removed = 0 ORDER BY line_site, line_sequence`,
    [store, cartId],
  );
  return {
    store,
    cartId,
    tokenHash: row.token_hash,
    buyerId: row.buyer_id,
    status: row.status,
    version: row.version,
    catalog: row.catalog,
    viewer: row.viewer_groups === EVERYTHING ? 'all' : groupsIn(row.viewer_groups ?? ''),
    currency: row.currency,
    buyer: fromJson(row.buyer),
    shipTo: fromJson(row.ship_to),
    billTo: fromJson(row.bill_to),
    shippingMethod: row.shipping_method,
    payment: fromJson(row.payment),
    comments: row.comments,
    lines: lines.map((line): CartLine => ({
      site: line.line_site,
      sequence: line.line_sequence,
      sku: line.sku,
      quantity: line.quantity,
      price: line.price_amount,
      priceRevision: line.price_revision,
    })),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export interface NewCart {
  readonly store: string;
  readonly cartId: string;
  readonly tokenHash: string;
  readonly buyerId: string;
  readonly catalog: string;
  readonly viewer?: Viewer;
  readonly currency: string;
  readonly site: string;
  readonly now: number;
}

/** In place of groups: whoever keeps the catalogue sees all of it. */
const EVERYTHING = 'all';

function viewerColumn(viewer: Viewer): string {
  return viewer === 'all' ? EVERYTHING : formatAudience(viewer);
}

export async function createCart(tx: Transaction, cart: NewCart): Promise<void> {
  await tx.run(
    `INSERT INTO carts (store, cart_id, token_hash, buyer_id, status, version, line_sequence, catalog, viewer_groups, currency, created_site, created_at, updated_at)
     VALUES (?, ?, ?, ?, 'I', 1, 0, ?, ?, ?, ?, ?, ?)`,
    [
      ...[cart.store, cart.cartId, cart.tokenHash, cart.buyerId, cart.catalog, viewerColumn(cart.viewer ?? [])],
      ...[cart.currency, cart.site, cart.now, cart.now],
    ],
  );
}

/** The cart is not at the version that the writer saw, or is no longer in process. */
export class CartMovedError extends Error {
  constructor(readonly cartId: string) {
    super(`cart ${cartId} was changed meanwhile`);
  }
}

/** What a buyer may set; `undefined` leaves it as it is. */
export interface CartDetails {
  readonly buyer?: object;
  readonly shipTo?: object;
  readonly billTo?: object | null;
  readonly shippingMethod?: string;
  readonly payment?: object;
  readonly comments?: string | null;
}

const DETAIL_COLUMNS: Readonly<Record<keyof CartDetails, string>> = {
  buyer: 'buyer',
  shipTo: 'ship_to',
  billTo: 'bill_to',
  shippingMethod: 'shipping_method',
  payment: 'payment',
  comments: 'comments',
};

/** Raises the version and sets details, guarded by the version that the writer saw; throws CartMovedError. */
export async function writeCart(
  tx: Transaction,
  cart: Pick<Cart, 'store' | 'cartId' | 'version'>,
  details: CartDetails,
  now: number,
): Promise<void> {
  const set: string[] = [];
  const values: SqlValue[] = [];
  for (const [name, column] of Object.entries(DETAIL_COLUMNS)) {
    const value = details[name as keyof CartDetails];
    if (value === undefined) continue;
    set.push(`${column} = ?`);
    values.push(value === null || typeof value === 'string' ? value : JSON.stringify(value));
  }
  const changed = await tx.run(
    `UPDATE carts SET ${['version = version + 1', 'updated_at = ?', ...set].join(', ')}
     WHERE store = ? AND cart_id = ? AND version = ? AND status = 'I'`,
    [now, ...values, cart.store, cart.cartId, cart.version],
  );
  if (changed === 0) throw new CartMovedError(cart.cartId);
}

export interface NewCartLine {
  readonly sku: string;
  readonly quantity: number;
  readonly price: Amount;
  readonly priceRevision: number;
}

/** Adds lines to a cart that `writeCart` has just locked; answers their keys. */
export async function addLines(
  tx: Transaction,
  cart: Pick<Cart, 'store' | 'cartId'>,
  site: string,
  lines: readonly NewCartLine[],
): Promise<CartLineKey[]> {
  const { store, cartId } = cart;
  await tx.run('UPDATE carts SET line_sequence = line_sequence + ? WHERE store = ? AND cart_id = ?', [
    lines.length,
    store,
    cartId,
  ]);
  const row = await tx.get<{ line_sequence: number }>(
    'SELECT line_sequence FROM carts WHERE store = ? AND cart_id = ?',
    [store, cartId],
  );
  const first = (row?.line_sequence ?? lines.length) - lines.length + 1;
  const keys = lines.map((_, index) => ({ site, sequence: first + index }));
  await insertRows(
    tx,
    'cart_lines',
    [
      ...['store', 'cart_id', 'line_site', 'line_sequence', 'sku', 'quantity', 'counter', 'counter_site', 'removed'],
      ...['price_amount', 'price_revision'],
    ],
    lines.map((line, index) => [
      ...[store, cartId, site, first + index, line.sku, line.quantity, 1, site, 0],
      ...[line.price, line.priceRevision],
    ]),
  );
  return keys;
}

/** Changes a line's quantity, or removes it (0); false when the cart has no such line. */
export async function changeLine(
  tx: Transaction,
  cart: Pick<Cart, 'store' | 'cartId'>,
  key: CartLineKey,
  quantity: number,
  site: string,
): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE cart_lines SET quantity = ?, removed = ?, counter = counter + 1, counter_site = ?
     WHERE store = ? AND cart_id = ? AND line_site = ? AND line_sequence = ? AND removed = 0`,
    [quantity, quantity === 0 ? 1 : 0, site, cart.store, cart.cartId, key.site, key.sequence],
  );
  return changed > 0;
}

/** Takes a newer price for a line. */
export async function repriceLine(
  tx: Transaction,
  cart: Pick<Cart, 'store' | 'cartId'>,
  key: CartLineKey,
  { price, priceRevision }: Pick<CartLine, 'price' | 'priceRevision'>,
  site: string,
): Promise<void> {
  await tx.run(
    `UPDATE cart_lines SET price_amount = ?, price_revision = ?, counter = counter + 1, counter_site = ?
     WHERE store = ? AND cart_id = ? AND line_site = ? AND line_sequence = ?`,
    [price, priceRevision, site, cart.store, cart.cartId, key.site, key.sequence],
  );
}

/** I → C, guarded by the version that was sold; throws CartMovedError. */
export async function closeAsOrdered(
  tx: Transaction,
  cart: Pick<Cart, 'store' | 'cartId' | 'version'>,
  now: number,
): Promise<void> {
  const changed = await tx.run(
    `UPDATE carts SET status = 'C', version = version + 1, updated_at = ?
     WHERE store = ? AND cart_id = ? AND version = ? AND status = 'I'`,
    [now, cart.store, cart.cartId, cart.version],
  );
  if (changed === 0) throw new CartMovedError(cart.cartId);
}
