/**
 * Follows orders: what buyers were told, what the selling sites have committed, what the sites above have received.
 * What a site has committed once is remembered, whatever becomes of its data.
 */
import { type Units, same, show, unitsOf } from './amounts';
import { type Books, type EventRow, type LedgerRow, type OrderRow } from './books';
import { type Stock, type Tell } from './stock';
import { Violation } from './violation';

interface Sold {
  readonly order: string;
  readonly seller: string;
  readonly cart: string;
  readonly units: Units;
  /** Its units are rights again. */
  returned: boolean;
  /** They are, or were withdrawn with what data had that were lost. */
  settled: boolean;
  /** The data that it was sold in are gone. */
  sellerLost: boolean;
  /** It reached a site further up, whose data are gone. */
  receiverLost: boolean;
}

/** The states that an order may come to from each, at one site. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  waiting: ['accepted', 'confirmed', 'cancelled', 'parked'],
  accepted: ['confirmed', 'cancelled', 'parked'],
  parked: ['confirmed', 'cancelled'],
  confirmed: ['cancelled', 'fulfilled'],
  cancelled: [],
  fulfilled: [],
};

/** What may be said of an order once only. */
const ONCE = new Set(['placed', 'accepted', 'confirmed', 'cancelled', 'stock-returned', 'parked']);

export interface Seen {
  readonly state: string;
  readonly cart: string;
}

export class Orders {
  private readonly sold = new Map<string, Sold>();
  /** By site: the state of each order there. */
  private readonly seen = new Map<string, Map<string, Seen>>();
  /** Orders that buyers were told about, by cart. */
  private readonly told = new Map<string, Set<string>>();
  /** What buyers have put in their carts. */
  private readonly carts = new Map<string, Units>();
  private readonly answers = new Map<string, string>();
  private rootWasLost = false;

  constructor(
    private readonly root: string,
    private readonly childrenOfRoot: readonly string[],
    private readonly stock: Stock,
    private readonly tell: Tell,
  ) {}

  fillCart(cart: string, units: Units): void {
    this.carts.set(cart, units);
  }

  /** Reads what a site has committed. */
  read(books: Books, rows: readonly OrderRow[], ledger: readonly LedgerRow[], events: readonly EventRow[]): void {
    const { site } = books;
    const known = this.seen.get(site) ?? new Map<string, Seen>();
    for (const row of rows) {
      const before = known.get(row.id);
      if (before?.state === row.state) continue;
      this.tell(site, `order ${row.id} of ${row.seller}: ${before?.state ?? 'new'} → ${row.state}`, this.about(row));
      if (before) this.requireForward(site, row, before.state);
      else if (row.seller === site) this.sell(books, row);
      else this.receive(books, row);
      known.set(row.id, { state: row.state, cart: row.cart });
    }
    this.seen.set(site, known);
    this.requireLedger(site, ledger);
    this.requireOnce(site, events);
    if (site === this.root) this.requireOneOrderPerCart(known);
  }

  /** A site's data were lost; older ones are in their place. */
  restored(site: string, rows: readonly OrderRow[]): void {
    const there = new Map(rows.map((row) => [row.id, { state: row.state, cart: row.cart }]));
    for (const order of this.sold.values()) {
      const gone = this.seen.get(site)?.has(order.order) === true && !there.has(order.order);
      if (gone && order.seller === site) order.sellerLost = true;
      if (gone && order.seller !== site) order.receiverLost = true;
    }
    if (site === this.root) this.rootWasLost = true;
    this.seen.set(site, there);
    // What was answered by the lost data may be answered anew.
    for (const key of [...this.answers.keys()]) if (key.startsWith(`${site} `)) this.answers.delete(key);
  }

  /** Invariant 2: a buyer hears of an order. It must be there, and be what the buyer asked for. */
  tellBuyer(site: string, cart: string, order: string): void {
    this.tell('buyer', `is told by ${site} that cart ${cart} is order ${order}`, [cart, order]);
    const sold = this.sold.get(order);
    const about = [cart, order, ...(this.carts.get(cart)?.keys() ?? [])];
    if (!sold) throw new Violation(2, `a buyer was told of order ${order} by ${site}, where it is not`, about);
    if (sold.cart !== cart) throw new Violation(2, `cart ${cart} was told to be order ${order} of ${sold.cart}`, about);
    const told = this.told.get(cart) ?? new Set();
    const other = [...told].find((id) => id !== order && this.sold.get(id)?.seller === sold.seller);
    if (other !== undefined && this.sold.get(other)?.sellerLost === false) {
      throw new Violation(4, `${site} told that cart ${cart} is order ${order}, and before that it is ${other}`, about);
    }
    this.told.set(cart, told.add(order));
  }

