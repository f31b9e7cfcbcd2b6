/**
 * Every route is closed unless it says who may call. The routes come from the running app's own router; each is tried in
 * every wrong way, and what comes back is a problem that tells of no data.
 */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { allRoutes } from '../../api/routes';
import { PROBLEM_TYPE_BASE } from '../../api/problems';
import { engines } from '../support/databases';
import { Searcher } from '../secrets/searcher';
import { type Call, type Heard, RefusingSite } from './refusing-site';
import { MATRIX, MIDDLEWARE, type Row, liveRoutes } from './route-matrix';

/** More than any route takes, bytes. */
const TOO_LARGE = 9_000_000;
/** What the API says of itself stands beside the declared routes. */
const DESCRIPTION = ['/openapi.json', '/docs'];
const JSON_TYPE = { 'content-type': 'application/json' };

/** RFC 9457, with a stable type; `status` is one of those expected. */
function expectProblem(what: string, { status, headers, text }: Heard, ...expected: number[]): void {
  expect({ what, text, status: expected.includes(status) ? 'as expected' : status }).toEqual({
    what,
    text,
    status: 'as expected',
  });
  const problem = expect.stringMatching(/^application\/problem\+json/) as string;
  expect({ what, type: headers['content-type'] }).toEqual({ what, type: problem });
  const { type, title, detail, status: stated, requestId } = JSON.parse(text) as Record<string, unknown>;
  expect(type).toMatch(new RegExp(`^${PROBLEM_TYPE_BASE}[a-z0-9-]+$`));
  for (const member of [title, detail, requestId]) expect(member).toMatch(/./);
  expect(stated).toBe(status);
}

const CLIENT_FAULTS = [400, 404, 405, 406, 409, 411, 412, 413, 414, 415, 421, 422, 428, 431];

