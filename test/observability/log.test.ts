/** The log of a run: whoever has an order's trace finds every step of it, at every site, and nothing personal. */
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describeError } from '../../domain/errors';
import { withFields } from '../../activities/log-fields';
import { createLogger } from '../../workers/log';
import { until } from '../support/until';
import { ADDRESS, type World } from '../support/world';
import { linesOf, talkativeWorld, textsOf } from './run';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-00`;

describe('the log of a run', () => {
  let world: World;
  beforeAll(async () => {
    world = await talkativeWorld();
  });
  afterAll(() => world.stop());

  const checkOut = async (headers: Record<string, string>) => {
    const { cartId, token } = await world.fillCart('north', [{ sku: 'A', quantity: 1 }]);
    const path = `/carts/${cartId}/checkout`;
    const { body } = await world.call('north', 'POST', path, { headers: { 'Cart-Token': token, ...headers } });
    const orderId = String(body['orderId']);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    return { cartId, orderId };
  };
  const find = (site: string, msg: string, fields: object = {}) =>
    until(`"${msg}" in the log of ${site}`, async () =>
      linesOf(world, site).find(
        (line) => line.msg === msg && Object.entries(fields).every(([name, value]) => line[name] === value),
      ),
    );

  test("has one trace from the buyer's request to the primary's receipt and back", async () => {
    const { cartId, orderId } = await checkOut({ traceparent: TRACEPARENT, 'X-Request-Id': 'request-1' });
    const inTrace = { traceId: TRACE_ID };
    const { store } = world;

    const sold = await find('north', 'sold', inTrace);
    expect(sold).toMatchObject({ site: 'north', store, epoch: 1, orderId, cartId, requestId: 'request-1' });
    const { payloadId } = sold;
    expect(payloadId).toMatch(new RegExp(`\\.${orderId}\\.1@shop\\.example$`));
    const request = await find('north', 'request', inTrace);
    expect(request).toMatchObject({ requestId: 'request-1', store, status: 201 });
    expect(request['route']).toBe('/v1/stores/{store}/carts/{cart}/checkout');
    expect(request['durationMs']).toEqual(expect.any(Number));

    const offered = await find('north', 'orders offered', inTrace);
    expect(offered).toMatchObject({ site: 'north', store, epoch: 1, orders: 1 });
    const workflowId = String(offered['workflowId']);
    expect(workflowId).toMatch(/^purchaseOrderDelivery\//);

    const received = await find('hq', 'order received', inTrace);
    expect(received).toMatchObject({ site: 'hq', store, from: 'north', orderId, payloadId, outcome: 'confirmed' });
    expect(received).toMatchObject({ workflowId, activity: 'receiveOrders', attempt: 1 });
    expect(await find('hq', 'orders received', inTrace)).toMatchObject({ workflowId, payloadId: offered['payloadId'] });
    expect((await find('hq', 'activity done', inTrace))['durationMs']).toEqual(expect.any(Number));
    expect(await find('north', 'answers booked', inTrace)).toMatchObject({
      workflowId,
      activity: 'bookOrderAnswers',
      attempt: 1,
    });
  });

  test('has a trace of its own for a request that brings none, or one that is not valid', async () => {
    const traces = new Set<unknown>();
    for (const traceparent of [undefined, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-${'x'.repeat(500)}`]) {
      const { orderId } = await checkOut(traceparent === undefined ? {} : { traceparent });
      const sold = await find('north', 'sold', { orderId });
      expect(sold['traceId']).toMatch(/^[0-9a-f]{32}$/);
      traces.add(sold['traceId']);
      await find('hq', 'order received', { orderId, traceId: sold['traceId'] });
    }
    expect(traces.size).toBe(3);
  });

  test('follows a catalogue push and an allocation too, and names revisions', async () => {
    const published = await find('hq', 'catalogue published');
    const { traceId } = published;
    expect(await find('hq', 'workflow started', { traceId })).toMatchObject({
      workflowId: expect.stringMatching(/^catalogPush/),
    });
    const applied = await find('north', 'catalogue applied', { traceId });
    expect(applied).toMatchObject({ revision: published['revision'], activity: 'applyCatalog' });
    expect(applied['workflowId']).toBe(`catalogDelivery/${world.store}/main/north`);
    // The site asks its parent for the document within the same trace.
    await find('hq', 'request', { traceId, route: '/v1/stores/{store}/catalogs/{catalog}/content' });
    const credited = await find('north', 'stock credited');
    await find('hq', 'stock allocated', { traceId: credited['traceId'] });
  });

  test('has no name twice in a line', () => {
    const lines = ['hq', 'north'].flatMap((site) => textsOf(world, site));
    expect(lines.length).toBeGreaterThan(100);
    // JSON's own parser takes the last of them and says nothing.
    for (const line of lines) parse(line);
  });

  test('has no personal data, no keys and no sealed text', async () => {
    await checkOut({});
    const text = ['hq', 'north'].map((site) => readFileSync(join(world.folder, `${site}.log`), 'utf8')).join('\n');
    const { name, street, city, postalCode } = ADDRESS;
    for (const personal of [name, street[0], city, postalCode]) expect(text).not.toContain(personal);
    expect(text).not.toContain(world.key);
    expect(text).not.toMatch(/"sealed"|cart-token/i);
  });
});

describe('what the log writes', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'entrepot-log-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let files = 0;
  const written = (write: (log: ReturnType<typeof createLogger>) => void): Promise<Record<string, unknown>> => {
    const file = join(folder, `${++files}.log`);
    write(createLogger({ site: 'north', log: { level: 'info', file } }));
    return until('the line', async () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>);
  };

  test('leaves out what nobody should have given it, however deep and in whatever case', async () => {
    const secret = { Authorization: 's1', cart: { shipTo: { city: 's2' }, lines: [{ sku: 'A', token: 's3' }] } };
    const line = await written((log) => log.info({ ...secret, bytes: Buffer.from('s4') }, 'slip'));
    expect(JSON.stringify(line)).not.toMatch(/s[1-4]"|115,52/);
    expect(line).toMatchObject({ Authorization: '[withheld]', cart: { lines: [{ sku: 'A' }] }, site: 'north' });
  });

  test('says of what its logger adds what the line itself says of it', async () => {
    const line = await written((log) =>
      withFields(withFields(log, { a: 1, b: 1, c: 1 }), { b: 2, c: 2 }).info({ c: 3 }, ''),
    );
    expect(line).toMatchObject({ a: 1, b: 2, c: 3 });
  });

  test('shows an error with its code and causes, without what a driver hung on it', async () => {
    const cause = Object.assign(new Error('lock wait'), {
      code: 'ER_LOCK',
      errno: 1205,
      sql: 'INSERT s1',
      values: ['s2'],
    });
    const line = await written((log) => log.error({ err: new TypeError('the sale failed', { cause }) }, 'failed'));
    expect(line['err']).toMatchObject({
      ...{ type: 'TypeError', message: 'the sale failed', stack: expect.stringContaining('log.test.ts') },
      cause: { type: 'Error', message: 'lock wait', code: 'ER_LOCK', errno: 1205 },
    });
    expect(JSON.stringify(line)).not.toMatch(/s[12]"/);
  });

  test('bears whatever is thrown, and causes without an end', () => {
    expect(describeError('text')).toEqual({ type: 'string', message: '…' });
    expect(describeError({ code: 7 })).toMatchObject({ code: 7 });
    const circle = new Error('round');
    circle.cause = circle;
    expect(() => JSON.stringify(describeError(circle))).not.toThrow();
  });
});
