/** Sites of one store in this process, on real databases and the real Temporal server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { addKey, makeKey } from '../../db/api-keys';
import { type Violation, auditStore } from '../../db/audit';
import { type Engine } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { type SiteConfig, configSchema } from '../../workers/config';
import { REAL_RUNTIME, type RunningSite, startSite } from '../../workers/site';
import { ARCHIVE_DIR } from './archive';
import { dropDatabase, freshLocation } from './databases';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, freePort } from './servers';
import { copyTemplate } from './template';
import { until } from './until';

/** Histories are recorded with it, so that they replay anywhere. */
export const TEST_SEALING_KEY = Buffer.alloc(32, 7).toString('base64');
export const CATALOG = 'main';
/** Where answers are lost, an activity is tried again after its heartbeat's time, more than once perhaps. */
const WORKFLOW_TIMEOUT_MS = 150_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { items?: Record<string, unknown>[] };
}

/** An answer that a helper did not expect. */
export class AnswerError extends Error {
  constructor(readonly answer: Answer) {
    super(`${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export const ADDRESS = {
  name: 'Ann Buyer',
  street: ['1 High Street'],
  city: 'Leeds',
  postalCode: 'LS1 1AA',
  countryCode: 'GB',
};

interface Place {
  readonly server?: string;
  readonly folder?: string;
}

export interface WorldOptions {
  readonly temporalAddress?: string;
  /** Where a site's data is, if not where that of all tests is: a MariaDB server, a folder for all that are files. */
  readonly place?: (site: string) => Place;
  /** The address at which a site's API is reached; the loopback unless given. */
  readonly host?: (site: string) => string;
  /** The parent of a site other than the primary, if not that. */
  readonly parent?: (site: string) => string;
  /** A site's configuration as its process gets it. */
  readonly adapt?: (config: SiteConfig) => SiteConfig;
}

export class World {
  private readonly running = new Map<string, RunningSite>();
  private readonly removals: (() => Promise<void>)[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'entrepot-world-'));
  readonly store = `t${Math.random().toString(36).slice(2, 10)}`;
  readonly key = makeKey(REAL_RUNTIME.random);
  readonly configs = new Map<string, SiteConfig>();

  private constructor(readonly engine: Engine) {}

  /** A primary `hq` and its secondaries, migrated, with one operator's key, not started yet. */
  static async create(
    engine: Engine,
    secondaries: readonly string[] = ['north', 'south'],
    options: WorldOptions = {},
  ): Promise<World> {
    const { place = (): Place => ({}), host = () => '127.0.0.1', adapt = (config) => config } = options;
    const { parent = () => 'hq' } = options;
    const temporalAddress = options.temporalAddress ?? process.env[TEMPORAL_ADDRESS] ?? '127.0.0.1:1';
    const world = new World(engine);
    const sites: { site: string; role: string; parent: string | null; port: number; url: string }[] = [];
    for (const site of ['hq', ...secondaries]) {
      const port = await freePort();
      const primary = site === 'hq';
      const role = primary ? 'primary' : 'secondary';
      sites.push({ site, role, parent: primary ? null : parent(site), port, url: `http://${host(site)}:${port}` });
    }
    for (const { site, port, url } of sites) {
      const { location, remove } = freshLocation(engine, place(site));
      const { folder = world.folder } = place(site);
      world.removals.push(remove);
      const config = configSchema.parse({
        ...{ site, url, database: location, listen: { host: host(site), port } },
        documentsDir: join(folder, `documents-${site}`),
        documents: { archiveDir: ARCHIVE_DIR },
        temporal: { address: temporalAddress, namespace: TEMPORAL_NAMESPACE },
        log: { level: 'warn', file: join(folder, `${site}.log`) },
        stores: {
          [world.store]: {
            ...{ name: 'Test shop', domain: 'shop.example', currency: 'GBP', catalog: CATALOG },
            shippingMethods: [{ code: 'standard', description: 'Standard delivery', amount: '3.50' }],
            sealing: { current: 'test', keys: { test: TEST_SEALING_KEY } },
            topology: {
              primary: 'hq',
              sites: sites.map((entry) => ({
                site: entry.site,
                role: entry.role,
                parent: entry.parent,
                url: entry.url,
              })),
            },
          },
        },
      });
      world.configs.set(site, adapt(config));
      await world.makeDatabase(location);
    }
    return world;
  }

