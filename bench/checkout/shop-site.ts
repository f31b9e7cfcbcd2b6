/** One secondary that sells, on a database filled for the bench, and its serving process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type SiteContext } from '../../activities/context';
import { inParallel } from '../../cli/demo/scenario';
import { addKey, makeKey } from '../../db/api-keys';
import { type Database } from '../../db/database';
import { insertRows } from '../../db/dialect';
import { type Movement, credit } from '../../db/inventory';
import { migrate, openDatabase } from '../../db/migrate';
import { seedTopology } from '../../db/topology';
import { EVERYONE, ITEM_DEFAULTS, OPEN_REVISION, formatRevision } from '../../domain/catalog';
import { type SiteConfig, configSchema } from '../../workers/config-schema';
import { REAL_RUNTIME } from '../../workers/site';
import { contextFor } from '../shop';
import { type Command, type LoopDelay, type Message } from './server';

export const STORE = 'shop';
export const CATALOG = 'main';
export const HOT_SKU = 'HOT';
/** Items of the shop, as many as the sample's catalogue has. */
const ITEMS = 3_500;
const UNITS = 1_000_000_000;
export const PRICE = 15_000;
const REVISION = formatRevision(1, 1);
/** Nothing listens there: the site sells on its own, as it does while Temporal is away. */
const NO_TEMPORAL = '127.0.0.1:9';

export function sku(index: number): string {
  return `SKU${String(index % ITEMS).padStart(5, '0')}`;
}

export function benchConfig(folder: string, database: string, port: number): SiteConfig {
  return configSchema.parse({
    ...{ site: 'north', url: `http://127.0.0.1:${port}`, database, listen: { port } },
    documentsDir: join(folder, 'documents'),
    temporal: { address: NO_TEMPORAL },
    log: { level: 'info', file: join(folder, 'north.log') },
    stores: {
      [STORE]: {
        ...{ name: 'Bench shop', domain: 'shop.example', currency: 'GBP', catalog: CATALOG },
        shippingMethods: [{ code: 'standard', description: 'Standard delivery', amount: '3.50' }],
        sealing: { current: 'bench', keys: { bench: Buffer.alloc(32, 7).toString('base64') } },
        topology: {
          primary: 'hq',
          sites: [
            { site: 'hq', role: 'primary', url: 'http://127.0.0.1:9' },
            { site: 'north', role: 'secondary', parent: 'hq', url: `http://127.0.0.1:${port}` },
          ],
        },
      },
    },
  });
}

export interface BenchShop {
  readonly config: SiteConfig;
  readonly db: Database;
  readonly context: SiteContext;
  readonly key: string;
}

/** A migrated database with items, stock and a buyer's key. */
export async function openShop(config: SiteConfig): Promise<BenchShop> {
  await migrate(config.database);
  const db = openDatabase(config.database);
  const context = contextFor(config, db);
  const key = makeKey(REAL_RUNTIME.random);
  const now = REAL_RUNTIME.clock.now();
  const skus = [...Array.from({ length: ITEMS }, (_, index) => sku(index)), HOT_SKU];
  const topology = context.stores.get(STORE)?.configuredTopology;
  if (!topology) throw new Error('the bench has no topology');
  await db.transaction(async (tx) => {
    await seedTopology(tx, topology, config.site, REAL_RUNTIME.ids.uuid(), now);
    await addKey(tx, { store: STORE, key, role: 'buyer', site: null, label: 'bench', expiresAt: null, now });
    await insertRows(
      tx,
      'catalogs',
      ['store', 'catalog', 'revision', 'item_count', 'digest', 'updated_at'],
      [[STORE, CATALOG, REVISION, skus.length, '0'.repeat(64), now]],
    );
    const { unitOfMeasure, classification, leadTimeDays } = ITEM_DEFAULTS;
    await insertRows(
      tx,
      'item_versions',
      [
        ...['store', 'catalog', 'sku', 'from_revision', 'to_revision', 'partition_name', 'description', 'price_amount'],
        ...['currency', 'unit_of_measure', 'classification_domain', 'classification_code', 'lead_time_days'],
        ...['attributes', 'audience', 'content_hash'],
      ],
      skus.map((item) => [
        ...[STORE, CATALOG, item, REVISION, OPEN_REVISION, EVERYONE, `Item ${item}, as sold`, PRICE, 'GBP'],
        ...[unitOfMeasure, classification.domain, classification.code, leadTimeDays, '{}', EVERYONE, '0'.repeat(64)],
      ]),
    );
    const movement: Movement = {
      ...{
        store: STORE,
        movementId: 'bench',
        kind: 'receipt' as const,
        account: 'own' as const,
        counterparty: null,
        transferId: null,
      },
      ...{ cause: 'bench', epoch: 1, incarnation: 0, now },
    };
    await credit(
      tx,
      movement,
      skus.map((item) => ({ sku: item, quantity: UNITS })),
    );
  });
  return { config, db, context, key };
}

/** The site in a process of its own. */
export class ServingProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  static async start({ config }: BenchShop, folder: string): Promise<ServingProcess> {
    const file = join(folder, 'north.yaml');
    writeFileSync(file, stringify(JSON.parse(JSON.stringify(config))));
    const child = fork(join(__dirname, 'server.js'), [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [message] = (await once(child, 'message')) as [Message];
    if (!('ready' in message)) throw new Error('the serving process did not begin by being ready');
    return new ServingProcess(child, message.ready);
  }

  private send(command: Command): void {
    this.child.send(command);
  }

  /** Runs the load; answers the event loop's delay inside its window. */
  async during(load: () => Promise<void>): Promise<LoopDelay> {
    this.send('begin');
    await load();
    const answered = once(this.child, 'message') as Promise<[Message]>;
    this.send('end');
    const [message] = await answered;
    if (!('delay' in message)) throw new Error('the serving process did not tell its delay');
    return message.delay;
  }

  /** Posts the checkouts of these carts, so many at a time; answers how many were not answered 201. */
  async checkOut(
    carts: readonly string[],
    clients: number,
    key: string,
    token: string,
    keyed: boolean,
  ): Promise<number> {
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const { hostname, port } = new URL(this.url);
    const headers = { Authorization: `Bearer ${key}`, 'Cart-Token': token };
    const post = (cart: string) =>
      new Promise<boolean>((resolve) => {
        const path = `/v1/stores/${STORE}/carts/${cart}/checkout`;
        const sentHeaders = keyed ? { ...headers, 'Idempotency-Key': cart } : headers;
        const sent = request({ agent, hostname, port, path, method: 'POST', headers: sentHeaders }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode === 201));
        });
        sent.once('error', () => resolve(false));
        sent.end();
      });
    let errors = 0;
    await inParallel(carts, clients, async (cart) => {
      if (!(await post(cart))) errors++;
    });
    agent.destroy();
    return errors;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.send('stop');
    await gone;
  }
}
