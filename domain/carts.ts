/** Carts and what makes one ready to be ordered (design, section 5; figures 14 and 17). */
import { type Viewer } from './audience';
import { findCardNumber } from './card-numbers';
import { type ShortLine, type StockLine } from './inventory';
import { AMOUNT_MAX, type Amount } from './money';
import { type Address, type Buyer, type Payment } from './orders';

/** I: in process; closed: given up; C: ordered. I < closed < C for ever. */
export type CartStatus = 'I' | 'closed' | 'C';

/** A line's key is where it was created and its running number there, so that lines added at two sites both stay. */
export interface CartLineKey {
  readonly site: string;
  readonly sequence: number;
}

export interface CartLine extends CartLineKey {
  readonly sku: string;
  readonly quantity: number;
  /** As shown to the buyer, and the revision where it was read. */
  readonly price: Amount;
  readonly priceRevision: number;
}

export interface Cart {
  readonly store: string;
  readonly cartId: string;
  readonly tokenHash: string;
  readonly buyerId: string;
  readonly status: CartStatus;
  /** Rises with every write: the ETag. */
  readonly version: number;
  readonly catalog: string;
  /** As whom its buyer looks at the catalogue. */
  readonly viewer: Viewer;
  /** ISO 4217. */
  readonly currency: string;
  readonly buyer: Omit<Buyer, 'buyerId'> | null;
  readonly shipTo: Address | null;
  /** Absent: the bill goes where the goods go. */
  readonly billTo: Address | null;
  readonly shippingMethod: string | null;
  readonly payment: Payment | null;
  readonly comments: string | null;
  readonly lines: readonly CartLine[];
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Longest comments, characters. */
export const COMMENTS_LENGTH_MAX = 2000;
/** Longest payment terms, days. */
export const TERMS_DAYS_MAX = 365;

export function formatLineId({ site, sequence }: CartLineKey): string {
  return `${site}.${sequence}`;
}

/** What is still missing before the cart can be ordered, in the words of the API. */
export function missingParts(cart: Cart): string[] {
  return [
    ...(cart.lines.length === 0 ? ['lines'] : []),
    ...(cart.buyer === null ? ['buyer'] : []),
    ...(cart.shipTo === null ? ['shipTo'] : []),
    ...(cart.shippingMethod === null ? ['shippingMethod'] : []),
    ...(cart.payment === null ? ['payment'] : []),
  ];
}

/** True when quantities times prices come to more than any amount may be. */
export function isBeyondAmount(lines: readonly Pick<CartLine, 'quantity' | 'price'>[]): boolean {
  return lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0) > AMOUNT_MAX;
}

/** The field of a payment that holds what looks like a card number; null when none does. */
export function cardNumberField(payment: Payment): string | null {
  for (const [field, value] of Object.entries(payment)) {
    if (typeof value === 'string' && findCardNumber(value) !== null) return field;
  }
  return null;
}

export interface PriceChange {
  readonly line: string;
  readonly sku: string;
  readonly oldPrice: Amount;
  readonly newPrice: Amount;
}

/** Lines whose price is no longer what the buyer was shown. */
export function priceChanges(cart: Cart, prices: ReadonlyMap<string, Amount>): PriceChange[] {
  return cart.lines.flatMap((line) => {
    const newPrice = prices.get(line.sku);
    if (newPrice === undefined || newPrice === line.price) return [];
    return [{ line: formatLineId(line), sku: line.sku, oldPrice: line.price, newPrice }];
  });
}

/** Why a cart does not become an order; the problem's type says it to the caller. */
export const SALE_REFUSALS = [
  'cart-not-found',
  'cart-closed',
  'cart-changed',
  'cart-incomplete',
  'item-not-sold',
  'order-too-large',
  'price-changed',
  'insufficient-stock',
  'primary-away',
] as const;

export type SaleRefusalReason = (typeof SALE_REFUSALS)[number];

/** Of each line what is there, in their order; a line of which nothing is there is left out. */
export function cutToAvailable<Line extends StockLine>(lines: readonly Line[], short: readonly ShortLine[]): Line[] {
  const left = new Map(short.map(({ sku, available }) => [sku, available]));
  return lines.flatMap((line) => {
    const quantity = Math.min(line.quantity, left.get(line.sku) ?? line.quantity);
    if (left.has(line.sku)) left.set(line.sku, (left.get(line.sku) ?? 0) - quantity);
    return quantity > 0 ? [{ ...line, quantity }] : [];
  });
}
