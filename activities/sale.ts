/**
 * The sale (figures 14 and 18): a cart becomes an order in one local transaction, before which it borrows what it is
 * short of. Its steps can be run again, and no transaction is open across a call.
 */
import { writeOrderRequest } from '../cxml/orders';
import { DOCUMENT_BYTES_MAX } from '../cxml/reader';
import { CartMovedError, closeAsOrdered, findCart } from '../db/carts';
import { type ItemOnSale, findItems } from '../db/catalog/browse';
import { type Statements, type Transaction } from '../db/database';
import { appendEvent, orderSubject } from '../db/events';
import { debitSale, forgetWanted, recordRefusedDemand, shortOf } from '../db/inventory';
import { bookOrders, nameWinners, orderOfCart } from '../db/orders';
import { enqueue } from '../db/outbox';
import { type OwnTopology, isNumbered, loadTopology } from '../db/topology';
import { TellableError } from '../domain/errors';
import { type Cart, type PriceChange, cutToAvailable, missingParts, priceChanges } from '../domain/carts';
import { formatPayloadID } from '../domain/documents';
import { type ShortLine, shortLines } from '../domain/inventory';
import { AMOUNT_MAX, formatAmount } from '../domain/money';
import { type Order, type OrderLine, orderTotal } from '../domain/orders';
import { parentOf } from '../domain/sites';
import { formatTraceparent } from '../domain/trace';
import { type ShippingMethod, type SiteContext, type StoreSettings, storeSettings } from './context';
import { borrowForCart } from './inventory/order-borrowing';
import { type Asked, availableBeforeAsking, notReached, wasTaken } from './inventory/reserving';

export interface SaleRequest {
  readonly store: string;
  readonly cartId: string;
  /** As the caller has just read it; a change meanwhile is found by its version. */
  readonly cart?: Cart;
  /** The version that the buyer saw; absent for whatever it is now. */
  readonly version?: number;
  /** The workflow that asks. */
  readonly requestedBy?: string;
  /** What the buyer wants where stock is short; refused unless said. */
  readonly ifShort?: IfShort;
}

/** `part`: what there is, and nothing of the rest. */
export type IfShort = 'refuse' | 'part';

export type SaleResult =
  | {
      readonly outcome: 'ordered';
      readonly orderId: string;
      readonly already: boolean;
      /** What the order has less than the cart, where the buyer took a part. */
      readonly cut: readonly ShortLine[];
    }
  | { readonly outcome: 'refused'; readonly refusal: SaleRefusal };

export type SaleRefusal =
  | { readonly problem: 'cart-not-found' }
  | { readonly problem: 'cart-closed' }
  | { readonly problem: 'cart-changed'; readonly version: number }
  | { readonly problem: 'cart-incomplete'; readonly missing: readonly string[] }
  | { readonly problem: 'item-not-sold'; readonly skus: readonly string[] }
  /** What the parent would not take: `limit` says what may be. */
  | { readonly problem: 'order-too-large'; readonly limit: string }
  | { readonly problem: 'price-changed'; readonly changes: readonly PriceChange[]; readonly currency: string }
  | { readonly problem: 'insufficient-stock'; readonly short: readonly ShortLine[] }
  /** Of items whose stock is kept at the primary: nobody knows here whether there is enough. */
  | { readonly problem: 'primary-away'; readonly skus: readonly string[] };

/** Logged when a sale's COMMIT had no answer; `found` says whether it had happened. */
export const UNKNOWN_COMMIT = "a sale's COMMIT had no answer: its cart was looked up";

const refused = (refusal: SaleRefusal): SaleResult => ({ outcome: 'refused', refusal });

/** Stock was short: what the transaction did is undone by this error. */
class ShortError extends Error {}

/** Sales of one cart that found stock before, and none in, their transaction; then the site is too busy to tell. */
const SHORT_ATTEMPTS_MAX = 5;

export async function sellCart(context: SiteContext, request: SaleRequest): Promise<SaleResult> {
  const { clock } = context.runtime;
  const startedAt = clock.now();
  const result = await sell(context, request);
  const metrics = context.metrics.of(request.store);
  if (result.outcome === 'refused') metrics.refusedSale(result.refusal.problem, clock.now() - startedAt);
  else if (!result.already) metrics.sold(clock.now() - startedAt);
  return result;
}

