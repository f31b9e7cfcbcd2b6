/** Items come in as CSV or JSON, by one set of rules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { JsonElements, JsonListError } from '../../domain/json-elements';
import { runEntrepot } from '../support/command';
import { World } from '../support/world';

describe('import of CSV', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create('sqlite', []);
    await world.startSite('hq');
  });

  afterAll(() => world.stop());

  const send = (csv: string, query = '') =>
    world.call('hq', 'POST', `/catalogs/main/import${query}`, { body: csv, headers: { 'Content-Type': 'text/csv' } });
  const draft = async () => (await world.call('hq', 'GET', '/catalogs/main/drafts/next')).body;

  test('every bad row is named with line, column and reason, and nothing changes', async () => {
    const csv = [
      ...[
        'sku,description,price_gbp,lead_time_days',
        'A,Good,1.00,2',
        ',No sku,1.00,2',
        'B,,1.00,2',
        'C,Comma,"1,50",2',
      ],
      ...['D,Minus,-1,2', 'A,Twice,1.00,2', 'E,Late,1.00,soon'],
    ].join('\n');
    const { status, body } = await send(csv);
    expect(status).toBe(422);
    expect(body).toMatchObject({ read: 7, bad: 6, applied: false });
    expect(body['faults']).toMatchObject([
      { row: 2, line: 3, column: 'sku' },
      { row: 3, line: 4, column: 'description' },
      { line: 5, column: 'price_gbp', reason: 'is "1,50": a decimal of at most four places is needed, as in "12.50"' },
      { line: 6, column: 'price_gbp' },
      { line: 7, column: 'sku', reason: '"A" stands on line 2 already' },
      { line: 8, column: 'lead_time_days' },
    ]);
    expect(await draft()).toMatchObject({ added: 0, changed: 0, withdrawn: 0 });
    const skipped = await send(csv, '?skipBad=true');
    expect(skipped.body).toMatchObject({ applied: true, changed: 1, bad: 6 });
    expect(await draft()).toMatchObject({ added: 1, changed: 0, withdrawn: 0 });
  });

  test.each([
    ['an unknown column', 'sku,description,price,colour\nA,B,1,red', /unknown column "colour"; allowed: sku/],
    ['no price', 'sku,description\nA,B', /exactly one price column/],
    ['no header', '', /the file is empty/],
    ['a currency of nowhere', 'sku,description,price_xyz\nA,B,1', /names no currency/],
  ])('%s is refused with the way out', async (_name, csv, reason) => {
    const { status, body } = await send(csv);
    expect([status, String(body['detail'])]).toEqual([422, expect.stringMatching(reason)]);
  });

  test('a byte-order mark, Windows line ends, quotes and attributes are taken; defaults are counted', async () => {
    const csv = '\ufeffsku,description,price_gbp,attribute:colour\r\nQ,"Say ""hi"", Bob",2.5,blue\r\n';
    const { status, body } = await send(csv);
    expect(status).toBe(200);
    expect(body['defaults']).toEqual({
      unit_of_measure: 1,
      classification_code: 1,
      classification_domain: 1,
      lead_time_days: 1,
    });
  });

  test('the real catalogue is taken whole', async () => {
    const { status, body } = await send(readFileSync(join(__dirname, '../../data/online-retail/catalog.csv'), 'utf8'));
    expect([status, body['read'], body['bad']]).toEqual([200, 3514, 0]);
  });
});

describe('import of JSON', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create('sqlite', []);
    await world.startSite('hq');
  });

  afterAll(() => world.stop());

  const send = (body: string, type = 'application/json', query = '') =>
    world.call('hq', 'POST', `/catalogs/main/import${query}`, { body, headers: { 'Content-Type': type } });
  const draft = async () => (await world.call('hq', 'GET', '/catalogs/main/drafts/next')).body;

  const publish = async () => {
    await world.call('hq', 'POST', '/catalogs/main/pushes');
    await world.confirmed([]);
  };

  const good = {
    sku: 'A',
    description: 'Ünïcode "A"',
    price: { amount: '12.50', currency: 'GBP' },
    unitOfMeasure: 'BX',
    classification: { domain: 'UNSPSC', code: '60141000' },
    leadTimeDays: 5,
    attributes: { colour: 'blue', size: ' L ' },
    available: 7,
  };
  const bad = [
    { ...good, sku: 'B', price: 12.5 },
    { ...good, sku: 'C', price: { amount: '1,50' }, leadTimeDays: 'soon' },
    { ...good, sku: 'D', colour: 'red', classification: 'toys' },
    { ...good, sku: 'E', price: { amount: '1.00', currency: 'EUR' }, attributes: { size: 4 } },
    { ...good, sku: 'F\u0007', description: '' },
    good,
    'text',
  ];
  const faults = [
    { row: 2, column: 'price', reason: 'is the number 12.5: a decimal in quotes is needed, as in "12.50"' },
    { row: 3, column: 'price', reason: 'is "1,50": a decimal of at most four places is needed, as in "12.50"' },
    { row: 3, column: 'leadTimeDays', reason: expect.stringContaining('whole days') },
    { row: 4, column: 'colour', reason: expect.stringContaining('is not known; allowed: sku, description') },
    { row: 4, column: 'classification', reason: expect.stringContaining('is a string') },
    { row: 5, column: 'attributes.size', reason: 'is a number: text in quotes is needed' },
    { row: 6, column: 'sku', reason: 'holds a control character: remove it' },
    { row: 6, column: 'description', reason: 'is empty' },
    { row: 7, column: 'sku', reason: expect.stringMatching(/^"A" stands (as item 1|on line 1) already$/) },
    { row: 8, column: '(item)', reason: 'is a string: an object is needed' },
  ];

  test.each([
    ['a list', 'application/json', JSON.stringify([good, ...bad], null, 1)],
    ['a list on one line', 'application/json; charset=utf-8', JSON.stringify([good, ...bad])],
    ['an item a line', 'application/x-ndjson', [good, ...bad].map((item) => JSON.stringify(item)).join('\r\n')],
  ])(
    '%s: every bad item is named with number, line, member and reason, and nothing changes',
    async (_n, type, text) => {
      const { status, body } = await send(text, type);
      expect([status, body['read'], body['bad'], body['applied']]).toEqual([422, 8, 7, false]);
      expect(body['faults']).toMatchObject(faults);
      expect(body['detail']).toContain('the first: item 2 (line');
      expect(await draft()).toMatchObject({ added: 0, changed: 0, withdrawn: 0 });
    },
  );

  test('bad items are left out where that was asked for; good ones mean what the same row of CSV means', async () => {
    const { status, body } = await send(JSON.stringify([good, ...bad]), 'application/json', '?skipBad=true');
    expect([status, body['changed'], body['bad'], body['defaults']]).toEqual([200, 1, 7, {}]);
    await publish();
    const csv = [
      'sku,description,price,unit_of_measure,classification_domain,classification_code,lead_time_days,attribute:colour,attribute:size',
      'A,"Ünïcode ""A""",12.50,BX,UNSPSC,60141000,5,blue,L',
    ].join('\n');
    expect((await send(csv, 'text/csv')).body).toMatchObject({ changed: 0, unchanged: 1 });
    const short = await send('\ufeff[{"sku":"Z","description":"Z","price":"1.00"}]');
    expect(short.body['defaults']).toEqual({
      ...{ unitOfMeasure: 1, 'classification.code': 1, 'classification.domain': 1, leadTimeDays: 1 },
    });
  });

  test('what was listed by the API can be imported', async () => {
    await publish();
    const { body } = await world.call('hq', 'GET', '/items');
    expect(body.items).toHaveLength(2);
    expect((await send(JSON.stringify(body.items))).body).toMatchObject({ read: 2, unchanged: 2, bad: 0 });
  });

  test.each([
    ['an object', '{"items": []}', 'application/json', /"\{" stands on line 1: a list is needed/],
    ['nothing', '', 'application/json', /the file is empty/],
    ['nothing', '\n\n', 'application/x-ndjson', /the file is empty/],
    ['a list that ends too soon', '[{"sku": "A"},\n{"sku":', 'application/json', /ends too soon, on line 2/],
    ['something behind the list', '[]\nx', 'application/json', /"x" stands on line 2: nothing may follow/],
    ['a comma too many', '[{},]', 'application/json', /"]" stands on line 1: an item is needed/],
    ['an endless item', `[{"sku": "${'x'.repeat(70_000)}"}]`, 'application/json', /more than 65536 characters/],
    ['an endless line', `{"sku": "${'x'.repeat(70_000)}"}`, 'application/x-ndjson', /more than 65536 characters/],
  ])('%s is refused with the way out', async (_name, text, type, reason) => {
    const { status, body } = await send(text, type);
    expect([status, String(body['detail'])]).toEqual([422, expect.stringMatching(reason)]);
  });

  test('an item that is not JSON is a fault of its own', async () => {
    const { body } = await send('[{"sku": A}, {"sku": "B", "description": "B", "price": "1"}]');
    expect(body).toMatchObject({ read: 2, bad: 1, faults: [{ row: 1, column: '(item)' }] });
    expect(JSON.stringify(body['faults'])).toContain('is not JSON');
  });

  test('another media type is refused with those that are taken', async () => {
    const { status, body } = await send('[]', 'text/html');
    expect([status, body['detail']]).toEqual([415, expect.stringContaining('text/csv, application/json')]);
  });

  test('the command takes the format from the name, or as it is told, and shows the faults', async () => {
    const to = ['--url', world.config('hq').url, '--key', world.key, '--store', world.store];
    const run = (words: string[], input = '') =>
      runEntrepot(['catalog', 'import', ...words, ...to], { cwd: world.folder, input });
    const text = JSON.stringify([good, bad[0]]);
    const refused = await run(['-', '--format', 'json'], text);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('item 2 (line 1), "price": is the number 12.5');
    const taken = await run(['-', '--format', 'ndjson', '--skip-bad'], text.slice(1, -1).replace('},{', '}\n{'));
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('2 items: 0 changed, 1 unchanged') });
    const unclear = await run([`${world.folder}/hq.log`]);
    expect(unclear).toMatchObject({ code: 2, stderr: expect.stringContaining('--format csv, json, ndjson or cxml') });
  });
});

describe('a list in JSON is cut into its elements', () => {
  const cut = (text: string, pieces: number) => {
    const elements = new JsonElements(1_000_000);
    const found: unknown[] = [];
    const size = Math.max(1, Math.ceil(text.length / pieces));
    for (let start = 0; start < text.length; start += size) {
      for (const element of elements.take(text.slice(start, start + size))) found.push(JSON.parse(element.text));
    }
    elements.end();
    return found;
  };

  test('whatever it holds, however it is written, and wherever the pieces end', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(3), fc.integer({ min: 1, max: 40 }), (list, indent, pieces) => {
        const text = `\n ${JSON.stringify(list, null, indent)}\n`;
        expect(cut(text, pieces)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('or refused, as JSON.parse would refuse it', () => {
    const character = fc.constantFrom('[', ']', '{', '}', ',', '"', ':', '1', 'a', ' ', '\n', '\\');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 12 }), fc.integer({ min: 1, max: 12 }), (characters, pieces) => {
        const text = characters.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expected = undefined;
        }
        const attempt = () => cut(text, pieces);
        if (Array.isArray(expected)) expect(attempt()).toEqual(expected);
        else expect(attempt).toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  test('each with the line on which it begins', () => {
    const elements = new JsonElements(100);
    const found = [...elements.take('[1,\n{"a":\n2},\n\n3'), ...elements.take('4]')];
    expect(found.map(({ text, line }) => [text.trim(), line])).toEqual([
      ['1', 1],
      ['{"a":\n2}', 2],
      ['34', 5],
    ]);
    expect(() => new JsonElements(100).end()).toThrow(JsonListError);
  });
});