  /** Invariant 5: the same document gets the same answer. */
  answered(site: string, document: string, answer: string): void {
    const key = `${site} ${document}`;
    const before = this.answers.get(key);
    if (before !== undefined && before !== answer) {
      const subject = document.replace(/^\w+ /, '');
      throw new Violation(5, `${site} answered ${document} with ${before}, and again with ${answer}`, [subject]);
    }
    this.answers.set(key, answer);
  }

  /** How many carts have become orders at more than one site. */
  get cartsSoldTwice(): number {
    const carts = [...this.sold.values()].map(({ cart }) => cart);
    return carts.length - new Set(carts).size;
  }

  get returns(): number {
    return [...this.sold.values()].filter(({ returned }) => returned).length;
  }

  /** What is not yet as it must be in the end, when everything that could be sent was: for people, none when all is. */
  unsettled(): { what: string; subjects: readonly string[] }[] {
    const open: { what: string; subjects: readonly string[] }[] = [];
    const atRoot = this.seen.get(this.root) ?? new Map<string, Seen>();
    for (const order of this.sold.values()) {
      const { order: id, seller, cart, sellerLost, receiverLost } = order;
      const root = atRoot.get(id)?.state;
      const own = this.seen.get(seller)?.get(id)?.state;
      const subjects = [id, cart, ...order.units.keys()];
      const say = (what: string) => open.push({ what: `order ${id} of ${seller} ${what}`, subjects });
      if (receiverLost || (sellerLost && root === undefined)) continue;
      // Another order of its cart came first at a site in between.
      if (root === undefined && own === 'cancelled' && order.settled) continue;
      // What the root says is told to its children only: further down an order stays accepted, cancelled or not.
      const heard = own === root || (own === 'accepted' && !this.childrenOfRoot.includes(seller));
      if (root === undefined) say(`(${own ?? 'lost'}) has never reached ${this.root}`);
      else if (own === 'accepted' && heard) continue;
      else if (!sellerLost && !heard) say(`is ${own} at ${seller}, and ${root} at ${this.root}`);
      else if (root === 'cancelled' && !sellerLost && !order.settled) say('was cancelled, and its units are not back');
    }
    if (this.rootWasLost) return open;
    for (const [cart, orders] of this.told) {
      const live = [...orders].filter((id) => atRoot.get(id)?.state === 'confirmed');
      const winner = [...atRoot.values()].find((seen) => seen.cart === cart && seen.state === 'confirmed');
      const excused = [...orders].every((id) => {
        const order = this.sold.get(id);
        return order?.sellerLost === true || order?.receiverLost === true;
      });
      if (live.length > 0 || winner || excused) continue;
      open.push({
        what: `cart ${cart}, told to be ordered, has no order at ${this.root}`,
        subjects: [cart, ...orders],
      });
    }
    return open;
  }

  private about({ id, cart }: OrderRow): string[] {
    return [id, cart, ...(this.sold.get(id)?.units.keys() ?? this.carts.get(cart)?.keys() ?? [])];
  }

  private sell(books: Books, row: OrderRow): void {
    const { site } = books;
    const units = unitsOf(books.linesOf(row.id));
    const cart = this.carts.get(row.cart);
    const about = this.about(row);
    if (!cart || !same(cart, units)) {
      const detail = `${site} sold ${show(units)} as order ${row.id} of cart ${row.cart}, which holds ${show(cart ?? new Map())}`;
      throw new Violation(2, detail, about);
    }
    if (this.sold.has(row.id)) throw new Violation(2, `${site} sold order ${row.id} again`, about);
    const twin = [...this.sold.values()].find(
      (other) => other.cart === row.cart && other.seller === site && !other.sellerLost,
    );
    if (twin) throw new Violation(4, `${site} sold cart ${row.cart} as ${row.id}, and before as ${twin.order}`, about);
    this.sold.set(row.id, {
      ...{ order: row.id, seller: site, cart: row.cart, units },
      ...{ returned: false, settled: false, sellerLost: false, receiverLost: false },
    });
    this.stock.sell(units);
  }