/** One attempt at a sale, once it is known that the cart can be ordered. */
interface Attempt {
  readonly request: SaleRequest;
  readonly settings: StoreSettings;
  readonly cart: Cart;
  readonly method: ShippingMethod;
  readonly items: ItemsOnSale;
  /** What was borrowed for it. */
  readonly asked: Asked | null;
}

async function sell(context: SiteContext, request: SaleRequest, asked: Asked | null = null): Promise<SaleResult> {
  const { db } = context;
  const cart = request.cart ?? (await findCart(db, request.store, request.cartId));
  if (!cart) return refused({ problem: 'cart-not-found' });
  if (cart.status === 'C') return soldBefore(context, cart);
  if (cart.status === 'closed') return refused({ problem: 'cart-closed' });
  if (request.version !== undefined && request.version !== cart.version) {
    return refused({ problem: 'cart-changed', version: cart.version });
  }
  const settings = storeSettings(context, request.store);
  const method = settings.shippingMethods.find(({ code }) => code === cart.shippingMethod);
  // A method that is no longer offered is as good as none.
  const missing = missingParts(method ? cart : { ...cart, shippingMethod: null });
  if (!method || missing.length > 0) return refused({ problem: 'cart-incomplete', missing });
  const skus = [...new Set(cart.lines.map(({ sku }) => sku))];
  const items = await itemsOnSale(db, cart, skus);
  const gone = skus.filter((sku) => !items.has(sku));
  if (gone.length > 0) return refused({ problem: 'item-not-sold', skus: gone });
  if (settings.priceChange === 'refuse') {
    const changes = priceChanges(cart, new Map([...items].map(([sku, { item }]) => [sku, item.price])));
    if (changes.length > 0) return refused({ problem: 'price-changed', changes, currency: cart.currency });
  }
  const there = new Map([...items].map(([sku, found]) => [sku, found.available]));
  const available = asked === null ? await availableBeforeAsking(context, settings, there) : there;
  const short = shortLines(cart.lines, available);
  const attempt: Attempt = { request, settings, cart, method, items, asked };
  return short.length > 0 ? sellShort(context, attempt, short) : commitSale(context, attempt, []);
}

/** Borrows, once; then says honestly what there is. `lacking`: beyond what it may have without asking. */
async function sellShort(context: SiteContext, attempt: Attempt, lacking: readonly ShortLine[]): Promise<SaleResult> {
  const { request, settings, cart, asked } = attempt;
  const mayAsk =
    asked === null ? settings.inventory.borrowing.waitMs > 0 : await wasTaken(context, settings, asked, lacking);
  if (mayAsk && isNumbered(await loadTopology(context.db, cart.store)) && !(await isOrdered(context, cart))) {
    const deadline = asked?.deadline ?? context.runtime.clock.now() + settings.inventory.borrowing.waitMs;
    const borrowing = await borrowForCart(context, settings, cart, lacking, deadline);
    const { cart: _seen, ...again } = request;
    return sell(context, again, { borrowing, deadline, times: (asked?.times ?? 0) + 1 });
  }
  // Nobody could be asked: then an order may have what is kept for emergencies, too.
  const short = asked === null ? await shortOf(context.db, cart.store, cart.lines) : lacking;
  if (short.length === 0) return commitSale(context, attempt, []);
  if (request.ifShort === 'part' && cutToAvailable(cart.lines, short).length > 0) {
    return commitSale(context, attempt, short);
  }
  return refuseShort(context, attempt, short);
}

/** What is missing may have gone to this very cart, sold by a request beside this one. */
async function isOrdered({ db }: SiteContext, { store, cartId }: Cart): Promise<boolean> {
  return (await orderOfCart(db, store, cartId)) !== undefined;
}

export type ItemsOnSale = ReadonlyMap<string, ItemOnSale>;

/** Those of the skus that the cart's catalogue sells now to its buyer, in the cart's currency. */
export async function itemsOnSale(
  reads: Statements,
  cart: Pick<Cart, 'store' | 'catalog' | 'currency' | 'viewer'>,
  skus: readonly string[],
): Promise<ItemsOnSale> {
  const found = await findItems(reads, cart, [...new Set(skus)]);
  return new Map(found.filter(({ item }) => item.currency === cart.currency).map((entry) => [entry.item.sku, entry]));
}

async function soldBefore({ db }: SiteContext, cart: Cart): Promise<SaleResult> {
  const orderId = await orderOfCart(db, cart.store, cart.cartId);
  if (orderId === undefined) throw new TellableError(`cart ${cart.cartId} is ordered, but its order is not known here`);
  return { outcome: 'ordered', orderId, already: true, cut: [] };
}

