/** What a file of CSV or JSON does to what is there: withdrawals, load modes, parts of items, dates. */
import { engines } from '../support/databases';
import { KeptCatalog } from './keeping';

const CSV = [
  'sku,description,price,lead_time_days,attribute:colour,attribute:size',
  ...['A,Apple,1.00,5,red,L', 'B,Bread,2.00,,,', 'C,Cake,3.00,,,'],
].join('\n');

const JSON_LIST = { format: 'json' } as const;
const JSON_LINES = { format: 'ndjson' } as const;

describe.each(engines())('an import on %s', (engine) => {
  let kept: KeptCatalog;

  beforeEach(async () => {
    kept = await KeptCatalog.selling(engine, CSV);
  });
  afterEach(() => kept.site.drop());

  test('a row may withdraw its item; one that is gone already counts as unchanged', async () => {
    const csv = 'sku,description,price,withdraw\nA,,,true\nN,New,4.00,\nX,,,true\n';
    expect(await kept.import(csv)).toMatchObject({ changed: 1, withdrawn: 1, unchanged: 1, mode: 'incremental' });
    const list = JSON.stringify([
      { sku: 'B', withdraw: true },
      { sku: 'N', withdraw: true },
    ]);
    expect(await kept.import(list, JSON_LIST)).toMatchObject({ changed: 0, withdrawn: 2 });
    expect(await kept.preview()).toEqual({ A: 'withdrawn', B: 'withdrawn' });
  });

  test('a full load withdraws what it does not name, in every format', async () => {
    expect(await kept.import('sku,description,price\nA,Apple,1.00\n', { mode: 'full' })).toMatchObject({
      withdrawn: 2,
    });
    const item = { sku: 'B', description: 'Bread', price: '2.00' };
    expect(await kept.import(JSON.stringify([item]), { ...JSON_LIST, mode: 'full' })).toMatchObject({ withdrawn: 2 });
    expect(await kept.preview()).toEqual({ A: 'withdrawn', C: 'withdrawn' });
    expect(await kept.import(JSON.stringify(item), { ...JSON_LINES, mode: 'full' })).toMatchObject({ withdrawn: 2 });
    await expect(kept.import('sku,description,price\n', { mode: 'full' })).rejects.toThrow(
      /would withdraw all of them/,
    );
  });

  test('a partial load keeps what a row leaves out, as the draft has it', async () => {
    const prices = 'sku,price\nA,1.10\nB,2.20\n';
    await expect(kept.import(prices)).rejects.toThrow(/column "description" is missing/);
    expect(await kept.import(prices, { mode: 'partial' })).toMatchObject({ changed: 2, withdrawn: 0, defaults: {} });
    const lines = ['{"sku":"A","attributes":{"colour":"green","size":""}}', '{"sku":"B","description":"Brown bread"}'];
    expect(await kept.import(lines.join('\n'), { ...JSON_LINES, mode: 'partial' })).toMatchObject({ changed: 2 });
    await kept.publish();
    expect(await kept.items()).toMatchObject([
      { sku: 'A', description: 'Apple', price: 11_000, leadTimeDays: 5, attributes: { colour: 'green' } },
      { sku: 'B', description: 'Brown bread', price: 22_000 },
      { sku: 'C', price: 30_000 },
    ]);
    expect((await kept.items())[0]?.attributes).toEqual({ colour: 'green' });
    const unknown = await kept.import('sku,price\nN,1.00\nA,1.00\n', { mode: 'partial' });
    expect(unknown).toMatchObject({ applied: false, bad: 1, faults: [{ row: 1, line: 2, column: 'description' }] });
    expect(await kept.preview()).toEqual({});
  });

  test('a price may hold from a date, in every format', async () => {
    const from = '2026-03-01T00:00:00Z';
    expect(await kept.import(`sku,price,price_from\nA,1.50,${from}\nB,2.50,\n`, { mode: 'partial' })).toMatchObject({
      ...{ waiting: 1, changed: 1, unchanged: 1 },
    });
    const item = { sku: 'C', description: 'Cake', price: '3.50', priceFrom: from };
    expect(await kept.import(JSON.stringify([item]), JSON_LIST)).toMatchObject({ waiting: 1 });
    await kept.publish();
    expect(await kept.prices()).toEqual({ A: 10_000, B: 25_000, C: 30_000 });
    kept.now = Date.parse(from);
    await kept.publish();
    expect(await kept.prices()).toEqual({ A: 15_000, B: 25_000, C: 35_000 });
  });

  test('a full load replaces what waited in the draft', async () => {
    await kept.import('sku,price,price_from\nA,1.50,2026-03-01T00:00:00Z\n', { mode: 'partial' });
    await kept.import(CSV, { mode: 'full' });
    expect(await kept.preview()).toEqual({});
  });

  test.each([
    [
      'a date without its offset',
      'sku,description,price,price_from\nA,a,1,2026-03-01\n',
      'price_from',
      /is "2026-03-01": a time with its offset/,
    ],
    [
      'neither true nor false',
      'sku,description,price,withdraw\nA,a,1,yes\n',
      'withdraw',
      /is "yes": true or false is needed/,
    ],
    ['a withdrawal of nothing', 'sku,withdraw\n,true\n', 'sku', /is empty/],
    [
      'an endless classification',
      `sku,description,price,classification_code\nA,a,1,${'9'.repeat(300)}\n`,
      'classification_code',
      /has 300 characters: at most 255/,
    ],
  ])('%s is named, and changes nothing', async (_name, csv, column, reason) => {
    const report = await kept.import(csv);
    expect(report).toMatchObject({ applied: false, bad: 1, faults: [{ row: 1, line: 2, column }] });
    expect(report.faults[0]?.reason).toMatch(reason);
    expect(await kept.preview()).toEqual({});
  });
});