  private async makeDatabase(location: string): Promise<void> {
    await copyTemplate(location);
    const db = openDatabase(location);
    const { store, key } = this;
    await db.transaction((tx) =>
      addKey(tx, { store, key, role: 'operator', site: null, label: 'test', expiresAt: null, now: Date.now() }),
    );
    await db.close();
  }

  /** A site that is stopped loses its database, and has an empty one in its place. */
  async loseDatabase(site: string): Promise<void> {
    const { database } = this.config(site);
    await dropDatabase(this.engine, database);
    await this.makeDatabase(database);
  }

  /** A running world: every site is up and registered. */
  static async start(engine: Engine, secondaries?: readonly string[], options?: WorldOptions): Promise<World> {
    const world = await World.create(engine, secondaries, options);
    for (const site of world.configs.keys()) await world.startSite(site);
    await world.registered();
    return world;
  }

  async startSite(site: string): Promise<RunningSite> {
    const started = await startSite(this.config(site));
    this.running.set(site, started);
    return started;
  }

  async stopSite(site: string): Promise<void> {
    await this.site(site).stop();
    this.running.delete(site);
  }

  /** Every site of the world is up and knows the incarnation of every other. */
  async registered(): Promise<void> {
    await until('every site to be registered', async () => {
      for (const site of this.configs.keys()) {
        const { body } = await this.call(site, 'GET', '/topology');
        if ((body['sites'] as { incarnation: number }[]).some(({ incarnation }) => incarnation === 0)) return false;
      }
      return true;
    });
  }

  config(site: string): SiteConfig {
    const config = this.configs.get(site);
    if (!config) throw new Error(`the world has no site "${site}"`);
    return config;
  }

  /** Writes the site's configuration file and answers where it is. */
  configFile(site: string, change: (config: SiteConfig) => SiteConfig = (config) => config): string {
    const file = join(this.folder, `${site}.yaml`);
    writeFileSync(file, stringify(JSON.parse(JSON.stringify(change(this.config(site))))));
    return file;
  }

  /** Makes the world look like a trial system to the command line; answers its data directory. */
  trialDirectory(): string {
    const { folder: data, store, key } = this;
    const sites = [...this.configs.values()].map(({ site, url, listen, database, log }) => ({
      ...{ site, url, port: listen.port, database, log: log.file ?? '', config: this.configFile(site) },
      role: site === 'hq' ? 'primary' : 'secondary',
    }));
    const { address, uiUrl } = this.config('hq').temporal;
    const trial = {
      ...{ data, store, catalog: CATALOG, portBase: 0, primary: 'hq', sites, db: null },
      keys: { operator: key, integrator: key, buyer: key },
      temporal: { address, uiUrl, port: 0, uiPort: 0 },
    };
    writeFileSync(join(data, 'trial.json'), JSON.stringify(trial));
    return data;
  }

  site(site: string): RunningSite {
    const running = this.running.get(site);
    if (!running) throw new Error(`site "${site}" is not running`);
    return running;
  }