/** `cut`: of what the order has no more than is there. */
async function commitSale(context: SiteContext, attempt: Attempt, cut: readonly ShortLine[]): Promise<SaleResult> {
  const { db, runtime, log } = context;
  const { settings, cart, request } = attempt;
  const own = await loadTopology(db, cart.store);
  const order = makeOrder(attempt, own, cutToAvailable(cart.lines, cut), runtime.ids.uuid(), runtime.clock.now());
  if (order.total > AMOUNT_MAX) {
    const limit = `its total may be at most ${formatAmount(AMOUNT_MAX)} ${order.currency}`;
    return refused({ problem: 'order-too-large', limit });
  }
  const document = orderDocument(context, settings, own, order);
  if (Buffer.byteLength(document.xml) > DOCUMENT_BYTES_MAX) {
    return refused({ problem: 'order-too-large', limit: `its document may have at most ${DOCUMENT_BYTES_MAX} bytes` });
  }
  for (let tried = 1; ; tried++) {
    try {
      await db.transaction((tx) => writeSale(context, tx, own, attempt, { order, document, cut }), {
        resolveUnknownCommit: async () => {
          const found = (await orderOfCart(db, cart.store, cart.cartId)) === order.orderId;
          log.warn({ store: cart.store, orderId: order.orderId, cartId: cart.cartId, found }, UNKNOWN_COMMIT);
          return found ? true : undefined;
        },
      });
      const { orderId, cartId, lines } = order;
      const about = { store: cart.store, epoch: own.topology.epoch, orderId, cartId, payloadId: document.payloadId };
      log.info({ ...about, lines: lines.length }, 'sold');
      return { outcome: 'ordered', orderId, already: false, cut };
    } catch (error) {
      // Somebody was quicker: what became of the cart decides.
      if (error instanceof CartMovedError) return sellAgain(context, request, cart.version);
      if (!(error instanceof ShortError)) throw error;
      const short = await shortOf(db, cart.store, cart.lines);
      if (short.length > 0) return sellShort(context, attempt, short);
      // Stock came between the sale and the look at what was short.
      if (tried === SHORT_ATTEMPTS_MAX) throw error;
    }
  }
}

async function sellAgain(context: SiteContext, request: SaleRequest, seen: number): Promise<SaleResult> {
  const cart = await findCart(context.db, request.store, request.cartId);
  if (cart?.status === 'C') return soldBefore(context, cart);
  return refused({ problem: 'cart-changed', version: cart?.version ?? seen });
}

async function refuseShort(
  { db, runtime }: SiteContext,
  { settings, cart, asked }: Attempt,
  short: readonly ShortLine[],
): Promise<SaleResult> {
  const { store, cartId } = cart;
  const orderId = await orderOfCart(db, store, cartId);
  if (orderId !== undefined) return { outcome: 'ordered', orderId, already: true, cut: [] };
  const unknown = await notReached(db, settings, short, asked);
  if (unknown.length > 0) return refused({ problem: 'primary-away', skus: unknown });
  const demandId = runtime.ids.uuid();
  await db.transaction(async (tx) => {
    await recordRefusedDemand(tx, { store, cartId, demandId, lines: short, now: runtime.clock.now() });
    if (asked) await forgetWanted(tx, store, asked.borrowing);
  });
  return refused({ problem: 'insufficient-stock', short });
}

/** The order with its snapshots of buyer, addresses, items and prices. The cart is complete. */
function makeOrder(
  { settings: { tax }, cart, method, items }: Attempt,
  { topology, site, incarnation }: OwnTopology,
  ordered: Cart['lines'],
  orderId: string,
  placedAt: number,
): Order {
  const { buyer, shipTo, payment } = cart;
  if (!buyer || !shipTo || !payment) throw new TellableError(`cart ${cart.cartId} is not complete`);
  const lines = ordered.map((line, index): OrderLine => {
    const { item } = items.get(line.sku) as ItemOnSale;
    const { sku, description, unitOfMeasure, classification } = item;
    return {
      ...{ lineNumber: index + 1, sku, description, quantity: line.quantity, unitPrice: line.price },
      ...{ unitOfMeasure, classification, catalog: cart.catalog, revision: line.priceRevision },
    };
  });
  const shipping = { method: method.code, description: method.description, amount: method.amount };
  return {
    ...{ store: topology.store, orderId, cartId: cart.cartId, site, incarnation, mode: 'local', attempt: 1 },
    ...{ partner: null, orderVersion: 1, placedAt, currency: cart.currency },
    buyer: { buyerId: cart.buyerId, ...buyer },
    ...{ shipTo, billTo: cart.billTo ?? shipTo, shipping, tax, payment, lines },
    total: orderTotal({ lines, shipping, tax }),
    comments: cart.comments,
  };
}

