/** What a borrowing is called, what is still open of it, and how long one may wait for it (figure 12). */
import { type Giver, planBorrowing } from './borrowing';
import { type ShortLine, type StockLine, type TransferId, sumBySku, unitsOf } from './rights';
import { type Demand } from './demand';
import { type ItemStock } from './stock';

/** Rights that a giver has debited for a taker, and that the taker credits once. */
export interface LentTransfer {
  readonly transfer: TransferId;
  readonly payloadID: string;
  readonly lines: readonly StockLine[];
}

/** What came of a borrowing, or of one site's part in it. */
export interface Loan {
  readonly transfers: readonly LentTransfer[];
  /** False while somebody who was asked has not answered: there may be more. */
  readonly complete: boolean;
}

/** What the site with the short order asks first; its number rises when it was answered, and the order is short again. */
export function formatBorrowing(cart: string, site: string, incarnation: number, attempt: number): string {
  return `${cart}-${site}-${incarnation}-${attempt}`;
}

/** What a site asks of the n-th other site on behalf of a borrowing. */
export function formatAsk(borrowing: string, n: number): string {
  return `${borrowing}.${n}`;
}

/** The borrowing that an ask is for, however many sites it has passed. */
export function borrowingOfAsk(ask: string): string {
  return ask.split('.', 1)[0] as string;
}

/** The cart whose order a borrowing or an ask is for; null where the name does not say. */
export function cartOfBorrowing(ask: string, taker: string, takerIncarnation: number): string | null {
  const end = borrowingOfAsk(ask).lastIndexOf(`-${taker}-${takerIncarnation}-`);
  return end > 0 ? ask.slice(0, end) : null;
}

/** The cause of every movement that an ask brings about. */
export function borrowingCause(ask: string): string {
  return `borrowing:${ask}`;
}

/** The cause of the transfers by which a parent takes units back. */
export function recallCause(updateId: string): string {
  return `recall:${updateId}`;
}

/** What a transfer's document is called by, where it grants its taker nothing. */
const UNGRANTED: Readonly<Record<string, string>> = { [borrowingCause('')]: 'loan', [recallCause('')]: 'recall' };

/**
 * The subject of the payloadID of a transfer's document. Its taker, who knows no more of it, tells by that what it was
 * granted to sell from what was lent for one order, and from what came back.
 */
export function transferSubject(transfer: string, cause: string): string {
  const ungranted = Object.entries(UNGRANTED).find(([prefix]) => cause.startsWith(prefix));
  return `${ungranted?.[1] ?? 'transfer'}-${transfer}`;
}

/** How the subjects of such payloadIDs begin. */
export const UNGRANTED_SUBJECTS: readonly string[] = Object.values(UNGRANTED).map((name) => `${name}-`);

/** What an order lacks. */
export function missingOf(short: readonly ShortLine[]): StockLine[] {
  return short.map(({ sku, requested, available }) => ({ sku, quantity: requested - available }));
}

/** The lines less what these lines cover. */
export function lessOf(lines: readonly StockLine[], covered: readonly StockLine[]): StockLine[] {
  const less = new Map(sumBySku(covered).map(({ sku, quantity }) => [sku, quantity]));
  return sumBySku(lines)
    .map(({ sku, quantity }) => ({ sku, quantity: quantity - (less.get(sku) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}

/** Of each line as much as there is. */
export function partOf(lines: readonly StockLine[], there: readonly StockLine[]): StockLine[] {
  const available = new Map(sumBySku(there).map(({ sku, quantity }) => [sku, quantity]));
  return sumBySku(lines)
    .map(({ sku, quantity }) => ({ sku, quantity: Math.min(quantity, available.get(sku) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}

export function linesOfTransfers(transfers: readonly LentTransfer[]): StockLine[] {
  return transfers.flatMap(({ lines }) => lines);
}

/** What a site must keep of its own time to write down and pass on an answer, milliseconds. */
const HOP_MARGIN_MS = 40;
/** Less than this is not worth a question, milliseconds. */
const WAIT_MIN_MS = 20;
/** Of the time that is left, the part that finding out who has what may take. */
const OFFER_SHARE = 0.4;

/** How long another site may take to answer when so much is left here; 0: it is too late to ask. */
export function waitOfHop(leftMs: number): number {
  const wait = Math.floor(leftMs) - HOP_MARGIN_MS;
  return wait < WAIT_MIN_MS ? 0 : wait;
}

export function waitForOffers(leftMs: number): number {
  return waitOfHop(leftMs * OFFER_SHARE);
}

/** Of what is open, which sites are asked for what, when each has said what it could give. */
export function planGivers(asker: string, open: readonly StockLine[], offers: readonly Giver[]): readonly Giver[] {
  return planBorrowing(
    { asker, lines: open },
    stockOfOffers(open, offers, () => 0),
  ).givers;
}

/** What there is of the lines' items, as the sites that were reached have said it. */
export function stockOfOffers(
  lines: readonly StockLine[],
  offers: readonly Giver[],
  pool: (sku: string) => number,
): ReadonlyMap<string, ItemStock> {
  const of = (sku: string, offered: readonly StockLine[]) => unitsOf(offered.filter((line) => line.sku === sku));
  return new Map(
    lines.map(({ sku }) => {
      const sites = offers.map((offer) => ({
        site: offer.site,
        units: of(sku, offer.lines),
        reachable: true,
        demand: UNKNOWN,
      }));
      return [sku, { sku, pool: pool(sku), sites }];
    }),
  );
}

/** Whoever has said what it could give has thought of its own demand. */
const UNKNOWN: Demand = { unitsPerDay: 0, linesAbove: [] };

/** What a site has beyond the units of each item that it keeps. */
export function aboveFloor(levels: readonly StockLine[], floor: number): StockLine[] {
  return levels
    .map(({ sku, quantity }) => ({ sku, quantity: quantity - floor }))
    .filter(({ quantity }) => quantity > 0);
}