  async call(site: string, method: string, path: string, { body, headers }: CallOptions = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(`${this.config(site).url}/v1/stores/${this.store}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.key}`,
        ...(body !== undefined && typeof body !== 'string' ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    const parsed = json ? (JSON.parse(answer) as Answer['body']) : { text: answer };
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /** Imports items, publishes and pushes them; waits until the given sites have them. */
  async pushItems(csv: string, confirmedBy: readonly string[], timeoutMs?: number): Promise<void> {
    const imported = await this.call('hq', 'POST', `/catalogs/${CATALOG}/import`, {
      body: csv,
      headers: { 'Content-Type': 'text/csv' },
    });
    if (imported.status !== 200) throw new Error(JSON.stringify(imported.body));
    await this.call('hq', 'POST', `/catalogs/${CATALOG}/pushes`);
    await this.confirmed(confirmedBy, timeoutMs);
  }

  /** The draft of whoever names none is published, and these sites have the newest revision. */
  async confirmed(sites: readonly string[], timeoutMs = WORKFLOW_TIMEOUT_MS): Promise<void> {
    const have = async () => {
      const draft = await this.call('hq', 'GET', `/catalogs/${CATALOG}/drafts/next`);
      const { body } = await this.call('hq', 'GET', `/catalogs/${CATALOG}/status`);
      const pending = 'added changed withdrawn due'.split(' ').some((count) => draft.body[count] !== 0);
      const has = (site: string) =>
        body.items?.some(
          (row) => row['site'] === site && row['state'] === 'confirmed' && row['revision'] === body['revision'],
        );
      if (!pending && sites.every(has)) return true;
      throw new Error(`draft ${JSON.stringify(draft.body)}, status ${JSON.stringify(body)}`);
    };
    await until(`the catalogue at ${sites.join(', ')}`, have, timeoutMs);
  }

  /** Receives units at the primary and shares them out; waits until it is done. */
  async stock(lines: readonly { sku: string; quantity: number }[], sites: readonly string[] = []): Promise<void> {
    const receiptId = `receipt-${Math.random().toString(36).slice(2)}`;
    const booked = await this.call('hq', 'POST', '/inventory/receipts', { body: { receiptId, lines } });
    if (booked.status !== 200) throw new Error(JSON.stringify(booked.body));
    const skus = lines.map(({ sku }) => sku);
    const { body } = await this.call('hq', 'POST', '/inventory/allocations', { body: { sites, skus } });
    await this.finished('hq', String(body['workflowId']));
  }

  /** A workflow that was asked for at that site has completed. */
  async finished(site: string, workflowId: string): Promise<void> {
    const completed = async () => {
      const run = await this.call(site, 'GET', `/workflows/${encodeURIComponent(workflowId)}`);
      return run.body['state'] === 'completed';
    };
    await until(`workflow ${workflowId}`, completed, WORKFLOW_TIMEOUT_MS);
  }

  /** A cart that is ready for checkout. */
  async fillCart(
    site: string,
    lines: readonly { sku: string; quantity: number }[],
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<{ cartId: string; token: string; etag: string }> {
    const made = await this.call(site, 'POST', '/carts', { body: {} });
    if (made.status !== 201) throw new AnswerError(made);
    const cartId = String(made.body['cartId']);
    const token = String(made.body['token']);
    let etag = made.headers.get('etag') ?? '';
    const write = async (method: string, path: string, body: unknown) => {
      const answer = await this.call(site, method, path, { body, headers: { 'Cart-Token': token, 'If-Match': etag } });
      if (answer.status !== 200) throw new AnswerError(answer);
      etag = answer.headers.get('etag') ?? '';
    };
    await write('POST', `/carts/${cartId}/lines`, { lines });
    const payment = { method: 'account', termsDays: 30 };
    const usual = { buyer: { name: 'Ann Buyer' }, shipTo: ADDRESS, shippingMethod: 'standard', payment };
    await write('PATCH', `/carts/${cartId}`, { ...usual, ...details });
    return { cartId, token, etag };
  }

  /** Buys; the answer is checkout's. */
  async buy(
    site: string,
    lines: readonly { sku: string; quantity: number }[],
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const { cartId, token } = await this.fillCart(site, lines, details);
    return this.call(site, 'POST', `/carts/${cartId}/checkout`, { headers: { 'Cart-Token': token } });
  }

  async orderState(site: string, orderId: string): Promise<string> {
    return String((await this.call(site, 'GET', `/orders/${orderId}`)).body['state']);
  }

  /** What the audit finds at the sites, which all run in this process. */
  async violations(): Promise<readonly Violation[]> {
    const sites = [...this.configs.keys()].map((site) => ({ site, db: this.site(site).context.db }));
    return (await auditStore(sites, this.store)).violations;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.values()].map((site) => site.stop()));
    for (const remove of this.removals) await remove();
    if (process.env['ENTREPOT_TEST_KEEP'] === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A few items as CSV. */
export function itemsCsv(items: Readonly<Record<string, string>>): string {
  return [
    'sku,description,price_gbp',
    ...Object.entries(items).map(([sku, price]) => `${sku},Item ${sku},${price}`),
  ].join('\n');
}
