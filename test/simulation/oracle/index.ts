/** The oracle: looks at every site's tables after every step, and at what was told, and knows what must hold. */
import { type Units } from './amounts';
import { Books } from './books';
import { History } from './history';
import { Orders } from './orders';
import { Stock } from './stock';
import { Violation } from './violation';

export { Violation } from './violation';

export class Oracle {
  readonly history = new History();
  readonly stock: Stock;
  readonly orders: Orders;
  private readonly books = new Map<string, Books>();
  /** Looks in which something had changed. */
  checks = 0;

  constructor(
    root: string,
    childrenOfRoot: readonly string[],
    private readonly moment: () => { step: number; at: number },
  ) {
    const tell = (who: string, what: string, subjects: readonly string[]) => this.note(who, what, subjects);
    this.stock = new Stock(tell);
    this.orders = new Orders(root, childrenOfRoot, this.stock, tell);
  }

  /** Remembers what happened, for a failure's report. */
  note(who: string, what: string, subjects: readonly string[] = []): void {
    this.history.add({ ...this.moment(), who, what, subjects });
  }

  /** A site's database is in this file from here on. */
  follow(site: string, file: string): void {
    const before = this.books.get(site);
    this.books.set(site, new Books(site, file, before));
    before?.close();
  }

  /** As `follow`, for data that were restored from an older backup. */
  followRestored(site: string, file: string): void {
    this.books.get(site)?.close();
    const books = new Books(site, file);
    this.books.set(site, books);
    const news = books.news();
    if (!news) throw new Error(`nothing can be read of the restored data of ${site}`);
    this.stock.restored(site, news);
    this.orders.restored(site, news.orders);
  }

  /** Throws the first violation that it finds. */
  look(): void {
    let changed = false;
    for (const books of this.books.values()) {
      const news = books.news();
      if (!news) continue;
      changed = true;
      this.stock.read(books.site, news);
      this.orders.read(books, news.orders, news.ledger, news.events);
    }
    if (!changed) return;
    this.checks++;
    this.stock.requireBalance();
    this.stock.requireNothingOversold();
  }

  /** What is not as it must be once everything has arrived; empty when all is. */
  unsettled(): { what: string; subjects: readonly string[] }[] {
    const open = [...this.orders.unsettled()];
    for (const id of this.stock.transfersOnTheirWay())
      open.push({ what: `transfer ${id} has not arrived`, subjects: [id] });
    for (const books of this.books.values()) {
      for (const entry of books.outbox()) open.push({ what: `${books.site} has not sent ${entry}`, subjects: [] });
    }
    return open;
  }

  /** In the end: everything that was sent has arrived, and nothing that was told is lost. */
  requireSettled(): void {
    const [first, ...more] = this.unsettled();
    if (!first) return;
    const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
    throw new Violation(2, `when all was calm again, ${first.what}${rest}`, first.subjects);
  }

  fillCart(cart: string, units: Units): void {
    this.orders.fillCart(cart, units);
  }

  close(): void {
    for (const books of this.books.values()) books.close();
  }
}
