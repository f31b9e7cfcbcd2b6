/** What the command line asks of a site's API, by capability: the paths and shapes stand here and nowhere else. */
import { randomUUID } from 'node:crypto';
import { type Readable } from 'node:stream';
import { type ItemOrder } from '../domain/search';
import { ApiClient, ApiProblem, type ApiTarget, type Call } from './api-client';
import { CommandFailure } from './exit-codes';

/** An import reads a whole file, milliseconds. */
const IMPORT_TIMEOUT_MS = 10 * 60_000;
/** A site that takes longer to say how it is counts as away, milliseconds. */
const STATUS_TIMEOUT_MS = 10_000;
/** Most lines of one receipt. */
const RECEIPT_LINES_MAX = 5000;
const NOT_FOUND = 404;

export interface Money {
  readonly amount: string;
  readonly currency: string;
}

export interface WorkflowStarted {
  readonly id: string;
  /** In the Temporal UI. */
  readonly page: string;
}

export interface WorkflowRun extends WorkflowStarted {
  readonly state: 'queued' | 'running' | 'held' | 'completed' | 'failed';
  readonly result: unknown;
}

export interface ImportFault {
  readonly row: number;
  readonly line: number;
  readonly column: string;
  readonly reason: string;
}

export interface ImportReport {
  readonly read: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly withdrawn: number;
  /** Prices, and items, that hold from a time that has not come. */
  readonly waiting: number;
  readonly bad: number;
  readonly faults: readonly ImportFault[];
  /** How often a default stood in for what a row left out, by column. */
  readonly defaults: Readonly<Record<string, number>>;
  /** Elements that an item has no place for, by name. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Of a push that the file asked for. */
  readonly workflowId: string | null;
}

export interface CatalogStatus {
  /** "1.7": epoch and number. */
  readonly revision: string;
  readonly itemCount: number;
  readonly items: readonly {
    readonly site: string;
    readonly state: string;
    readonly revision: string;
    readonly target: string;
    readonly heldSince: string | null;
    readonly reason: string | null;
    readonly temporalUi: string | null;
  }[];
}

/** What to search for. */
export interface ItemSearch {
  readonly q: string;
  readonly classification?: string | undefined;
  readonly priceFrom?: string | undefined;
  readonly priceTo?: string | undefined;
  readonly available?: boolean | undefined;
  readonly sort?: ItemOrder | undefined;
}

export interface FoundItem {
  readonly sku: string;
  readonly description: string;
  readonly price: Money;
  readonly classification: { readonly code: string };
  /** Null: kept at the primary. */
  readonly available: number | null;
}

export interface Level {
  readonly sku: string;
  /** Units that the site may sell, and units that it keeps to grant. */
  readonly own: number;
  readonly pool: number;
  /** Given, not yet confirmed. */
  readonly inFlight: number;
}

export interface AllocationRequest {
  /** Empty for all. */
  readonly sites: readonly string[];
  readonly skus: readonly string[];
  readonly ownShare: boolean;
  readonly by?: string;
  readonly shares?: Readonly<Record<string, number>>;
  readonly only?: boolean;
}

export interface OrderSummary {
  readonly orderId: string;
  readonly cartId: string;
  readonly state: string;
  readonly site: string;
  readonly placedAt: string;
  readonly total: Money;
}

export interface OrderDetails extends OrderSummary {
  readonly timeline: readonly { readonly at: string; readonly kind: string; readonly data: unknown }[];
  readonly temporalUi: string | null;
}

export interface Delivery {
  readonly kind: string;
  readonly state: 'waiting' | 'delivering' | 'held' | 'parked';
  /** Whom it is for. */
  readonly site: string;
  readonly subject: string;
  /** Orders, items or units. */
  readonly count: number;
  readonly since: string;
  readonly reason: string;
  readonly temporalUi: string | null;
}

export interface Waiting {
  readonly count: number;
  readonly oldest: string | null;
}

export interface SiteStatus {
  readonly site: string;
  readonly role: string;
  readonly at: string;
  readonly topology: { readonly version: number; readonly epoch: number; readonly primary: string };
  readonly incarnation: number;
  readonly database: { readonly engine: string };
  readonly temporal: { readonly reached: boolean; readonly reason: string | null; readonly namespace: string };
  readonly catalogs: readonly { readonly catalog: string; readonly revision: string; readonly items: number }[];
  readonly deliveries: Readonly<Record<Delivery['state'], Waiting>>;
  readonly units: { readonly own: number; readonly pool: number; readonly inFlight: number };
}

