/** Drafts and revisions through the API and the command line of one primary. */
import { until } from '../support/until';
import { runEntrepot } from '../support/command';
import { World } from '../support/world';

const ITEM = { description: 'Apple', price: '1.00', leadTimeDays: 3, attributes: { colour: 'red', size: 'L' } };
const TO_COME = '2100-01-01T00:00:00Z';

describe('changes of a catalogue', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create('sqlite', []);
    await world.startSite('hq');
    await put('A', ITEM);
    await put('B', { description: 'Bread', price: { amount: '2.00', currency: 'GBP' } });
    await push('next');
  });
  afterAll(() => world.stop());

  const call = (method: string, path: string, body?: unknown) =>
    world.call('hq', method, `/catalogs/main${path}`, body === undefined ? {} : { body });
  const put = (sku: string, body: unknown, draft = 'next') => call('PUT', `/drafts/${draft}/items/${sku}`, body);
  const patch = (sku: string, body: unknown, draft = 'next') => call('PATCH', `/drafts/${draft}/items/${sku}`, body);
  const push = async (draft: string) => {
    const { body } = await call('POST', `/pushes?draft=${draft}`);
    await until('the push', async () => {
      const run = await world.call('hq', 'GET', `/workflows/${encodeURIComponent(String(body['workflowId']))}`);
      return run.body['state'] === 'completed';
    });
  };
  const changes = async (draft: string) => (await call('GET', `/drafts/${draft}/changes`)).body.items;
  const revision = async () => String((await call('GET', '/status')).body['revision']);
  const prices = async () => {
    const { body } = await world.call('hq', 'GET', '/items');
    const shown = (item: Record<string, unknown>) => (item['price'] as { amount: string }).amount;
    return Object.fromEntries((body.items ?? []).map((item): [string, string] => [String(item['sku']), shown(item)]));
  };
  const entrepot = async (...words: string[]) => {
    const to = ['--url', world.config('hq').url, '--key', world.key, '--store', world.store];
    return runEntrepot(['catalog', ...words, ...to], { cwd: world.folder });
  };

  test('an item is put, changed in part and withdrawn in a draft, which shows each and is thrown away', async () => {
    const made = await put('N', { description: 'New', price: '9.00' }, 'one');
    expect([made.status, made.body]).toMatchObject([
      200,
      {
        ...{ sku: 'N', draft: 'one', change: 'added', waiting: [] },
        item: { price: { amount: '9.00', currency: 'GBP' }, unitOfMeasure: 'EA', leadTimeDays: 2 },
        defaults: ['unitOfMeasure', 'classification.domain', 'classification.code', 'leadTimeDays'],
      },
    ]);
    const changed = await patch('A', { price: '1.20', attributes: { size: null, shape: 'round' } }, 'one');
    expect(changed.body).toMatchObject({
      change: 'changed',
      item: { attributes: { colour: 'red', shape: 'round' }, leadTimeDays: 3 },
      fields: [
        { field: 'price', before: '1.00', after: '1.20' },
        { field: 'attributes.size', before: 'L', after: null },
        { field: 'attributes.shape', before: null, after: 'round' },
      ],
    });
    await patch('A', { price: '1.30', priceFrom: TO_COME }, 'one');
    expect((await call('DELETE', '/drafts/one/items/B')).body).toMatchObject({ change: 'withdrawn', item: null });
    expect((await call('GET', '/drafts/one')).body).toMatchObject({ added: 1, changed: 1, withdrawn: 1, waiting: 1 });
    expect(await changes('one')).toMatchObject([
      { sku: 'A', change: 'changed', waiting: [{ from: '2100-01-01T00:00:00.000Z', price: { amount: '1.30' } }] },
      { sku: 'B', change: 'withdrawn' },
      { sku: 'N', change: 'added' },
    ]);
    const first = await call('GET', '/drafts/one/changes?limit=2');
    const rest = await call('GET', `/drafts/one/changes?limit=2&after=${String(first.body['next'])}`);
    expect([first.body.items?.length, rest.body.items?.length, rest.body['next']]).toEqual([2, 1, null]);
    expect((await call('GET', '/drafts')).body.items).toMatchObject([{ draft: 'one' }]);
    expect((await call('DELETE', '/drafts/one')).body).toEqual({ discarded: 4 });
    expect((await call('GET', '/drafts')).body.items).toEqual([]);
    expect(await prices()).toEqual({ A: '1.00', B: '2.00' });
  });

  test.each([
    ['PUT', 'A', { description: 'a', price: '1,50' }, 422, /"price" is "1,50"/],
    [
      'PUT',
      'A',
      { description: '', price: '1.50', currency: 'EUR' },
      422,
      /"description" is empty; "currency" is "EUR"/,
    ],
    ['PUT', 'A', { description: 'a', price: 1.5 }, 400, /price/],
    ['PATCH', 'A', { priceFrom: '2100-01-01' }, 400, /priceFrom/],
    ['PATCH', 'A', { colour: 'red' }, 400, /colour/],
    ['PATCH', 'nothing', { price: '1.00' }, 404, /neither draft "bad".*has an item "nothing"/],
    ['DELETE', 'nothing', undefined, 404, /neither draft "bad".*has an item "nothing"/],
    ['GET', 'nothing', undefined, 404, /neither draft "bad".*has an item "nothing"/],
    ['PUT', 'x'.repeat(65), ITEM, 404, /sku/],
  ])('%s of item %s with %j is refused by name, and changes nothing', async (method, sku, body, status, reason) => {
    const answer = await call(method, `/drafts/bad/items/${sku}`, body);
    expect([answer.status, answer.body['detail']]).toEqual([status, expect.stringMatching(reason)]);
    expect(await changes('bad')).toEqual([]);
  });

  test('an upload is published where it asks for that', async () => {
    const text =
      '--b\r\nContent-Type: text/xml\r\n\r\n<cXML payloadID="1@x" timestamp="2026-01-01T00:00:00Z"><Header/><Request>' +
      '<CatalogUploadRequest operation="update"><CatalogName xml:lang="en">x</CatalogName><Description xml:lang="en">x</Description>' +
      '<Attachment><URL>cid:i</URL></Attachment><AutoPublish enabled="true"/><Notification/></CatalogUploadRequest></Request></cXML>\r\n' +
      '--b\r\nContent-ID: <i>\r\n\r\n<Index><SupplierID domain="x">1</SupplierID><IndexItem><IndexItemAdd><ItemID><SupplierPartID>U</SupplierPartID></ItemID>' +
      '<ItemDetail><UnitPrice><Money currency="GBP">7.00</Money></UnitPrice><Description xml:lang="en">Up</Description><UnitOfMeasure>EA</UnitOfMeasure></ItemDetail>' +
      '<IndexItemDetail/></IndexItemAdd></IndexItem></Index>\r\n--b--\r\n';
    const send = (type: string) =>
      world.call('hq', 'POST', '/catalogs/main/import?draft=upload', { body: text, headers: { 'Content-Type': type } });
    const unbounded = await send('multipart/related');
    expect([unbounded.status, unbounded.body['detail']]).toEqual([422, expect.stringContaining('names no boundary')]);
    const { status, body } = await send('multipart/related; boundary="b"; type="text/xml"');
    expect([status, body['changed'], body['autoPublish']]).toEqual([200, 1, true]);
    await world.finished('hq', String(body['workflowId']));
    expect(await prices()).toMatchObject({ U: '7.00' });
    await call('DELETE', '/drafts/next/items/U');
    await push('next');
  });

  test('a revision is looked at, compared and brought back', async () => {
    const from = await revision();
    await put('D', { description: 'Date', price: '4.00' });
    await patch('A', { price: '1.10' });
    await call('DELETE', '/drafts/next/items/B');
    await push('next');
    const to = await revision();
    expect((await call('GET', `/diff?from=${from}`)).body).toMatchObject({
      ...{ from, to, next: null },
      items: [
        { sku: 'A', change: 'changed', fields: [{ field: 'price', before: '1.00', after: '1.10' }] },
        { sku: 'B', change: 'withdrawn' },
        { sku: 'D', change: 'added' },
      ],
    });
    const back = await call('GET', `/diff?from=${to}&to=${from}`);
    expect(back.body.items).toMatchObject([
      { fields: [{ before: '1.10', after: '1.00' }] },
      { change: 'added' },
      { change: 'withdrawn' },
    ]);
    const old = (await call('GET', `/revisions/${from}/items`)).body.items;
    expect(old).toMatchObject([{ sku: 'A', audience: '' }, { sku: 'B' }]);
    for (const path of ['/revisions/9.9/items', '/diff?from=9.9', `/diff?from=${from}&to=9.9`]) {
      expect(await call('GET', path)).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('no revision 9.9') },
      });
    }
    expect((await call('GET', '/diff?from=soon')).status).toBe(400);
    const restored = await entrepot('restore', from);
    const [, draft = ''] = /--draft (restore-\d+-\d+)/.exec(restored.stdout) ?? [];
    expect((await entrepot('preview', '--draft', draft)).stdout).toContain('price: "1.10" -> "1.00"');
    expect(await entrepot('push', '--draft', draft)).toMatchObject({ code: 0 });
    expect((await call('GET', `/revisions/${await revision()}/items`)).body.items).toEqual(old);
    expect((await entrepot('diff', from, await revision())).stdout).toContain('0 items differ');
    expect((await entrepot('diff', from, to)).stdout).toContain('changed A\n    price: "1.00" -> "1.10"');
  });

  test('the command sets, withdraws, shows and throws away', async () => {
    const set = await entrepot(
      'set',
      'A',
      '--draft',
      'cli',
      '--price',
      '5.55',
      '--price-from',
      TO_COME,
      '--attribute',
      'size=',
    );
    expect(set.stdout).toContain('attributes.size: "L" -> none');
    expect(set.stdout).toContain('price: "5.55" GBP from 2100-01-01 00:00:00Z on');
    const added = await entrepot(
      'set',
      'Z',
      '--draft',
      'cli',
      '--price',
      '1',
      '--description',
      'Zest',
      '--classification',
      'UNSPSC:50000000',
    );
    expect(added.stdout).toMatch(/added Z[\s\S]*"leadTimeDays": a default stood in/);
    expect((await entrepot('withdraw', 'B', '--draft', 'cli')).stdout).toContain('withdrawn B');
    expect((await entrepot('drafts')).stdout).toMatch(/cli +1 +1 +1 +0 +1 /);
    const preview = await entrepot('preview', '--draft', 'cli', '--json');
    expect(JSON.parse(preview.stdout)).toMatchObject({
      draft: 'cli',
      items: [{ sku: 'A' }, { sku: 'B' }, { sku: 'Z' }],
    });
    expect((await entrepot('discard', '--draft', 'cli')).stdout).toContain('4 changes thrown away');
    expect((await entrepot('revisions')).stdout).toContain(await revision());
    expect((await entrepot('items', await revision(), '--limit', '1')).stdout).toMatch(
      /A +Apple +1\.00 GBP +EA +everyone/,
    );
    expect(await entrepot('set', 'A')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('say what is to change'),
    });
    expect(await entrepot('withdraw', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"nothing"'),
    });
  });
});
