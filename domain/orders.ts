/** Orders as the selling site fixes them in the sale (design, sections 3, 5 and 6; figures 14 and 18). */
import { type Amount } from './money';
import { type Classification } from './catalog';

/** waiting → accepted by the parent → confirmed by the root in an epoch → fulfilled; or cancelled, parked. */
export type OrderState = 'waiting' | 'accepted' | 'confirmed' | 'fulfilled' | 'cancelled' | 'parked';
export type OrderMode = 'local' | 'synchronous' | 'redirect' | 'direct';

export interface Address {
  readonly name: string;
  /** Persons or departments, in the order written on the parcel. */
  readonly deliverTo: readonly string[];
  readonly street: readonly string[];
  readonly city: string;
  readonly state: string | null;
  readonly postalCode: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly countryCode: string;
  readonly email: string | null;
  readonly phone: string | null;
}

export interface Buyer {
  /** Opaque; a guest has one too. */
  readonly buyerId: string;
  readonly name: string;
  readonly email: string | null;
}

export type Payment =
  /** On account: paid within so many days. */
  | { readonly method: 'account'; readonly termsDays: number; readonly reference: string | null }
  /** A payment provider's token; never a card number. */
  | { readonly method: 'token'; readonly provider: string; readonly token: string };

export interface OrderLine {
  readonly lineNumber: number;
  readonly sku: string;
  readonly description: string;
  /** Units, at least 1. */
  readonly quantity: number;
  readonly unitPrice: Amount;
  readonly unitOfMeasure: string;
  readonly classification: Classification;
  /** Where the price was read: catalogue and revision. */
  readonly catalog: string;
  readonly revision: number;
}

export interface Order {
  readonly store: string;
  /** UUIDv7 made by the selling site. */
  readonly orderId: string;
  readonly cartId: string;
  /** The selling site and the incarnation of its data. */
  readonly site: string;
  readonly incarnation: number;
  readonly mode: OrderMode;
  readonly attempt: number;
  /** The fulfilment partner, once one is chosen. */
  readonly partner: string | null;
  readonly orderVersion: number;
  /** Milliseconds UTC. */
  readonly placedAt: number;
  /** ISO 4217, of every amount in the order. */
  readonly currency: string;
  readonly buyer: Buyer;
  readonly shipTo: Address;
  readonly billTo: Address;
  readonly shipping: { readonly method: string; readonly description: string; readonly amount: Amount };
  readonly tax: { readonly description: string; readonly amount: Amount };
  readonly payment: Payment;
  readonly lines: readonly OrderLine[];
  /** Lines + shipping + tax. */
  readonly total: Amount;
  readonly comments: string | null;
}

/** Most lines of one order: the largest of the real orders has 704. */
export const ORDER_LINES_MAX = 1000;
/** Most units of one line. */
export const LINE_QUANTITY_MAX = 1_000_000;

export function linesTotal(lines: readonly OrderLine[]): Amount {
  return lines.reduce((sum, line) => sum + line.unitPrice * line.quantity, 0);
}

export function orderTotal(order: Pick<Order, 'lines' | 'shipping' | 'tax'>): Amount {
  return linesTotal(order.lines) + order.shipping.amount + order.tax.amount;
}

/** What the receiver says of one order (design, section 3: answers are per order). */
export type OrderAnswer = {
  readonly orderId: string;
  /** The answering site. */
  readonly by: string;
} & (
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'confirmed'; readonly epoch: number }
  /** Another order of the same cart came first. */
  | { readonly outcome: 'cancelled'; readonly reason: string; readonly winner: string }
  /** Not taken; it waits for an operator. */
  | { readonly outcome: 'parked'; readonly reason: string }
);