export interface ApiKey {
  readonly keyId: string;
  readonly role: string;
  /** null for every site of the store. */
  readonly site: string | null;
  readonly label: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/** Its text is told this once. */
export interface NewApiKey extends ApiKey {
  readonly key: string;
}

export interface KeyRequest {
  readonly role: string;
  readonly label: string;
  readonly site: string | null;
  readonly groups: readonly string[];
  readonly expiresAt: string | null;
}

export interface PostalAddress {
  readonly name: string;
  readonly deliverTo: readonly string[];
  readonly street: readonly string[];
  readonly city: string;
  readonly state: string | null;
  readonly postalCode: string | null;
  readonly countryCode: string;
  readonly email: string | null;
  readonly phone: string | null;
}

export interface Purchase {
  readonly buyer: { readonly name: string; readonly email: string | null };
  readonly address: PostalAddress;
  readonly shippingMethod: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface PurchaseAnswer {
  /** Accepted, refused for want of stock, or no usable answer. */
  readonly outcome: 'ordered' | 'refused' | 'unknown';
  readonly status: number;
  readonly cartId: string | null;
  readonly orderId: string | null;
  /** Of the goods, as the cart showed it. */
  readonly subtotal: string | null;
  readonly detail: string | null;
}

/** Lines that one call may add to a cart. */
const CART_LINES_MAX = 200;
const PAYMENT = { method: 'account', termsDays: 30, reference: null } as const;
const OUT_OF_STOCK = 'insufficient-stock';

export class SiteApi {
  private readonly client: ApiClient;

  constructor(target: ApiTarget) {
    this.client = new ApiClient(target);
  }

  async importCatalog(
    catalog: string,
    items: Readable,
    contentType = 'text/csv',
    options: { skipBad?: boolean; draft?: string | undefined; mode?: string | undefined } = {},
  ): Promise<ImportReport> {
    const { skipBad, draft, mode } = options;
    const { body } = await this.client.store<ImportReport>(`/catalogs/${catalog}/import`, {
      method: 'POST',
      stream: items,
      contentType,
      query: { skipBad: skipBad || undefined, draft, mode },
      timeoutMs: IMPORT_TIMEOUT_MS,
    });
    return body;
  }

  pushCatalog(catalog: string, draft?: string): Promise<WorkflowStarted> {
    return this.start(`/catalogs/${catalog}/pushes`, undefined, { draft });
  }

  /** The site's own revision, and at a parent what its children have. */
  async catalogStatus(catalog: string): Promise<CatalogStatus> {
    return (await this.client.store<CatalogStatus>(`/catalogs/${catalog}/status`)).body;
  }

  async skus(catalog: string): Promise<string[]> {
    const items = await this.client.list<{ sku: string }>('/items', { catalog });
    return items.map(({ sku }) => sku);
  }

  searchItems(search: ItemSearch & { readonly catalog: string }, limit: number): Promise<FoundItem[]> {
    return this.client.list<FoundItem>('/items', { ...search }, limit);
  }

  async receive(receipt: string, lines: readonly { sku: string; quantity: number }[]): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (let start = 0; start < lines.length; start += RECEIPT_LINES_MAX) {
      const receiptId = start === 0 ? receipt : `${receipt}-${start / RECEIPT_LINES_MAX + 1}`;
      const body = { receiptId, lines: lines.slice(start, start + RECEIPT_LINES_MAX) };
      answers.push((await this.client.store('/inventory/receipts', { method: 'POST', body })).body);
    }
    return answers;
  }

  allocate(request: AllocationRequest): Promise<WorkflowStarted> {
    return this.start('/inventory/allocations', request);
  }

  levels(sku: string | undefined, limit: number): Promise<Level[]> {
    return this.client.list<Level>('/inventory/levels', { sku }, limit);
  }

  async ownUnits(): Promise<number> {
    const levels = await this.client.list<Level>('/inventory/levels');
    return levels.reduce((sum, { own }) => sum + own, 0);
  }

  /** An item that can be bought here. */
  async skuInStock(): Promise<string | undefined> {
    const [item] = await this.client.list<{ sku: string }>('/items', { available: true }, 1);
    return item?.sku;
  }

  async workflow(id: string): Promise<WorkflowRun> {
    type Run = { workflowId: string; temporalUi: string; state: WorkflowRun['state']; result: unknown };
    const { body } = await this.client.store<Run>(`/workflows/${encodeURIComponent(id)}`);
    return { id: body.workflowId, page: body.temporalUi, state: body.state, result: body.result };
  }

