/** One site's database, API and activities without its process and without Temporal, for tests of carts and orders. */
import { type Express } from 'express';
import request from 'supertest';
import { cartActivities } from '../../activities/carts';
import { type SiteContext, type StoreSettings } from '../../activities/context';
import { formOrderBatch, loadOrderBatch, orderActivities } from '../../activities/orders';
import { createApp } from '../../api/app';
import { allRoutes } from '../../api/routes';
import { itemsOnSale } from '../../activities/sale';
import { withoutProcess } from '../../activities/without-process';
import { type KeyRole, addKey, makeKey } from '../../db/api-keys';
import { addLines, createCart, writeCart } from '../../db/carts';
import { type Engine } from '../../db/database';
import { availableUnits, credit } from '../../db/inventory';
import { saveTopology, seedTopology } from '../../db/topology';
import { PUBLIC } from '../../domain/audience';
import { formatRevision } from '../../domain/catalog';
import { type SealedDocument } from '../../domain/documents';
import { type StockLine } from '../../domain/inventory';
import { parseAmount } from '../../domain/money';
import { type Topology } from '../../domain/sites';
import { REAL_RUNTIME } from '../../workers/site';
import { siteTransport } from '../../workers/site-transport';
import { takeRevision } from '../support/catalog';
import { type FreshDatabase, freshDatabase } from '../support/databases';
import { INVENTORY_AT_REST } from '../support/inventory-settings';

export const STORE = 'shop';
export const CATALOG = 'main';
export const ADDRESS = {
  ...{ name: 'Ann & Sons <Ltd>', street: ['1 High Street', 'Yard "B"'], city: 'Leeds', postalCode: 'LS1 1AA' },
  ...{ countryCode: 'GB', deliverTo: ['Ann'], phone: '+44 113 496 0000', email: 'ann@example.com' },
};
export const DETAILS = {
  buyer: { name: 'Ann Buyer', email: 'ann@example.com' },
  shipTo: ADDRESS,
  shippingMethod: 'standard',
  payment: { method: 'account', termsDays: 30 },
};

/** Each site by its parent's name; the root has none. */
export type Tree = Readonly<Record<string, string | null>>;
export const FLAT: Tree = { hq: null, north: 'hq', south: 'hq' };
export const DEEP: Tree = { hq: null, mid: 'hq', north: 'mid' };

function topology(tree: Tree, version: number, incarnation: number): Topology {
  const sites = Object.entries(tree).map(([site, parent]) => ({
    ...{ site, parent, url: `http://${site}.example`, incarnation },
    role: parent === null ? ('primary' as const) : ('secondary' as const),
  }));
  return { store: STORE, version, epoch: 1, primary: 'hq', sites };
}

export interface OpenCart {
  readonly cartId: string;
  readonly token: string;
  readonly etag: string;
}

export class Shop {
  readonly app: Express;
  readonly orders: ReturnType<typeof orderActivities>;
  readonly carts: ReturnType<typeof cartActivities>;
  private revision = 0;

  private constructor(
    readonly site: string,
    private readonly fresh: FreshDatabase,
    readonly context: SiteContext,
    private readonly keys: ReadonlyMap<KeyRole, string>,
    /** Documents that the site has emitted, by payloadID. */
    readonly emitted: ReadonlyMap<string, string>,
    /** Milliseconds that the site's clock is ahead, and how often its relay was told of work. */
    readonly dials: { ahead: number; pokes: number },
  ) {
    this.app = createApp(context, allRoutes);
    this.orders = orderActivities(context);
    this.carts = cartActivities(context);
  }

  static async open(
    engine: Engine,
    site: string,
    { tree = FLAT, settings = {} }: { tree?: Tree; settings?: Partial<StoreSettings> } = {},
  ): Promise<Shop> {
    const fresh = await freshDatabase(engine);
    const keys = new Map<KeyRole, string>();
    await fresh.db.transaction(async (tx) => {
      await seedTopology(tx, topology(tree, 0, 0), site, `data-of-${site}`, 0);
      await saveTopology(tx, topology(tree, 1, 3), 0);
      for (const role of ['buyer', 'integrator', 'operator'] as const) {
        const key = makeKey(REAL_RUNTIME.random);
        keys.set(role, key);
        await addKey(tx, { store: STORE, key, role, site: null, label: 'test', expiresAt: null, now: Date.now() });
      }
    });
    const dials = { ahead: 0, pokes: 0 };
    const emitted = new Map<string, string>();
    const store: StoreSettings = {
      ...{ store: STORE, name: 'Shop', domain: 'shop.example', currency: 'GBP', language: 'en', catalog: CATALOG },
      shippingMethods: [
        { code: 'standard', description: 'Standard delivery', amount: 35_000 },
        { code: 'express', description: 'By noon', amount: 99_900 },
      ],
      tax: { description: 'VAT included', amount: 0 },
      priceChange: 'refuse',
      inventory: INVENTORY_AT_REST,
      sealing: { current: 'test', keys: new Map([['test', Buffer.alloc(32, 7)]]) },
      configuredTopology: topology(tree, 0, 0),
      ...settings,
    };
    const context: SiteContext = {
      ...withoutProcess(site, REAL_RUNTIME.random),
      stores: new Map([[STORE, store]]),
      db: fresh.db,
      transport: siteTransport,
      runtime: { ...REAL_RUNTIME, clock: { now: () => Date.now() + dials.ahead } },
      outboxHasWork: () => void dials.pokes++,
      archiveDocument: (_kind, payloadID, xml) => void emitted.set(payloadID, xml.toString()),
    };
    return new Shop(site, fresh, context, keys, emitted, dials);
  }

