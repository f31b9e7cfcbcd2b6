/** A primary and a secondary with data of every kind, and what a fuzzer must know to reach it. */
import { signSiteToken } from '../../activities/site-token';
import { CATALOG, World, itemsCsv } from '../support/world';

/** A site token is good for a minute, give or take one: signed ahead, it lasts for a run. */
const TOKEN_SIGNED_AHEAD_MS = 50_000;
const UNITS = [{ sku: '10002', quantity: 1_000 }];
const LINE = [{ sku: '10002', quantity: 1 }];

export async function startFuzzedWorld(): Promise<World> {
  const world = await World.start('sqlite', ['north']);
  await world.pushItems(itemsCsv({ '10002': '1.00', B: '2.50' }), ['north']);
  await world.stock(UNITS);
  await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'for itself', lines: UNITS } });
  const { body } = await world.call('hq', 'POST', '/inventory/allocations', { body: { ownShare: true } });
  await world.finished('hq', String(body['workflowId']));
  await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'for the pool', lines: UNITS } });
  for (const site of ['hq', 'north']) {
    for (const sku of ['10002', 'B']) {
      await world.call(site, 'PUT', `/inventory/thresholds/${sku}`, { body: { threshold: { units: 1 } } });
    }
  }
  await world.call('hq', 'PUT', '/groups/gold');
  for (const trigger of ['counting', 'spare']) {
    await world.call('hq', 'PUT', `/catalogs/${CATALOG}/triggers/${trigger}`, { body: { changes: 1_000_000 } });
  }
  return world;
}

/** schemathesis.toml: values that are there, one set an operation where operations spoil each other's. */
export async function settingsFor(world: World, site: string): Promise<string> {
  const cart = async () => {
    const { cartId, token } = await world.fillCart(site, LINE);
    return { 'path.cart': cartId, 'header.Cart-Token': token };
  };
  const sold = await world.buy(site, LINE);
  const key = async () => ({
    'path.keyId': String(
      (await world.call(site, 'POST', '/keys', { body: { role: 'buyer', label: 'spare' } })).body['keyId'],
    ),
  });
  const common = {
    ...{
      'path.store': world.store,
      'path.catalog': CATALOG,
      'path.sku': '10002',
      'path.order': String(sold.body['orderId']),
      'path.trigger': 'counting',
    },
    ...{
      'path.line': `${site}.1`,
      'path.receiptId': 'by hand',
      'path.workflowId': 'none',
      'path.transfer': 'hq.1.1',
      'header.If-Match': '*',
    },
    // What is made up goes into a draft that nobody publishes.
    ...{ 'path.draft': 'fuzzed', 'query.draft': 'fuzzed', 'path.revision': '1.1', 'query.from': '1.1' },
    ...(await cart()),
  };
  const { context } = world.site(site);
  const store = context.stores.get(world.store);
  if (!store) throw new Error('the store is not configured');
  const token = await signSiteToken(store, 'north', context.runtime.clock.now() + TOKEN_SIGNED_AHEAD_MS);
  const purchase = await cart();
  const asked = await world.call(site, 'POST', `/carts/${purchase['path.cart']}/purchase-order`, {
    headers: { 'Cart-Token': purchase['header.Cart-Token'] },
  });
  const workflow = { 'path.workflowId': String(asked.body['workflowId']) };
  const operations: Record<string, Record<string, string>> = {
    checkout: await cart(),
    requestPurchaseOrder: purchase,
    removeCartLine: await cart(),
    // Bad rows that are to be skipped are no reason to refuse.
    importCatalog: { 'query.skipBad': 'false' },
    pushCatalog: { 'query.draft': 'empty' },
    withdrawDraftItem: { 'path.draft': 'spare' },
    discardDraft: { 'path.draft': 'spare' },
    removeThreshold: { 'path.sku': 'B' },
    removeTrigger: { 'path.trigger': 'spare' },
    serveGroups: { 'path.site': 'north' },
    refuseTransfer: { 'path.transfer': 'north.1.1000' },
    getWorkflow: workflow,
    listWorkflowDocuments: workflow,
    revokeKey: await key(),
    rotateKey: await key(),
  };
  return [
    `headers = { Authorization = "Bearer ${world.key}" }`,
    '[parameters]',
    ...lines(common),
    ...Object.entries(operations).flatMap(([id, values]) => [
      '[[operations]]',
      `include-operation-id = "${id}"`,
      '[operations.parameters]',
      ...lines({ ...common, ...values }),
    ]),
    ...['getCatalogContent', 'refuseTransfer'].flatMap((id) => [
      '[[operations]]',
      `include-operation-id = "${id}"`,
      `headers = { Authorization = "Bearer ${token}" }`,
    ]),
    // 428 is for a missing If-Match; without its token a cart is not there.
    '[checks]',
    'missing_required_header.expected-statuses = [400, 401, 403, 404, 406, 415, 422, 428]',
    'negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 413, 415, 421, 422, 428, 431]',
    '',
  ].join('\n');
}

function lines(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `"${name}" = ${JSON.stringify(value)}`);
}