  orders(limit: number, state?: string): Promise<OrderSummary[]> {
    return this.client.list<OrderSummary>('/orders', { state }, limit);
  }

  async order(orderId: string): Promise<OrderDetails> {
    return (await this.client.store<OrderDetails>(`/orders/${encodeURIComponent(orderId)}`)).body;
  }

  async findOrder(orderId: string): Promise<OrderDetails | null> {
    try {
      return await this.order(orderId);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === NOT_FOUND) return null;
      throw error;
    }
  }

  async orderDocument(orderId: string): Promise<string> {
    return (await this.client.store<string>(`/orders/${encodeURIComponent(orderId)}/document`)).body;
  }

  /** How many of the site's orders are not confirmed yet. */
  async unconfirmedOrders(): Promise<number> {
    const [waiting, accepted] = await Promise.all([
      this.orders(Number.MAX_SAFE_INTEGER, 'waiting'),
      this.orders(Number.MAX_SAFE_INTEGER, 'accepted'),
    ]);
    return waiting.length + accepted.length;
  }

  async status(): Promise<SiteStatus> {
    return (await this.client.store<SiteStatus>('/status', { timeoutMs: STATUS_TIMEOUT_MS })).body;
  }

  keys(): Promise<ApiKey[]> {
    return this.client.list<ApiKey>('/keys');
  }

  async createKey(body: KeyRequest): Promise<NewApiKey> {
    return (await this.client.store<NewApiKey>('/keys', { method: 'POST', body })).body;
  }

  async rotateKey(keyId: string, overlapSeconds?: number): Promise<NewApiKey & { readonly replaces: ApiKey }> {
    const path = `/keys/${encodeURIComponent(keyId)}/rotations`;
    type Rotated = NewApiKey & { readonly replaces: ApiKey };
    return (await this.client.store<Rotated>(path, { method: 'POST', body: { overlapSeconds } })).body;
  }

  async revokeKey(keyId: string): Promise<void> {
    await this.client.store(`/keys/${encodeURIComponent(keyId)}`, { method: 'DELETE' });
  }

  async deliveries(): Promise<readonly Delivery[]> {
    return (await this.client.store<{ items: readonly Delivery[] }>('/deliveries')).body.items;
  }

  async heldDeliveries(): Promise<Delivery[]> {
    return (await this.deliveries()).filter(({ state }) => state === 'held');
  }

  /** Fills a cart and checks it out; a refusal for want of stock is an answer, not an error. */
  async buy(purchase: Purchase): Promise<PurchaseAnswer> {
    const cart: { cartId: string | null } = { cartId: null };
    try {
      return await this.purchase(purchase, cart);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      const status = error instanceof ApiProblem ? error.status : 0;
      const outcome = error instanceof ApiProblem && error.slug === OUT_OF_STOCK ? 'refused' : 'unknown';
      return { ...cart, outcome, status, orderId: null, subtotal: null, detail: error.message };
    }
  }

  private async purchase(purchase: Purchase, known: { cartId: string | null }): Promise<PurchaseAnswer> {
    type Cart = { cartId: string; token: string; subtotal: Money };
    const { body: cart } = await this.client.store<Cart>('/carts', { method: 'POST' });
    known.cartId = cart.cartId;
    const path = `/carts/${cart.cartId}`;
    // Nobody else writes this cart, so any version is the newest.
    const headers = { 'cart-token': cart.token, 'if-match': '*' };
    for (let start = 0; start < purchase.lines.length; start += CART_LINES_MAX) {
      const body = { lines: purchase.lines.slice(start, start + CART_LINES_MAX) };
      await this.client.store(`${path}/lines`, { method: 'POST', headers, body });
    }
    const { buyer, address, shippingMethod } = purchase;
    const details = { buyer, shipTo: address, shippingMethod, payment: PAYMENT };
    const { body: filled } = await this.client.store<Cart>(path, { method: 'PATCH', headers, body: details });
    const { status, body: placed } = await this.client.store<{ orderId: string }>(`${path}/checkout`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': randomUUID() },
    });
    const { cartId } = cart;
    const subtotal = filled.subtotal.amount;
    return { outcome: 'ordered', status, cartId, orderId: placed.orderId, subtotal, detail: null };
  }

  private async start(path: string, body?: unknown, query: Call['query'] = {}): Promise<WorkflowStarted> {
    type Accepted = { workflowId: string; temporalUi: string };
    const answer = await this.client.store<Accepted>(path, { method: 'POST', body, query });
    return { id: answer.body.workflowId, page: answer.body.temporalUi };
  }
}
