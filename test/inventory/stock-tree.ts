/** Sites of one tree in this process, each with its own database and API, and links between them that can fail. */
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type StoreSettings, type Transport } from '../../activities/context';
import { takePart } from '../../activities/inventory/borrowing';
import { borrowForCart } from '../../activities/inventory/order-borrowing';
import { createApp } from '../../api/app';
import { allRoutes } from '../../api/routes';
import { type Violation, auditStore } from '../../db/audit';
import { type Engine } from '../../db/database';
import { bookReceipt, grantToSelf, levelsOf, listTransfers } from '../../db/inventory';
import { loadTopology } from '../../db/topology';
import { type Loan, type ShortLine, type StockLine, borrowingCause } from '../../domain/inventory';
import { type Topology } from '../../domain/sites';
import { REAL_RUNTIME } from '../../workers/site';
import { INVENTORY_AT_REST } from '../support/inventory-settings';
import { type LoneSite, STORE, loneSite } from '../support/lone-site';

/** What becomes of a request between two sites. */
export type Fate =
  /** It arrives and is answered. */
  | 'passes'
  /** It never arrives. */
  | 'lost'
  /** It arrives, is worked on, and its answer never comes back. */
  | 'answer-lost';

export type FateOf = (from: string, to: string, what: string) => Fate;

export interface TreeSite extends LoneSite {
  readonly settings: StoreSettings;
}

export class StockTree {
  /** Requests so far, as `from>to what`. */
  readonly asked: string[] = [];
  fateOf: FateOf = () => 'passes';
  private readonly under = new Set<Promise<unknown>>();

  private constructor(
    readonly sites: ReadonlyMap<string, TreeSite>,
    private readonly servers: readonly Server[],
  ) {}

  /** `parents` names each site's parent, the root first, with null. */
  static async grow(
    engine: Engine,
    parents: Readonly<Record<string, string | null>>,
    {
      inventory = {},
      ...store
    }: Partial<Omit<StoreSettings, 'inventory'>> & { inventory?: Partial<StoreSettings['inventory']> } = {},
  ): Promise<StockTree> {
    const names = Object.keys(parents);
    const sites = new Map<string, TreeSite>();
    const servers: Server[] = [];
    const tree = new StockTree(sites, servers);
    const topology: Topology = {
      ...{ store: STORE, version: 1, epoch: 1, primary: names[0] as string },
      sites: names.map((site, index) => ({
        ...{ site, role: index === 0 ? ('primary' as const) : ('secondary' as const), parent: parents[site] ?? null },
        ...{ url: `http://${site}.example`, incarnation: index + 1 },
      })),
    };
    const lone = await Promise.all(names.map((site) => loneSite(engine, site, topology)));
    for (const site of lone) {
      const settings: StoreSettings = {
        ...(site.context.stores.get(STORE) as StoreSettings),
        ...store,
        inventory: { ...INVENTORY_AT_REST, borrowing: { waitMs: WAIT_MS, refill: false }, ...inventory },
      };
      const context = { ...site.context, stores: new Map([[STORE, settings]]), transport: tree.from(site.site) };
      sites.set(site.site, { ...site, context, settings });
      servers.push(createApp(context, allRoutes).listen(0, '127.0.0.1'));
    }
    await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
    tree.ports = new Map(names.map((site, index) => [site, (servers[index]?.address() as AddressInfo).port]));
    return tree;
  }

  private ports: ReadonlyMap<string, number> = new Map();

  private from(from: string): Transport {
    return async (url, init) => {
      const to = new URL(url).hostname.replace('.example', '');
      const what = new URL(url).pathname.split('/').slice(4).join('/');
      this.asked.push(`${from}>${to} ${what}`);
      const fate = this.fateOf(from, to, what);
      if (fate === 'lost') throw new Error(`the link from ${from} to ${to} is cut`);
      // What arrives is worked on, whether somebody waits for it or not.
      const { signal: _patience, ...whole } = init;
      const answer = fetch(url.replace(`${to}.example`, `127.0.0.1:${this.ports.get(to)}`), whole);
      this.under.add(answer);
      void answer.catch(() => undefined).finally(() => this.under.delete(answer));
      const given = await answer;
      if (fate === 'passes') return given;
      await given.text();
      throw new Error(`the answer from ${to} to ${from} was lost`);
    };
  }

  site(name: string): TreeSite {
    return this.sites.get(name) as TreeSite;
  }

  /** Units to begin with: received into the pool; at sites that sell, into their own account. */
  async has(name: string, lines: readonly StockLine[], account: 'own' | 'pool' = 'own'): Promise<void> {
    const { db } = this.site(name);
    const { incarnation } = await loadTopology(db, STORE);
    const receiptId = REAL_RUNTIME.ids.uuid();
    const at = { store: STORE, epoch: 1, incarnation, now: Date.now() };
    await db.transaction(async (tx) => {
      await bookReceipt(tx, { ...at, site: name, receiptId, lines });
      if (account === 'own') await grantToSelf(tx, { ...at, request: receiptId, cause: 'a test', lines });
    });
  }

  async units(name: string, sku: string): Promise<{ own: number; pool: number }> {
    const levels = await levelsOf(this.site(name).db, STORE, [sku]);
    const of = (lines: readonly StockLine[]) => lines.reduce((sum, { quantity }) => sum + quantity, 0);
    return { own: of(levels.own), pool: of(levels.pool) };
  }

  /** As the sale of a cart at that site borrows. */
  borrow(name: string, cartId: string, lines: readonly ShortLine[]): Promise<string> {
    const { context, settings } = this.site(name);
    const cart = lines.map(({ sku, requested }, index) => ({
      ...{ site: name, sequence: index + 1, sku, quantity: requested },
      ...{ counter: 1, counterSite: name, price: 1, priceRevision: 1 },
    }));
    return borrowForCart(context, settings, { store: STORE, cartId, lines: cart }, lines, Date.now() + WAIT_MS);
  }

  /** A site's part in a borrowing, as its neighbour asks for it. */
  part(name: string, asker: string, taker: string, borrowing: string, lines: readonly StockLine[]): Promise<Loan> {
    const { context, settings } = this.site(name);
    const digest = JSON.stringify(lines);
    const takerIncarnation = [...this.sites.keys()].indexOf(taker) + 1;
    const asked = { store: STORE, borrowing, asker, taker, takerIncarnation, cartId: null, lines, digest };
    return takePart(context, settings, asked, Date.now() + WAIT_MS);
  }

  /** Transfers that the site gave and does not know to be settled. */
  async onTheWay(name: string): Promise<{ taker: string; units: number; cause: string }[]> {
    const open = await listTransfers(this.site(name).db, STORE, { states: ['in-flight', 'in-doubt'], limit: 200 });
    return open
      .filter(({ id }) => id.giver === name)
      .map(({ taker, units, cause }) => ({ taker, units, cause: cause.replace(borrowingCause(''), '') }));
  }

  async violations(): Promise<readonly Violation[]> {
    const sites = [...this.sites].map(([site, { db }]) => ({ site, db }));
    return (await auditStore(sites, STORE)).violations;
  }

  /** Nothing that was sent is still being worked on. */
  async quiet(): Promise<void> {
    while (this.under.size > 0) await Promise.allSettled(this.under);
  }

  async fell(): Promise<void> {
    await this.quiet();
    await Promise.all(
      this.servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
    for (const site of this.sites.values()) await site.drop();
  }
}

/** Long, for nothing here waits for it: a machine under load must not decide a test. */
const WAIT_MS = 20_000;
