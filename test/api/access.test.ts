/** Keys that stop, sites' tokens, requests that are done once, and what the API says of itself. */
import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { z } from 'zod';
import { addKey, makeKey } from '../../db/api-keys';
import { allRoutes } from '../../api/routes';
import { startServer } from '../../api/server';
import { createApp } from '../../api/app';
import { openApiDocument } from '../../api/openapi';
import { signSiteToken } from '../../activities/site-token';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { World } from '../support/world';

describe.each(engines())('the API on %s', (engine) => {
  let world: World;
  const keys = new Map<string, string>();

  beforeAll(async () => {
    world = await World.create(engine, ['north']);
    const { context } = await world.startSite('hq');
    const now = context.runtime.clock.now();
    const key = makeKey(context.runtime.random);
    keys.set('operator', key);
    await context.db.transaction((tx) =>
      addKey(tx, { store: world.store, key, role: 'operator', site: null, label: 'test', expiresAt: null, now }),
    );
  });

  afterAll(() => world.stop());

  const url = (path: string) => `${world.config('hq').url}${path}`;
  const call = (
    method: string,
    path: string,
    authorization?: string,
    body?: string,
    headers: Record<string, string> = {},
  ) =>
    fetch(url(path), {
      method: method.toUpperCase(),
      headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
      ...(body === undefined ? {} : { body }),
    });

  test('a revoked key stops within seconds, without a restart', async () => {
    const made = await world.call('hq', 'POST', '/keys', { body: { role: 'operator', label: 'short-lived' } });
    expect(made.status).toBe(201);
    const bearer = `Bearer ${String(made.body['key'])}`;
    expect((await call('get', `/v1/stores/${world.store}/keys`, bearer)).status).toBe(200);
    await world.call('hq', 'DELETE', `/keys/${String(made.body['keyId'])}`);
    await until(
      'the key to stop',
      async () => (await call('get', `/v1/stores/${world.store}/keys`, bearer)).status === 401,
    );
    const listed = await world.call('hq', 'GET', '/keys');
    // The secret itself may hold underscores.
    const secret = /^ek_[^_]+_(.{20,})$/.exec(String(made.body['key']))?.[1];
    expect(JSON.stringify(listed.body)).not.toContain(String(secret));
    expect(secret).toBeDefined();
  });

  test("another site shows itself by a token of the store's sealing key, and only for a minute", async () => {
    const { context } = world.site('hq');
    const store = context.stores.get(world.store);
    if (!store) throw new Error('the store is not configured');
    const now = context.runtime.clock.now();
    const path = `/v1/stores/${world.store}/topology`;
    const ask = async (token: string) => (await call('get', path, `Bearer ${token}`)).status;
    expect(await ask(await signSiteToken(store, 'north', now))).toBe(200);
    expect(await ask(await signSiteToken(store, 'stranger', now))).toBe(401);
    for (const off of [-10 * 60_000, 10 * 60_000]) {
      expect(await ask(await signSiteToken(store, 'north', now + off))).toBe(401);
    }
    const forged = { ...store, sealing: { current: 'test', keys: new Map([['test', Buffer.alloc(32, 9)]]) } };
    expect(await ask(await signSiteToken(forged, 'north', now))).toBe(401);
  });

  test("a buyer's request is known to be under way until it is answered, whatever the answer; an operator's is not", async () => {
    const { buyers } = world.site('hq').context;
    const entered = jest.spyOn(buyers, 'enter');
    const bearer = { operator: `Bearer ${keys.get('operator') ?? ''}`, buyer: '' };
    const made = await world.call('hq', 'POST', '/keys', { body: { role: 'buyer', label: 'a shop' } });
    bearer.buyer = `Bearer ${String(made.body['key'])}`;
    const carts = `/v1/stores/${world.store}/carts`;
    expect((await call('post', carts, bearer.operator)).status).toBe(201);
    expect((await call('get', `/v1/stores/${world.store}/keys`, bearer.buyer)).status).toBe(403);
    expect((await call('get', `/v1/stores/${world.store}/keys`, bearer.operator)).status).toBe(200);
    expect(entered).not.toHaveBeenCalled();
    expect((await call('post', carts, bearer.buyer)).status).toBe(201);
    expect((await call('get', `${carts}/${randomUUID()}`, bearer.buyer)).status).toBe(404);
    expect(entered).toHaveBeenCalledTimes(2);
    await until('both to be answered', async () => buyers.underWay === 0);
  });

  test('paths and methods that are not there are told apart', async () => {
    const bearer = `Bearer ${keys.get('operator') ?? ''}`;
    expect((await call('get', '/v1/nothing', bearer)).status).toBe(404);
    const wrong = await call('put', `/v1/stores/${world.store}/items`, bearer);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await call('get', `/v1/stores/${world.store}/items/%zz`, bearer)).status).toBe(400);
    expect((await call('get', `/v1/stores/${world.store}/items?limit=201`, bearer)).status).toBe(400);
    expect((await call('get', `/v1/stores/${world.store}/items?after=nonsense`, bearer)).status).toBe(400);
  });

  describe('Idempotency-Key', () => {
    const receive = (key: string, receiptId: string, site = 'hq') =>
      world.call(site, 'POST', '/inventory/receipts', {
        body: { receiptId, lines: [{ sku: 'A', quantity: 1 }] },
        headers: { 'Idempotency-Key': key },
      });

    test('the same request again gets the same answer, marked', async () => {
      const [first, second] = [await receive('k1', 'r1'), await receive('k1', 'r1')];
      expect([first.status, second.status]).toEqual([200, 200]);
      expect(first.body['booked']).toBe(true);
      expect(second.body).toEqual(first.body);
      const replayed = [first, second].map(({ headers }) => headers.get('idempotency-replayed'));
      expect(replayed).toEqual([null, 'true']);
    });

    test('another body under the same key is refused', async () => {
      await receive('k2', 'r2');
      expect((await receive('k2', 'r2-other')).status).toBe(422);
    });

    test('at the same time, one is done and the others wait or get its answer', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => receive('k3', 'r3')));
      const fresh = answers.filter(
        ({ status, headers }) => status === 200 && headers.get('idempotency-replayed') === null,
      );
      expect(fresh).toHaveLength(1);
      for (const { status } of answers) expect([200, 409]).toContain(status);
    });

    test('a key of the wrong form is refused', async () => {
      expect((await receive('with space', 'r4')).status).toBe(400);
      expect((await receive('x'.repeat(256), 'r4')).status).toBe(400);
    });
  });
});

describe('the OpenAPI document', () => {
  const document = openApiDocument(allRoutes) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; security: unknown[]; responses: object }>>;
    components: { schemas: Record<string, unknown>; securitySchemes: object };
  };

  test('names every route, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual(allRoutes.map(({ method, path }) => `${method} ${path}`).sort());
  });

  test('is OpenAPI 3.1, each operation has its own id, and every reference leads somewhere', () => {
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(allRoutes.length);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(document.components.schemas).toHaveProperty(name ?? '');
  });

  test('unknown fields are refused by every body that a route declares', () => {
    const bodies = allRoutes.map(({ body, operationId }) => [operationId, body] as const);
    for (const [operationId, body] of bodies) {
      const parsed = (body instanceof z.ZodOptional ? body : body.optional()).safeParse({ unheardOf: 1 });
      expect({ operationId, taken: parsed.success }).toEqual({ operationId, taken: false });
    }
  });
});

test('a port that is taken is named, with the way out', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  const app = createApp({ stores: new Map(), runtime: {} } as never, []);
  await expect(startServer(app, { host: '127.0.0.1', port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
  await new Promise((resolve) => holder.close(resolve));
});
