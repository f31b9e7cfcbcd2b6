/** A site with data that nobody may see, keys of every kind, and a caller that keeps all that it was answered. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { addKey, makeKey, parseKey, revokeKey } from '../../db/api-keys';
import { type Engine } from '../../db/database';
import { signSiteToken } from '../../activities/site-token';
import { until } from '../support/until';
import { CATALOG, World, itemsCsv } from '../support/world';
import { Canaries, plantBuyer } from '../secrets/canaries';

const ROLES = ['buyer', 'integrator', 'operator', 'partner', 'monitor'] as const;

export interface Heard {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Call {
  readonly bearer?: string | undefined;
  readonly authorization?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export class RefusingSite {
  /** Whatever was answered with a problem. */
  readonly refusals: string[] = [];
  readonly keys = new Map<string, string>();
  readonly canaries = new Canaries();
  /** A value that is really there for each parameter of a path. */
  readonly known: Record<string, string> = {};
  cartToken = '';

  private constructor(readonly world: World) {}

  static async create(engine: Engine): Promise<RefusingSite> {
    const site = new RefusingSite(await World.start(engine, ['north']));
    await site.makeKeys();
    await site.fill();
    return site;
  }

  /** With values that are there, but for those that are given. */
  path(route: string, given: Readonly<Record<string, string>> = {}): string {
    return route.replace(
      /\{(\w+)\}/g,
      (_all, name: string) => given[name] ?? encodeURIComponent(this.known[name] ?? ''),
    );
  }

  async call(
    at: string,
    method: string,
    path: string,
    { bearer, authorization, headers, body }: Call = {},
  ): Promise<Heard> {
    const { port } = this.world.config(at).listen;
    const given = authorization ?? (bearer === undefined ? undefined : `Bearer ${bearer}`);
    const heard = await new Promise<Heard>((resolve, reject) => {
      const sent = request(
        {
          ...{ host: '127.0.0.1', port, method, path },
          headers: {
            ...(given === undefined ? {} : { authorization: given }),
            ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
            ...headers,
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
          answer.once('error', reject);
          answer.once('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
          });
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
    if (heard.status >= 400) this.refusals.push(`${JSON.stringify(heard.headers)}\n${heard.text}`);
    return heard;
  }

  /** What lets nobody in, by what is wrong with it. */
  async badAuthorizations(): Promise<Record<string, string | undefined>> {
    const good = this.key('operator');
    const { store, context, now } = this.trust();
    const otherKey = { ...store, sealing: { current: 'test', keys: new Map([['test', Buffer.alloc(32, 9)]]) } };
    const otherStore = { ...store, store: 'another' };
    return {
      'no key': undefined,
      'an empty one': '',
      'a scheme alone': 'Bearer',
      'no key at all': 'Bearer x',
      'another scheme': `Basic ${good}`,
      'a wrong secret': `Bearer ${good.slice(0, -2)}xx`,
      'an unknown key': `Bearer ${makeKey(context.runtime.random)}`,
      'an expired key': `Bearer ${this.key('expired')}`,
      'a revoked key': `Bearer ${this.key('revoked')}`,
      'a key of another site': `Bearer ${this.key('elsewhere')}`,
      'a key of another store': `Bearer ${this.key('another store')}`,
      "a cart's token": `Bearer ${this.cartToken}`,
      'an old site token': `Bearer ${await signSiteToken(store, 'north', now - 600_000)}`,
      'a site token under another key': `Bearer ${await signSiteToken(otherKey, 'north', now)}`,
      'a site token of another store': `Bearer ${await signSiteToken(otherStore, 'north', now)}`,
      "a stranger's site token": `Bearer ${await signSiteToken(store, 'stranger', now)}`,
      'a very long one': `Bearer ${'x'.repeat(8000)}`,
    };
  }

  /** A key of each role, and another site's token. */
  async bearers(): Promise<Record<string, string>> {
    const { store, now } = this.trust();
    const keys = Object.fromEntries(ROLES.map((role) => [role, this.key(role)]));
    return { ...keys, site: await signSiteToken(store, 'north', now) };
  }

  key(name: string): string {
    const key = this.keys.get(name);
    if (key === undefined) throw new Error(`there is no key "${name}"`);
    return key;
  }

  private trust() {
    const { context } = this.world.site('hq');
    const store = context.stores.get(this.world.store);
    if (!store) throw new Error('the store is not configured');
    return { context, store, now: context.runtime.clock.now() };
  }

  private async makeKeys(): Promise<void> {
    const { world } = this;
    for (const site of ['hq', 'north']) {
      const { db, runtime } = world.site(site).context;
      const now = runtime.clock.now();
      const add = async (
        name: string,
        role: (typeof ROLES)[number],
        scope: { store?: string; site?: string; expiresAt?: number },
      ) => {
        const key = this.keys.get(name) ?? makeKey(runtime.random);
        this.keys.set(name, key);
        const row = { store: world.store, site: null, expiresAt: null, ...scope };
        await db.transaction((tx) => addKey(tx, { ...row, key, role, label: name, now }));
      };
      for (const role of ROLES) await add(role, role, {});
      await add('expired', 'operator', { expiresAt: now - 1 });
      await add('elsewhere', 'operator', { site: 'south' });
      await add('another store', 'operator', { store: 'another' });
      await add('revoked', 'operator', {});
      await add('spare', 'buyer', {});
      const revoked = parseKey(this.key('revoked'))?.keyId ?? '';
      await db.transaction((tx) => revokeKey(tx, world.store, revoked, now));
    }
    for (const [name, key] of this.keys) this.canaries.add(`the key ${name}`, parseKey(key)?.secret ?? key);
  }

  /** Data of every kind, with marks in it. */
  private async fill(): Promise<void> {
    const { world, canaries } = this;
    const description = canaries.text("an item's description");
    await world.pushItems(`${itemsCsv({ A: '1.00' })}\nB,${description},7319.25`, ['north']);
    const receiptId = 'booked-before';
    await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId, lines: [{ sku: 'A', quantity: 50 }] } });
    const allocated = await world.call('hq', 'POST', '/inventory/allocations', { body: { ownShare: true } });
    const workflowId = String(allocated.body['workflowId']);
    await until('the allocation', async () => {
      const run = await world.call('hq', 'GET', `/workflows/${encodeURIComponent(workflowId)}`);
      return run.body['state'] === 'completed';
    });
    const { details } = plantBuyer(canaries, 'the buyer');
    const sold = await world.buy('hq', [{ sku: 'A', quantity: 1 }], details);
    const cart = await world.fillCart('hq', [{ sku: 'A', quantity: 1 }], plantBuyer(canaries, 'another buyer').details);
    this.cartToken = canaries.add("the cart's token", cart.token);
    await world.call('hq', 'PUT', `/catalogs/${CATALOG}/triggers/nightly`, { body: { changes: 1_000 } });
    Object.assign(this.known, {
      ...{ store: world.store, catalog: CATALOG, sku: 'B', order: String(sold.body['orderId']), cart: cart.cartId },
      transfer: 'hq.1.1',
      ...{ line: 'hq.1', receiptId, workflowId, keyId: parseKey(this.key('spare'))?.keyId ?? '' },
      // Not the one that a push publishes.
      ...{ draft: 'spare', revision: '1.1', trigger: 'nightly', group: 'gold', site: 'north' },
    });
  }
}