  get db() {
    return this.fresh.db;
  }

  get location(): string {
    return this.fresh.location;
  }

  drop(): Promise<void> {
    return this.fresh.drop();
  }

  /** A full revision with just these items, priced in pounds. */
  async sells(prices: Readonly<Record<string, string>>, currency = 'GBP'): Promise<void> {
    this.revision++;
    const items = Object.entries(prices)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([sku, price]) => ({ sku, description: `Item <${sku}> & co`, price: parseAmount(price) ?? 0, currency }));
    await takeRevision(this.db, { store: STORE, catalog: CATALOG, revision: formatRevision(1, this.revision) }, items);
  }

  async has(lines: readonly StockLine[]): Promise<void> {
    const movementId = `receipt:${REAL_RUNTIME.ids.uuid()}`;
    const movement = { store: STORE, movementId, kind: 'receipt', account: 'own', counterparty: null } as const;
    const cause = { transferId: null, cause: 'test', epoch: 1, incarnation: 3, now: 0 };
    await this.db.transaction((tx) => credit(tx, { ...movement, ...cause }, lines));
  }

  async units(sku: string): Promise<number> {
    return (await availableUnits(this.db, STORE, [sku])).get(sku) ?? 0;
  }

  async count(table: string): Promise<number> {
    return (await this.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`))?.n ?? 0;
  }

  call(
    method: 'get' | 'post' | 'patch' | 'delete',
    path: string,
    { body, headers = {}, role = 'buyer' }: { body?: object; headers?: Record<string, string>; role?: KeyRole } = {},
  ): request.Test {
    const call = request(this.app)
      [method](`/v1/stores/${STORE}${path}`)
      .set({ Authorization: `Bearer ${this.keys.get(role)}`, ...headers });
    return body === undefined ? call : call.send(body);
  }

  async openCart(body?: object): Promise<OpenCart> {
    const made = await this.call('post', '/carts', body === undefined ? {} : { body });
    if (made.status !== 201) throw new Error(made.text);
    const { cartId, token } = made.body as { cartId: string; token: string };
    return { cartId, token, etag: made.headers['etag'] ?? '' };
  }

  /** A write to a cart with its newest ETag. */
  write(cart: OpenCart, method: 'post' | 'patch' | 'delete', path: string, body?: object): request.Test {
    const headers = { 'Cart-Token': cart.token, 'If-Match': cart.etag };
    return this.call(method, `/carts/${cart.cartId}${path}`, body === undefined ? { headers } : { body, headers });
  }

  /** A cart that is ready for checkout. */
  async fillCart(lines: readonly StockLine[], details: object = DETAILS): Promise<OpenCart> {
    let cart = await this.openCart();
    for (const [method, path, body] of [
      ['post', '/lines', { lines }],
      ['patch', '', details],
    ] as const) {
      const written = await this.write(cart, method, path, body);
      if (written.status !== 200) throw new Error(written.text);
      cart = { ...cart, etag: written.headers['etag'] ?? '' };
    }
    return cart;
  }

  /** A copy of a cart, ready for checkout, as another site may hold it too. */
  async copyCart(cartId: string, lines: readonly StockLine[]): Promise<void> {
    const cart = {
      store: STORE,
      cartId,
      tokenHash: '0'.repeat(64),
      buyerId: 'b',
      catalog: CATALOG,
      currency: 'GBP',
      viewer: PUBLIC,
    };
    const prices = await itemsOnSale(
      this.db,
      cart,
      lines.map(({ sku }) => sku),
    );
    const priced = lines.map(({ sku, quantity }) => ({
      ...{ sku, quantity, price: prices.get(sku)?.item.price ?? 0 },
      priceRevision: prices.get(sku)?.revision ?? 0,
    }));
    await this.db.transaction(async (tx) => {
      await createCart(tx, { ...cart, site: 'north', now: 1 });
      await writeCart(tx, { ...cart, version: 1 }, { ...DETAILS, shipTo: { ...ADDRESS, state: null } }, 1);
      await addLines(tx, cart, 'north', priced);
    });
  }

  checkout(cart: OpenCart, headers: Record<string, string> = {}): request.Test {
    return this.call('post', `/carts/${cart.cartId}/checkout`, { headers: { 'Cart-Token': cart.token, ...headers } });
  }

  /** Sells; answers the order's id. */
  async sell(lines: readonly StockLine[], details?: object): Promise<string> {
    const sold = await this.checkout(await this.fillCart(lines, details));
    if (sold.status !== 201) throw new Error(sold.text);
    return (sold.body as { orderId: string }).orderId;
  }

  /** What the relay does with the waiting orders: gives them a batch and seals it. */
  async nextBatch(): Promise<{ batch: string; document: SealedDocument }> {
    const batch = await formOrderBatch(this.context, STORE);
    if (batch === null) throw new Error('no order waits');
    const document = await loadOrderBatch(this.context, STORE, batch);
    if (!document) throw new Error(`batch ${batch} is empty`);
    return { batch, document };
  }

  async state(orderId: string): Promise<string> {
    return String(
      ((await this.call('get', `/orders/${orderId}`, { role: 'operator' })).body as { state: string }).state,
    );
  }

  async timeline(orderId: string): Promise<string[]> {
    const { body } = await this.call('get', `/orders/${orderId}`, { role: 'operator' });
    return (body as { timeline: { kind: string }[] }).timeline.map(({ kind }) => kind);
  }
}
