/** Buyers that read at a site while a document is on its way to it, and hold what they see to what was published. */
import { findItems } from '../../db/catalog/browse';
import { PUBLIC } from '../../domain/audience';
import { parseAmount } from '../../domain/money';
import { formatRevision } from '../../domain/catalog';
import { CATALOG, type World } from '../support/world';
import { type Truth } from './change-stream';

const PAGE_LIMIT = 200;
/** Single items read between two pages. */
const ITEMS_PER_PAGE = 24;
const SKUS_PER_READ = 3;

interface Page {
  readonly items: { sku: string; price: { amount: string } }[];
  readonly next: string | null;
  readonly revision: string;
}

export class Readers {
  /** Reads and pages so far. */
  reads = 0;
  /** Whole walks from the first page to the last, and those of them during which the site took a revision. */
  walks = 0;
  walksAcross = 0;
  /** What it has seen that it should not have. */
  failure: Error | undefined;
  private stopping = false;
  private resting: Promise<void> | undefined;
  private wake: () => void = () => undefined;
  private running: Promise<void> | undefined;
  private newest = 0;

  constructor(
    private readonly world: World,
    private readonly site: string,
    private readonly truth: Truth,
    private readonly random: () => number,
  ) {}

  /** They begin to rest, and read on with `wakeUp`. */
  rest(): void {
    this.resting ??= new Promise((resolve) => (this.wake = resolve));
  }

  wakeUp(): void {
    this.resting = undefined;
    this.wake();
  }

  start(): void {
    this.stopping = false;
    this.running = this.run().catch((cause: unknown) => {
      this.failure = new Error(`a reader at ${this.site} has failed`, { cause });
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    await this.running;
    if (this.failure !== undefined) throw this.failure;
  }

  /** What was seen of the site's older data does not count any more. */
  forget(): void {
    this.newest = 0;
  }

  private async run(): Promise<void> {
    while (!this.stopping) await this.walk();
  }

  /** Page by page, reading single items between. */
  private async walk(): Promise<void> {
    let after = '';
    let seen = 0;
    let first: number | undefined;
    let last = '';
    do {
      await this.resting;
      const page = await this.page(after);
      const revision = numberOf(page.revision);
      first ??= revision;
      this.expect(revision === first, `a walk began at revision ${first} and went on at ${revision}`);
      for (const { sku, price } of page.items) {
        this.expect(sku > last, `item ${sku} comes after ${last}`);
        this.expectPrice(sku, revision, parseAmount(price.amount));
        last = sku;
      }
      seen += page.items.length;
      for (let times = 0; times < ITEMS_PER_PAGE; times++) {
        await this.resting;
        await this.items();
      }
      after = page.next ?? '';
    } while (after !== '' && !this.stopping);
    if (this.stopping) return;
    const count = first === 0 ? 0 : this.truth.count(first);
    this.expect(seen === count, `revision ${first} has ${String(count)} items, the walk saw ${seen}`);
    this.walks++;
    if (this.newest > first) this.walksAcross++;
  }

  private async page(after: string): Promise<Page> {
    const query = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
    const { status, body } = await this.world.call(this.site, 'GET', `/items?limit=${PAGE_LIMIT}${query}`);
    this.expect(status === 200, `a page was answered with ${status}`);
    this.reads++;
    return body as unknown as Page;
  }

  /** As carts and checkouts read. */
  private async items(): Promise<void> {
    const skus = this.truth.skus;
    const some = Array.from({ length: SKUS_PER_READ }, () => skus[Math.floor(this.random() * skus.length)] ?? '');
    const { db } = this.world.site(this.site).context;
    const found = await findItems(db, { store: this.world.store, catalog: CATALOG, viewer: PUBLIC }, [
      ...new Set(some),
    ]);
    this.reads++;
    const revisions = new Set(found.map(({ revision }) => revision));
    this.expect(revisions.size <= 1, `one read saw the revisions ${[...revisions].join(', ')}`);
    for (const { item, revision } of found) {
      this.expect(revision >= this.newest, `revision ${revision} was seen after ${this.newest}`);
      this.newest = revision;
      this.expectPrice(item.sku, revision, item.price);
    }
  }

  private expectPrice(sku: string, revision: number, price: number | null): void {
    const right = this.truth.price(sku, revision);
    this.expect(
      price === right,
      `${sku} was shown at ${String(price)} in revision ${revision}: it is ${String(right)}`,
    );
  }

  private expect(holds: boolean, otherwise: string): void {
    if (!holds) throw new Error(otherwise);
  }
}

function numberOf(shown: string): number {
  const [epoch = 0, n = 0] = shown.split('.').map(Number);
  return formatRevision(epoch, n);
}
