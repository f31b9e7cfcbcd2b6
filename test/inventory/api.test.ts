/** Receipts, levels and transfers over HTTP at running sites. */
import { engines } from '../support/databases';
import { World } from '../support/world';

const CSV = { 'Content-Type': 'text/csv' };

describe.each(engines())('on %s', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(engine, ['north']);
  });
  afterAll(() => world.stop());

  const book = (site: string, body: object) => world.call(site, 'POST', '/inventory/receipts', { body });
  const put = (site: string, id: string, body: string) =>
    world.call(site, 'PUT', `/inventory/receipts/${id}`, { body, headers: CSV });
  const levels = async (query: string) => (await world.call('hq', 'GET', `/inventory/levels${query}`)).body;

  test('lines are booked once; the same id with other lines is a conflict', async () => {
    const receipt = { receiptId: 'json-1', lines: [{ sku: 'J', quantity: 5 }] };
    expect((await book('hq', receipt)).body).toEqual({ receiptId: 'json-1', booked: true, lines: 1, units: 5 });
    expect((await book('hq', receipt)).body).toMatchObject({ booked: false });
    const other = await book('hq', { ...receipt, lines: [{ sku: 'J', quantity: 6 }] });
    expect(other).toMatchObject({ status: 409, body: { type: 'https://entrepot.dev/problems/receipt-conflict' } });
    expect((await levels('?sku=J')).items).toEqual([{ sku: 'J', own: 0, pool: 5, inFlight: 0 }]);
  });

  test('a CSV file is booked like lines', async () => {
    const file = 'quantity,sku\n3,"C,1"\n4,C2\n1,C2\n';
    expect((await put('hq', 'csv-1', file)).body).toEqual({ receiptId: 'csv-1', booked: true, lines: 3, units: 8 });
    expect((await put('hq', 'csv-1', file)).body).toMatchObject({ booked: false });
    expect((await levels('?sku=C2')).items).toEqual([{ sku: 'C2', own: 0, pool: 5, inFlight: 0 }]);
  });

  test.each([
    ['sku,quantity\nX,3\nY,0\n', 'line 3: quantity of "Y" is "0"'],
    ['sku,quantity\nX,1.5\n', 'line 2: quantity of "X" is "1.5"'],
    ['sku,quantity\n,1\n', 'line 2: sku ""'],
    ['sku,units\nX,1\n', 'the columns are "sku, units"'],
    ['sku,quantity\n', 'the file has no lines'],
    ['sku,quantity\nX,1,2\n', "can't be read as CSV"],
  ])('a bad file books nothing: %j', async (file, reason) => {
    const answer = await put('hq', 'csv-bad', file);
    expect(answer.status).toBe(422);
    expect(answer.body['detail']).toContain(reason);
    expect((await levels('?sku=X')).items).toEqual([]);
  });

  test('elsewhere than at the primary the answer names the primary', async () => {
    const lines = [{ sku: 'N', quantity: 1 }];
    for (const answer of [
      await book('north', { receiptId: 'n', lines }),
      await put('north', 'n', 'sku,quantity\nN,1\n'),
      await world.call('north', 'POST', '/inventory/allocations', { body: {} }),
    ]) {
      expect(answer.status).toBe(421);
      expect(String(answer.body['url'])).toContain(world.config('hq').url);
    }
  });

  test('pages of levels hold each item once', async () => {
    const lines = ['P1', 'P2', 'P3', 'P4', 'P5'].map((sku) => ({ sku, quantity: 1 }));
    await book('hq', { receiptId: 'pages', lines });
    const seen: unknown[] = [];
    let after: string | undefined = 'P';
    while (after !== undefined) {
      const page: Awaited<ReturnType<typeof levels>> = await levels(`?limit=2&after=${after}`);
      seen.push(...(page.items ?? []).map((item) => item['sku']));
      after = typeof page['next'] === 'string' ? page['next'] : undefined;
    }
    expect(seen).toEqual(['P1', 'P2', 'P3', 'P4', 'P5']);
  });

  test('an allocation is confirmed, and its transfer is listed with its age', async () => {
    await world.stock([{ sku: 'T', quantity: 6 }]);
    const { body } = await world.call('hq', 'GET', '/inventory/transfers?state=credited');
    expect(body.items).toContainEqual(
      expect.objectContaining({
        taker: 'north',
        units: 6,
        state: 'credited',
        ageSeconds: expect.any(Number) as number,
      }),
    );
    const north = await world.call('north', 'GET', '/inventory/levels?sku=T');
    expect(north.body.items).toEqual([{ sku: 'T', own: 6, pool: 0, inFlight: 0 }]);
  });

  test('an allocation to a site that is no child names the children', async () => {
    const answer = await world.call('hq', 'POST', '/inventory/allocations', { body: { sites: ['hq'] } });
    expect(answer.status).toBe(422);
    expect(answer.body['detail']).toBe('"hq" is no child of the primary (its children: north)');
  });
});