describe.each(engines())('on %s', (engine) => {
  let site: RefusingSite;

  beforeAll(async () => {
    site = await RefusingSite.create(engine);
  });
  afterAll(() => site.world.stop());

  const rows = Object.entries(MATRIX).map(([name, row]) => {
    const [method = '', path = ''] = name.split(' ');
    return { name, method, path, row };
  });
  const closed = rows.filter(({ row }) => row.roles.length > 0);
  const each = (some: typeof rows) => some.map((entry) => [entry.name, entry] as const);
  const ofRow = ({ roles }: Row, bearers: Record<string, string>) =>
    bearers[roles.includes('operator') ? 'operator' : 'site'];

  test('the router holds exactly the routes of test/api/route-matrix.ts: add a row for a new one, remove one for an old', () => {
    const { routes, others } = liveRoutes(site.world.site('hq').app);
    const listed = Object.keys(MATRIX);
    expect({ 'on the router, in no row': routes.filter((name) => !listed.includes(name)) }).toEqual({
      'on the router, in no row': [],
    });
    expect({ 'in a row, not on the router': listed.filter((name) => !routes.includes(name)) }).toEqual({
      'in a row, not on the router': [],
    });
    // Middleware may answer, too: none is mounted below a path, and each is known.
    expect(others.filter(({ slash, handle }) => !slash || handle.stack !== undefined)).toEqual([]);
    expect(others).toHaveLength(MIDDLEWARE.length);
  });

  test('every route declares the roles that its row allows', () => {
    const declared = allRoutes.map(({ method, path, roles }) => [`${method.toUpperCase()} ${path}`, [...roles].sort()]);
    const allowed = rows
      .filter(({ path }) => !DESCRIPTION.includes(path))
      .map(({ name, row }) => [name, [...row.roles].sort()]);
    expect(Object.fromEntries(declared)).toEqual(Object.fromEntries(allowed));
  });

  test.each(each(closed))('%s lets nobody in without a good key', async (_name, { method, path }) => {
    for (const [what, authorization] of Object.entries(await site.badAuthorizations())) {
      const answer = await site.call('hq', method, site.path(path), { authorization });
      expectProblem(what, answer, 401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
    if (!path.includes('{store}')) return;
    for (const store of ['another', '__proto__', 'constructor', '%00', 'x'.repeat(3000)]) {
      const there = site.path(path, { store });
      expectProblem(
        `store ${store.slice(0, 20)}`,
        await site.call('hq', method, there, { bearer: site.key('operator') }),
        401,
      );
    }
  });

  test.each(each(closed))('%s is for its roles only', async (_name, { method, path, row }) => {
    for (const [role, bearer] of Object.entries(await site.bearers())) {
      const answer = await site.call('hq', method, site.path(path), { bearer });
      if (!(row.roles as readonly string[]).includes(role)) expectProblem(role, answer, 403);
      else if (answer.status >= 400) expectProblem(role, answer, ...CLIENT_FAULTS);
    }
  });

  test.each(each(closed.filter(({ row }) => row.cart)))(
    "%s is for who has the cart's token",
    async (_name, { method, path }) => {
      const { cartId } = await site.world.fillCart('hq', [{ sku: 'A', quantity: 1 }]);
      const bearer = site.key('operator');
      const body = method === 'GET' ? {} : { body: '{}', headers: JSON_TYPE };
      const wrong: Record<string, Call & { at?: string }> = {
        'no token': {},
        'a token of nobody': { headers: { 'cart-token': 'x'.repeat(32) } },
        "another cart's token": { headers: { 'cart-token': site.cartToken } },
        'a key': { headers: { 'cart-token': bearer } },
        'the token in a cookie': { headers: { cookie: `Cart-Token=${site.cartToken}` } },
      };
      for (const [what, { headers }] of Object.entries(wrong)) {
        const there = site.path(path, { cart: cartId });
        const answer = await site.call('hq', method, there, {
          bearer,
          ...body,
          headers: { ...body.headers, ...headers, 'if-match': '*' },
        });
        // A body of another form is refused before the cart is looked up.
        expectProblem(what, answer, 404, ...(method === 'GET' ? [] : [400]));
      }
      expectProblem(
        'the token in the query',
        await site.call('hq', method, `${site.path(path)}?Cart-Token=${site.cartToken}`, { bearer, ...body }),
        400,
        404,
      );
    },
  );

  test.each(each(closed.filter(({ row }) => row.takes === 'json')))(
    '%s refuses bodies that it does not take',
    async (_name, { method, path, row }) => {
      const bearer = ofRow(row, await site.bearers());
      const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
        site.call('hq', method, site.path(path), {
          bearer,
          body,
          headers: { ...JSON_TYPE, 'if-match': '*', 'cart-token': site.cartToken, ...headers },
        });
      const refused: Record<string, string | Buffer> = {
        'broken off': '{"a":',
        'no object': '"x"',
        'a list': '[]',
        null: 'null',
        'an unknown field': '{"unheardOf":1}',
        'a prototype': '{"__proto__":{"admin":true}}',
        'a constructor': '{"constructor":{"prototype":{"admin":true}}}',
        'a method of every object': '{"toString":1}',
        'nested without end': '{"a":'.repeat(50_000),
        'a list of lists': `{"lines":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
        'a NUL': '{"a":"\u0000"}',
        'not UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      };
      for (const [what, body] of Object.entries(refused)) expectProblem(what, await send(body), 400);
      expectProblem('gzip', await send(gzipSync('{"unheardOf":1}'), { 'content-encoding': 'gzip' }), 400);
      expectProblem('broken gzip', await send('{}', { 'content-encoding': 'gzip' }), 400);
      expectProblem('a bomb', await send(gzipSync(Buffer.alloc(4 * TOO_LARGE)), { 'content-encoding': 'gzip' }), 413);
      expectProblem('too large', await send(JSON.stringify({ pad: 'x'.repeat(TOO_LARGE) })), 413);
      expectProblem('another encoding', await send('{}', { 'content-encoding': 'rot13' }), 415);
      expectProblem('another type', await send('<a/>', { 'content-type': 'text/xml' }), 415);
      expectProblem('another charset', await send('{}', { 'content-type': 'application/json; charset=x-none' }), 415);
    },
  );

  test.each(each(closed.filter(({ row }) => row.takes === 'csv' || row.takes === 'xml')))(
    '%s refuses streams that it does not take',
    async (_name, { method, path, row }) => {
      const bearer = ofRow(row, await site.bearers());
      const type = { 'content-type': row.takes === 'csv' ? 'text/csv' : 'text/xml' };
      const send = (body: string | Buffer, headers: Record<string, string> = type) =>
        site.call('hq', method, site.path(path), { bearer, body, headers });
      const refused: Record<string, string | Buffer> = {
        nothing: '',
        'a NUL': 'sku,\u0000\n',
        'not UTF-8': Buffer.from([0xff, 0xfe, 0x00]),
        'an unknown column': 'sku,__proto__\nA,1\n',
        'a column of every object': 'sku,description,price,attribute:__proto__\nA,a,1.00,x\n',
        'a quotation without end': 'sku,"quantity\n',
        'an endless row': `sku,${'x'.repeat(200_000)}\n`,
        'an entity': '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        'nested without end': '<a>'.repeat(5_000),
        compressed: gzipSync('sku,quantity\nA,1\n'),
      };
      for (const [what, body] of Object.entries(refused)) expectProblem(what, await send(body), 400, 415, 422);
      expectProblem('no type', await send('x', {}), 415);
      expectProblem('another type', await send('x', { 'content-type': 'text/html' }), 415);
      expectProblem('said to be too large', await send('', { ...type, 'content-length': '9999999999' }), 413);
    },
  );

  test.each(each(closed.filter(({ method }) => method === 'GET')))(
    '%s refuses questions that it does not know',
    async (_name, { path, row }) => {
      const bearer = ofRow(row, await site.bearers());
      for (const query of [
        'unheardOf=1',
        '__proto__=1',
        '__proto__[admin]=1',
        'constructor=1',
        'limit=1&limit=2',
        'a=%00',
        '%ff=1',
        `x=${'y'.repeat(5000)}`,
      ]) {
        expectProblem(query.slice(0, 40), await site.call('hq', 'GET', `${site.path(path)}?${query}`, { bearer }), 400);
      }
    },
  );

  test.each(each(closed.filter(({ path }) => /\{(?!store)/.test(path))))(
    '%s refuses names that are none',
    async (_name, { method, path, row }) => {
      const bearer = ofRow(row, await site.bearers());
      const params = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').filter((name) => name !== 'store');
      for (const name of params) {
        for (const value of [
          '%00',
          '..%2f..%2fetc',
          '%ff',
          '__proto__',
          'constructor',
          '%F0%9F%92%A9',
          'x'.repeat(4000),
          '%27%20OR%201=1--',
        ]) {
          const answer = await site.call('hq', method, site.path(path, { [name]: value }), { bearer });
          if (answer.status >= 400) expectProblem(`${name} ${value.slice(0, 20)}`, answer, ...CLIENT_FAULTS);
        }
      }
    },
  );

  test('a kept answer is given to the same caller with the same token only', async () => {
    const path = site.path('/v1/stores/{store}/carts/{cart}');
    const patch = (role: string, token?: string) =>
      site.call('hq', 'PATCH', path, {
        bearer: site.key(role),
        body: '{"comments":"once"}',
        headers: {
          ...{ ...JSON_TYPE, 'if-match': '*', 'idempotency-key': 'kept' },
          ...(token === undefined ? {} : { 'cart-token': token }),
        },
      });
    expect(await patch('buyer', site.cartToken)).toMatchObject({ status: 200 });
    const again = await patch('buyer', site.cartToken);
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
    expectProblem('without the token', await patch('buyer'), 422);
    expectProblem('with another token', await patch('buyer', 'x'.repeat(32)), 422);
    expectProblem('with another key', await patch('integrator', site.cartToken), 422);
  });

  test('what is done at the primary is told so elsewhere, with the right address', async () => {
    const bearer = site.key('operator');
    for (const { name, method, path, row } of rows.filter(({ row: { primary } }) => primary)) {
      const body = row.takes === 'csv' ? 'sku,quantity\nA,1\n' : (row.body ?? '{}');
      const headers = { 'content-type': row.takes === 'csv' ? 'text/csv' : 'application/json' };
      const there = site.path(path);
      const answer = await site.call('north', method, there, {
        bearer,
        headers,
        ...(path.endsWith('pushes') ? { headers: {} } : { body }),
      });
      expectProblem(name, answer, 421);
      expect(JSON.parse(answer.text)).toMatchObject({ url: `${site.world.config('hq').url}${there}` });
    }
  });

  test('other methods are told which there are, and HEAD and OPTIONS tell no data', async () => {
    for (const { method, path, row } of rows) {
      const there = site.path(path);
      const patched = await site.call('hq', 'PROPFIND', there);
      if (!DESCRIPTION.includes(path)) {
        expectProblem(`PROPFIND ${path}`, patched, 405);
        expect(patched.headers.allow).toContain(method);
        expect(await site.call('hq', 'OPTIONS', there)).toMatchObject({ status: 204, text: '' });
      }
      if (method !== 'GET') continue;
      const head = await site.call('hq', 'HEAD', there);
      expect(head).toMatchObject({ status: row.roles.length > 0 ? 401 : 200, text: '' });
    }
    expectProblem('a path of nothing', await site.call('hq', 'GET', '/v1/nothing'), 404);
    expectProblem('a path that is none', await site.call('hq', 'GET', '/v1/%zz'), 404, 400);
  });

  test('what is no HTTP, too much of it or never ends is refused, and holds nobody else', async () => {
    const { port } = site.world.config('hq').listen;
    const raw = (text: string, end = true) =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        let heard = '';
        socket.on('data', (chunk) => (heard += chunk.toString()));
        socket.once('close', () => resolve(heard));
        socket.once('error', () => undefined);
        socket.write(text);
        if (end) socket.end();
      });
    const head = `POST ${site.path('/v1/stores/{store}/carts')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${site.key('buyer')}\r\nContent-Type: application/json\r\n`;
    const refused: [string, string, RegExp][] = [
      ['no HTTP', 'what?\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['a length and chunks', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, /^HTTP\/1\.1 400 /],
      ['a length that is none', `${head}Content-Length: 2x\r\n\r\n{}`, /^HTTP\/1\.1 400 /],
      ['a header without end', `${head}X-Long: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ['a flood of headers', `${head}${'X-Many: 1\r\n'.repeat(5000)}\r\n`, /^HTTP\/1\.1 431 /],
      ['a path without end', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ['chunks that are none', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1\.1 400 /],
      [
        'chunks without a length',
        `${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n`,
        /^HTTP\/1\.1 400 /,
      ],
    ];
    for (const [what, text, form] of refused) {
      const heard = await raw(text);
      expect({ what, heard }).toEqual({ what, heard: expect.stringMatching(form) as string });
      expect({ what, heard }).toEqual({ what, heard: expect.stringContaining('application/problem+json') as string });
    }
    const slow = connect(port, '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write(`${head}Content-Length: 1000\r\n\r\n{"buyerId":`);
    expect((await site.call('hq', 'GET', '/readyz')).status).toBe(200);
    slow.destroy();
    // Shorter than its length says: there is no one left to be answered.
    expect(await raw(`${head}Content-Length: 1000\r\n\r\n{}`)).not.toMatch(/^HTTP\/1\.1 [25]/);
    expect((await site.call('hq', 'GET', '/readyz')).status).toBe(200);
  });

  test('nothing that was refused told any data, and nothing broke inside', () => {
    const searcher = new Searcher(site.canaries.all());
    expect(site.refusals.length).toBeGreaterThan(1000);
    const found = searcher.search(site.refusals.filter((text) => !text.includes('Cart-Token=')).join('\n'));
    expect(found).toEqual([]);
    expect(searcher.search(`${site.refusals[0] ?? ''} ${site.cartToken}`)).not.toEqual([]);
    expect({}).not.toHaveProperty('admin');
  });
});
