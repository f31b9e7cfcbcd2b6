/** Sealed documents are opened for operators, by Temporal's remote codec protocol and on a page, and for nobody else. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { type EncodedPayload } from '../../activities/codec';
import { sealDocument } from '../../activities/sealing';
import { signToken } from '../../activities/signed-token';
import { signSiteToken } from '../../activities/site-token';
import { BROWSER_SESSION } from '../../api/browser-session';
import { type SealedDocument } from '../../domain/documents';
import { locateTemporal } from '../../workers/temporal-server';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

const address = process.env[TEMPORAL_ADDRESS] ?? '';

describe('the codec of a running site', () => {
  let world: World;
  let workflowId: string;
  let orderId: string;

  beforeAll(async () => {
    world = await World.start('sqlite', ['north']);
    await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
    await world.stock([{ sku: 'A', quantity: 5 }]);
    orderId = String((await world.buy('north', [{ sku: 'A', quantity: 1 }])).body['orderId']);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    workflowId = String((await world.call('north', 'GET', `/orders/${orderId}`)).body['workflowId']);
  });
  afterAll(() => world.stop());

  const url = (path: string) => `${world.config('hq').url}${path}`;
  const bearer = () => ({ authorization: `Bearer ${world.key}` });
  const encoded = (value: unknown): EncodedPayload => ({
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.from(JSON.stringify(value)).toString('base64'),
  });
  const valueOf = ({ data = '' }: EncodedPayload) => JSON.parse(Buffer.from(data, 'base64').toString()) as unknown;
  const post = (path: string, body: unknown, headers: Record<string, string>) =>
    fetch(url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const decode = async (payloads: EncodedPayload[], headers: Record<string, string> = bearer()) => {
    const answer = await post(
      '/codec/decode?preserveStorageRefs=true',
      { payloads },
      { 'x-namespace': 'n', ...headers },
    );
    return { status: answer.status, payloads: ((await answer.json()) as { payloads: EncodedPayload[] }).payloads };
  };
  const settings = () => {
    const store = world.site('hq').context.stores.get(world.store);
    if (!store) throw new Error('the store is not configured');
    return store;
  };
  const sealed = (change: Partial<SealedDocument> = {}, keys = settings().sealing) =>
    sealDocument(
      {
        kind: 'OrderRequest',
        payloadID: 'p',
        store: world.store,
        sender: 'north',
        receiver: 'hq',
        count: 1,
        ...change,
      },
      '<cXML>Ann Buyer</cXML>',
      keys,
      world.site('hq').context.runtime.random,
    );

  test("opens what Temporal's own history holds, beside its ids, and leaves the rest as it is", async () => {
    const connection = await Connection.connect({ address });
    const { events } = await new Client({ connection, namespace: TEMPORAL_NAMESPACE }).workflow
      .getHandle(workflowId)
      .fetchHistory();
    await connection.close();
    const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
    const raw = { metadata: { encoding: base64(input?.metadata?.['encoding']) }, data: base64(input?.data) };
    expect(JSON.stringify(valueOf(raw))).not.toContain('Ann Buyer');
    const other = { metadata: { encoding: Buffer.from('binary/null').toString('base64') } };
    const answer = await decode([other, raw, encoded({ plain: 1 })]);
    expect(answer.status).toBe(200);
    expect(answer.payloads[0]).toEqual(other);
    expect(answer.payloads[2]).toEqual(encoded({ plain: 1 }));
    const opened = valueOf(answer.payloads[1] ?? {});
    expect(opened).toMatchObject({
      ...{ store: world.store, site: 'north' },
      document: { kind: 'OrderBatch', sender: 'north', receiver: 'hq', count: 1, opened: { orders: [{ orderId }] } },
    });
    expect(JSON.stringify(opened)).toContain('Ann Buyer');
    expect(JSON.stringify(opened)).not.toContain('"sealed"');
  });

  test('leaves alone what it can not open: changed, of a strange key, of another store, or no payload of ours', async () => {
    const good = await sealed();
    const strange = { current: 'x', keys: new Map([['x', Buffer.alloc(32, 9)]]) };
    const payloads = [
      encoded({ ...good, receiver: 'south' }),
      encoded({ ...good, sealed: `${good.sealed.slice(0, -8)}AAAAAAA=` }),
      encoded(await sealed({}, strange)),
      encoded(await sealed({ store: 'another' })),
      {
        metadata: { encoding: Buffer.from('json/plain').toString('base64') },
        data: Buffer.from('{').toString('base64'),
      },
      {},
    ];
    expect((await decode(payloads)).payloads).toEqual(payloads);
    const deep = { a: [{ b: good }, 1, null] };
    expect(valueOf((await decode([encoded(deep)])).payloads[0] ?? {})).toEqual({
      a: [{ b: expect.objectContaining({ opened: '<cXML>Ann Buyer</cXML>', payloadID: 'p' }) }, 1, null],
    });
    const encodedAgain = await post('/codec/encode', { payloads }, bearer());
    expect(await encodedAgain.json()).toEqual({ payloads });
  });

  test("is called across origins by the Temporal UI's pages only", async () => {
    const ui = new URL(world.config('hq').temporal.uiUrl).origin;
    const preflight = (origin: string) =>
      fetch(url('/codec/decode'), {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-namespace' },
      });
    const allowed = await preflight(ui);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ui);
    expect(allowed.headers.get('access-control-allow-credentials')).toBe('true');
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/Content-Type.*X-Namespace/);
    const refused = await post('/codec/decode', { payloads: [] }, { origin: ui, authorization: 'Bearer x' });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ui]);
    // A codec that answers 401 leaves the UI without even the payloads that are not sealed.
    const payloads = [encoded(await sealed()), encoded({ plain: 1 })];
    expect(await decode(payloads, { origin: ui })).toEqual({ status: 200, payloads });
    expect(await decode(payloads, { origin: ui, cookie: 'entrepot_codec=x.y.z' })).toEqual({ status: 200, payloads });
    expect((await decode(payloads, { origin: 'http://evil.example' })).status).toBe(401);
    expect((await fetch(url('/codec/session'), { method: 'DELETE', headers: { origin: ui } })).status).toBe(401);
    for (const origin of ['http://evil.example', 'null', `${ui}.evil.example`]) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    }
    const elsewhere = await fetch(url('/metrics'), { headers: { origin: ui, ...bearer() } });
    expect(elsewhere.headers.get('access-control-allow-origin')).toBeNull();
  });

  describe("a browser's session", () => {
    const payloads = async () => [encoded(await sealed())];
    const cookieOf = async (headers: Record<string, string>) => {
      const answer = await fetch(url('/codec/session'), { method: 'POST', headers });
      expect(answer.status).toBe(204);
      return answer.headers.get('set-cookie') ?? '';
    };
    const withCookie = async (token: string) =>
      (await decode(await payloads(), { cookie: `x=1; entrepot_codec=${token}` })).status;

    test('stands for the key at the codec and nowhere else, and ends with it', async () => {
      const made = await world.call('hq', 'POST', '/keys', { body: { role: 'operator', label: 'browser' } });
      const set = await cookieOf({ authorization: `Bearer ${String(made.body['key'])}` });
      expect(set).toMatch(/^entrepot_codec=[\w.-]+; Path=\/codec; Max-Age=28800; HttpOnly; SameSite=Strict$/);
      const cookie = set.split(';')[0] ?? '';
      const answer = await decode(await payloads(), { cookie });
      expect(JSON.stringify(answer.payloads.map(valueOf))).toContain('Ann Buyer');
      for (const path of ['/metrics', `/v1/stores/${world.store}/keys`]) {
        expect((await fetch(url(path), { headers: { cookie } })).status).toBe(401);
      }
      await world.call('hq', 'DELETE', `/keys/${String(made.body['keyId'])}`);
      await until('the session to end', async () => (await decode([], { cookie })).status === 401);
    });

    test('can not be made up, kept for ever, or made of another token', async () => {
      const { clock } = world.site('hq').context.runtime;
      const keyId = world.key.split('_')[1] ?? '';
      const token = (at: number, store = settings()) => signToken(store, BROWSER_SESSION, keyId, at);
      expect(await withCookie(await token(clock.now()))).toBe(200);
      expect(await withCookie(await token(clock.now() - 9 * 3_600_000))).toBe(401);
      const forged = { ...settings(), sealing: { current: 'test', keys: new Map([['test', Buffer.alloc(32, 9)]]) } };
      expect(await withCookie(await token(clock.now(), forged))).toBe(401);
      expect(await withCookie(await signSiteToken(settings(), keyId, clock.now()))).toBe(401);
      expect(await withCookie('')).toBe(401);
      const asKey = { authorization: `Bearer ${await token(clock.now())}` };
      expect((await decode([], asKey)).status).toBe(401);
    });

    test('is closed by the browser', async () => {
      const cookie = (await cookieOf(bearer())).split(';')[0] ?? '';
      const closed = await fetch(url('/codec/session'), { method: 'DELETE', headers: { cookie } });
      expect([closed.status, closed.headers.get('set-cookie')]).toEqual([
        ...[204, 'entrepot_codec=; Path=/codec; Max-Age=0; HttpOnly; SameSite=Strict'],
      ]);
    });
  });

  test("lists a workflow's documents, each once, and knows only the store's", async () => {
    const ask = (id: string) => world.call('hq', 'GET', `/workflows/${encodeURIComponent(id)}/documents`);
    const { status, body } = await ask(workflowId);
    expect(status).toBe(200);
    expect(body.items).toMatchObject([{ kind: 'OrderBatch', count: 1, opened: { orders: [{ orderId }] } }]);
    expect(JSON.stringify(body)).toContain('Ann Buyer');
    expect((await ask(`purchaseOrderDelivery/${world.store}/north/none`)).status).toBe(404);
    expect((await ask(workflowId.replace(world.store, 'another'))).status).toBe(404);
    expect((await ask('no-workflow-of-ours')).status).toBe(404);
  });

  test("serves Temporal's own command line", async () => {
    const found = await locateTemporal({ env: { ...process.env, TEMPORAL_ADDRESS: undefined } });
    if (found?.kind !== 'binary') {
      process.stderr.write('the temporal command line is missing: the codec endpoint is not tried with it\n');
      return;
    }
    // Not synchronously: the site that it asks runs in this process.
    const show = async (...codec: string[]) => {
      const { stdout } = await promisify(execFile)(found.path, [
        ...['workflow', 'show', '--workflow-id', workflowId, '--address', address, '--namespace', TEMPORAL_NAMESPACE],
        ...['--output', 'json', '--log-level', 'error', ...codec],
      ]);
      return text(stdout);
    };
    const text = (history: string) =>
      JSON.stringify(JSON.parse(history), (_, value: unknown) =>
        typeof value === 'string' && /^[A-Za-z0-9+/]{20,}=*$/.test(value)
          ? Buffer.from(value, 'base64').toString()
          : value,
      );
    expect(await show()).not.toContain('Ann Buyer');
    expect(await show('--codec-endpoint', url('/codec'), '--codec-auth', bearer().authorization)).toContain(
      'Ann Buyer',
    );
  });
});

test('while Temporal is away, documents are asked for again later', async () => {
  const world = await World.create('sqlite', [], { temporalAddress: '127.0.0.1:1' });
  await world.startSite('hq');
  const id = encodeURIComponent(`catalogPush/${world.store}/main/1`);
  const { status, body, headers } = await world.call('hq', 'GET', `/workflows/${id}/documents`);
  expect([status, body['type'], headers.get('retry-after')]).toEqual([
    ...[503, 'https://entrepot.dev/problems/temporal-away', '2'],
  ]);
  const page = await fetch(`${world.config('hq').url}/codec`);
  const html = await page.text();
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(policy).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  for (const [, name = '', inline = ''] of html.matchAll(/<(script|style)>(.*?)<\/\1>/gs)) {
    expect(policy).toContain(`${name}-src 'sha256-${createHash('sha256').update(inline).digest('base64')}'`);
  }
  expect(html).not.toMatch(/https?:\/\/|\b(src|href)=|innerHTML|\son\w+=/);
  await world.stop();
});