  private receive(books: Books, row: OrderRow): void {
    const { site } = books;
    const sold = this.sold.get(row.id);
    const about = this.about(row);
    if (!sold) throw new Violation(2, `${site} has order ${row.id} of ${row.seller}, where nobody sold it`, about);
    const units = unitsOf(books.linesOf(row.id));
    if (sold.seller !== row.seller || sold.cart !== row.cart || !same(sold.units, units)) {
      const detail = `${site} has order ${row.id} as ${show(units)} of ${row.seller}; ${sold.seller} sold ${show(sold.units)}`;
      throw new Violation(5, detail, about);
    }
  }

  private requireForward(site: string, row: OrderRow, before: string): void {
    if (AFTER[before]?.includes(row.state)) return;
    throw new Violation(5, `order ${row.id} at ${site} went from ${before} to ${row.state}`, this.about(row));
  }

  /** The ledger's sales and returns are those of the orders. */
  private requireLedger(site: string, ledger: readonly LedgerRow[]): void {
    const ofOrders = new Map<string, LedgerRow[]>();
    for (const row of ledger) {
      if (!row.cause.startsWith('order:')) continue;
      const id = row.cause.slice('order:'.length);
      ofOrders.set(id, [...(ofOrders.get(id) ?? []), row]);
    }
    for (const [id, rows] of ofOrders) {
      const of = (kind: string) => unitsOf(rows.filter((row) => row.kind === kind));
      const [sale, back, withdrawn] = [of('sale'), of('return'), of('adjustment')];
      const sold = this.sold.get(id);
      const about = [id, ...unitsOf(rows).keys()];
      const whole = [sale, back, withdrawn].every(({ size }) => size === 0 || size === sold?.units.size);
      const fits = (units: Units, sign: number) =>
        [...units].every(([sku, n]) => n === sign * (sold?.units.get(sku) ?? 0));
      if (sold?.seller !== site || !whole || !fits(sale, -1) || !fits(back, 1) || !fits(withdrawn, -1)) {
        const booked = `${show(sale)} as sale, ${show(back)} as return, ${show(withdrawn)} withdrawn`;
        const detail = `${site} booked ${booked} for order ${id}, which is of ${show(sold?.units ?? new Map())}`;
        throw new Violation(1, detail, about);
      }
      if (back.size > 0) this.giveBack(site, sold, withdrawn.size > 0, about);
      else if (withdrawn.size > 0) throw new Violation(1, `${site} withdrew units of order ${id}, not returned`, about);
    }
  }

  private giveBack(site: string, sold: Sold, withdrawn: boolean, about: readonly string[]): void {
    if (this.seen.get(site)?.get(sold.order)?.state !== 'cancelled') {
      throw new Violation(1, `${site} returned the units of order ${sold.order}, which is not cancelled`, about);
    }
    if (withdrawn) return void (sold.settled = true);
    if (sold.returned) throw new Violation(1, `${site} returned the units of order ${sold.order} again`, about);
    sold.returned = true;
    sold.settled = true;
    this.stock.sell(sold.units, -1);
  }

  private requireOnce(site: string, events: readonly EventRow[]): void {
    for (const { subject, kind, count } of events) {
      if (count <= 1 || !ONCE.has(kind)) continue;
      const id = subject.replace(/^order:/, '');
      throw new Violation(5, `${site} says of ${subject} ${count} times that it is ${kind}`, [id]);
    }
  }

  private requireOneOrderPerCart(known: ReadonlyMap<string, Seen>): void {
    const live = new Map<string, string>();
    for (const [id, { state, cart }] of known) {
      if (state === 'cancelled' || state === 'parked') continue;
      const other = live.get(cart);
      if (other !== undefined && !this.rootWasLost) {
        throw new Violation(4, `${this.root} would ship cart ${cart} twice: as ${other} and ${id}`, [cart, other, id]);
      }
      live.set(cart, id);
    }
  }
}