interface FixedDocument {
  readonly payloadId: string;
  readonly xml: string;
}

/** The bytes from site to root are fixed here, in the sale. */
function orderDocument(
  { url, site }: SiteContext,
  { store, domain, language }: StoreSettings,
  { topology }: OwnTopology,
  order: Order,
): FixedDocument {
  const payloadId = formatPayloadID(order.placedAt, order.orderId, order.orderVersion, domain);
  const receiver = parentOf(topology, site)?.site ?? site;
  const envelope = { payloadID: payloadId, timestamp: order.placedAt, store, domain, sender: site, receiver };
  const xml = writeOrderRequest(order, envelope, { type: 'new', language, followupUrl: `${url}/cxml` });
  return { payloadId, xml };
}

interface WhatIsSold {
  readonly order: Order;
  readonly document: FixedDocument;
  readonly cut: readonly ShortLine[];
}

async function writeSale(
  context: SiteContext,
  tx: Transaction,
  { topology, site, incarnation }: OwnTopology,
  { cart, request, asked }: Attempt,
  { order, document, cut }: WhatIsSold,
): Promise<true> {
  const { store, orderId, placedAt: now } = order;
  const { epoch } = topology;
  await closeAsOrdered(tx, cart, now);
  const parent = parentOf(topology, site);
  // What the root sells is confirmed by being written there.
  const state = parent ? 'waiting' : 'confirmed';
  const confirmedEpoch = parent ? null : epoch;
  const requestedBy = request.requestedBy ?? null;
  const { payloadId, xml } = document;
  const booking = {
    order,
    payloadId,
    document: xml,
    state,
    stateReason: null,
    epoch,
    confirmedEpoch,
    requestedBy,
  } as const;
  await bookOrders(tx, [booking], now);
  await nameWinners(tx, store, [{ cartId: cart.cartId, orderId }], now);
  await appendEvent(
    tx,
    store,
    orderSubject(orderId),
    parent ? 'placed' : 'confirmed',
    { by: site, cart: cart.cartId },
    now,
  );
  if (parent) {
    await enqueue(tx, {
      ...{ store, outboxId: context.runtime.ids.uuid(), destination: parent.site, kind: 'order', subject: orderId },
      ...{ epoch, traceContext: context.trace && formatTraceparent(context.trace), createdAt: now },
    });
    tx.afterCommit(context.outboxHasWork);
  }
  if (cut.length > 0) {
    const demandId = context.runtime.ids.uuid();
    await recordRefusedDemand(tx, { store, cartId: cart.cartId, demandId, lines: cut, now });
  }
  if (asked) await forgetWanted(tx, store, asked.borrowing);
  // Last, for what is debited is locked until the COMMIT, and everybody may want the same item.
  const debited = await debitSale(tx, { store, orderId, lines: order.lines, epoch, incarnation, now });
  if (!debited) throw new ShortError('stock is short');
  return true;
}

/** A refusal in one sentence for people. */
export function describeRefusal(refusal: SaleRefusal, cartId: string): string {
  switch (refusal.problem) {
    case 'cart-not-found':
      return `there is no cart ${cartId}`;
    case 'cart-closed':
      return `cart ${cartId} was closed: begin a new one`;
    case 'cart-changed':
      return `cart ${cartId} is at version ${refusal.version} now: read it again, then order`;
    case 'cart-incomplete':
      return `cart ${cartId} lacks ${refusal.missing.join(', ')}: set them, then order`;
    case 'item-not-sold':
      return `${refusal.skus.join(', ')} is no longer sold: remove it from the cart, then order`;
    case 'order-too-large':
      return `cart ${cartId} is too large for one order: ${refusal.limit}: order it in parts`;
    case 'price-changed':
      return `the price of ${refusal.changes.map(({ sku }) => sku).join(', ')} has changed: take the new prices, then order`;
    case 'primary-away':
      return `the stock of ${refusal.skus.join(', ')} is kept at the primary, which does not answer: try again`;
    case 'insufficient-stock':
      return `too little stock: ${refusal.short
        .map(({ sku, requested, available }) => `${requested} of "${sku}" wanted, ${available} there`)
        .join('; ')}`;
  }
}
