/** Spans as a collector receives them: one order's way from the buyer's request to the primary is one trace. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Processes } from '../support/processes';
import { until } from '../support/until';
import { type World } from '../support/world';
import { type ReceivedSpan, otlpReceiver } from './otlp-receiver';
import { linesOf, processesOf } from './run';

const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const [SERVER, PRODUCER, CONSUMER] = [2, 4, 5];
const CHECKOUT = 'POST /v1/stores/{store}/carts/{cart}/checkout';

describe('with a receiver configured', () => {
  let world: World;
  let processes: Processes;
  let receiver: Awaited<ReturnType<typeof otlpReceiver>>;

  beforeAll(async () => {
    receiver = await otlpReceiver();
    const telemetry = { otlpEndpoint: receiver.endpoint, sampleRatio: 1 };
    ({ world, processes } = await processesOf({ telemetry }));
  });

  afterAll(async () => {
    await processes.stopAll();
    await world.stop();
  });

  const span = (what: string, wanted: (candidate: ReceivedSpan) => boolean): Promise<ReceivedSpan> =>
    until(what, async () => receiver.spans.find(wanted));
  const step = (name: string, site: string, traceId: string) =>
    span(`${name} at ${site}`, (one) => one.name === name && one.site === site && one.traceId === traceId);
  const buy = async (traceparent?: string) => {
    const { cartId, token } = await world.fillCart('north', [{ sku: 'A', quantity: 1 }]);
    const headers = { 'Cart-Token': token, ...(traceparent === undefined ? {} : { traceparent }) };
    return String((await world.call('north', 'POST', `/carts/${cartId}/checkout`, { headers })).body['orderId']);
  };

  test("an order's spans share its trace, each within the one that asked for it", async () => {
    const orderId = await buy(`00-${CALLER.traceId}-${CALLER.spanId}-01`);
    const request = await step(CHECKOUT, 'north', CALLER.traceId);
    expect(request).toMatchObject({ kind: SERVER, parentSpanId: CALLER.spanId });
    expect(request.attributes).toMatchObject({ 'http.response.status_code': 201, 'entrepot.store': world.store });

    const offer = await step('offer orders', 'north', CALLER.traceId);
    expect(offer).toMatchObject({ kind: PRODUCER, parentSpanId: request.spanId });
    const activity = await step('receiveOrders', 'hq', CALLER.traceId);
    expect(activity).toMatchObject({ kind: CONSUMER, parentSpanId: offer.spanId });
    expect(activity.attributes['entrepot.workflow_id']).toBe(offer.attributes['entrepot.workflow_id']);

    const receipt = await step('receive order', 'hq', CALLER.traceId);
    expect(receipt).toMatchObject({ kind: CONSUMER, parentSpanId: request.spanId });
    expect(receipt.links).toMatchObject([{ traceId: CALLER.traceId, spanId: activity.spanId }]);
    expect(receipt.attributes).toMatchObject({ 'entrepot.order_id': orderId, 'entrepot.outcome': 'confirmed' });
    const booking = await step('bookOrderAnswers', 'north', CALLER.traceId);
    expect(booking).toMatchObject({ parentSpanId: offer.spanId, failed: false });
    expect([...receiver.paths]).toEqual(['POST /v1/traces']);
  });

  test('a batch of many has a trace of its own, linked to its orders, whose receipts stay in theirs', async () => {
    const sold = new Map<string, ReceivedSpan>();
    const batch = await until('a batch of many', async () => {
      await Promise.all([buy(), buy(), buy()]);
      return receiver.spans.find(({ name, links }) => name === 'offer orders' && links.length > 1);
    });
    for (const one of receiver.spans) if (one.name === CHECKOUT) sold.set(one.spanId, one);
    expect(batch.parentSpanId).toBeUndefined();
    const activity = await step('receiveOrders', 'hq', batch.traceId);
    for (const link of batch.links) {
      expect(sold.get(link.spanId)?.traceId).toBe(link.traceId);
      const receipt = await step('receive order', 'hq', link.traceId);
      expect(receipt).toMatchObject({ parentSpanId: link.spanId, links: [{ spanId: activity.spanId }] });
    }
  });

  test('what the caller does not want recorded is not, at any site', async () => {
    const unwanted = '5'.repeat(32);
    const orderId = await buy(`00-${unwanted}-${CALLER.spanId}-00`);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    const traceId = '6'.repeat(32);
    await buy(`00-${traceId}-${CALLER.spanId}-01`);
    await step('bookOrderAnswers', 'north', traceId);
    expect(receiver.spans.filter((one) => one.traceId === unwanted)).toEqual([]);
  });

  test("a step says how it ended, in numbers and ids: nothing is anybody's business", async () => {
    const traceId = '7'.repeat(32);
    const headers = { traceparent: `00-${traceId}-${CALLER.spanId}-01` };
    await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'r', lines: [] }, headers });
    const refused = await span('the refusal', (one) => one.traceId === traceId);
    expect(refused).toMatchObject({ failed: false, attributes: { 'http.response.status_code': 400 } });
    expect(JSON.stringify(receiver.spans)).not.toMatch(/Ann Buyer|High Street|sealed/);
  });

  test('a receiver that is away loses spans, and nothing else', async () => {
    await receiver.close();
    const orderId = await buy(`00-${'8'.repeat(32)}-${CALLER.spanId}-01`);
    await until('the confirmation', async () => (await world.orderState('north', orderId)) === 'confirmed');
    await until('the log to say so', async () => linesOf(world, 'north').some(({ msg }) => msg === 'spans are lost'));
  });
});

test('without a receiver, nothing of OpenTelemetry but its interface is loaded', () => {
  const site = join(__dirname, '..', '..', 'dist', 'workers', 'site.js');
  const loaded = `require(${JSON.stringify(site)}); console.log(Object.keys(require.cache).join('\\n'))`;
  const modules = execFileSync(process.execPath, ['-e', loaded], { encoding: 'utf8' });
  expect(modules).toContain(site);
  expect(modules.split('\n').filter((file) => /@opentelemetry.(sdk|exporter|otlp|resources|core)/.test(file))).toEqual(
    [],
  );
});
