/** Items come in as cXML: an Index alone, in a SubscriptionContentResponse, or attached to a CatalogUploadRequest. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { END_CONTENT_RESPONSE, startContentResponse, writeIndexDelete, writeIndexItem } from '../../cxml/catalog';
import { type CatalogItem } from '../../domain/catalog';
import { MultipartScanner } from '../../domain/multipart';
import { engines } from '../support/databases';
import { KeptCatalog } from './keeping';

const SAMPLES = join(__dirname, '../cxml/samples');
const sample = (name: string) => readFileSync(join(SAMPLES, `FriendsOfCXML__${name}.xml`), 'utf8');

const CSV = 'sku,description,price\nA,Apple,1.00\nB,Bread,2.00\nC,Cake,3.00\n';
const CXML = { format: 'cxml' } as const;

const add = (sku: string, price = '4.00', more: { detail?: string; indexDetail?: string } = {}) =>
  `<IndexItem><IndexItemAdd><ItemID><SupplierPartID>${sku}</SupplierPartID></ItemID><ItemDetail>` +
  `<UnitPrice><Money currency="GBP">${price}</Money></UnitPrice><Description xml:lang="en">Item ${sku}</Description>` +
  `<UnitOfMeasure>EA</UnitOfMeasure>${more.detail ?? ''}</ItemDetail>` +
  `<IndexItemDetail>${more.indexDetail ?? ''}</IndexItemDetail></IndexItemAdd></IndexItem>`;
const remove = (sku: string) =>
  `<IndexItem><IndexItemDelete><ItemID><SupplierPartID>${sku}</SupplierPartID></ItemID></IndexItemDelete></IndexItem>`;
const index = (items: string, loadmode = '') =>
  `<?xml version="1.0"?>\n<Index${loadmode && ` loadmode="${loadmode}"`}><SupplierID domain="DUNS">1</SupplierID>\n${items}\n</Index>`;

const BOUNDARY = 'between-parts';

/** A message as a cXML library sends it. */
function message(request: string, attached: string | Buffer, headers: Record<string, string> = {}): Buffer {
  const part = (fields: Record<string, string>, body: string | Buffer) => [
    Buffer.from(
      `--${BOUNDARY}\r\n${Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    ),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ];
  return Buffer.concat([
    Buffer.from('a preamble\r\n'),
    ...part({ 'Content-Type': 'text/xml; charset=UTF-8', 'Content-ID': '<root@x>' }, request),
    ...part({ 'Content-Type': 'text/xml', 'Content-ID': '<index@x>', ...headers }, attached),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

const uploadRequest = (operation: string) =>
  sample('CatalogUploadRequest')
    .replace('operation="new"', `operation="${operation}"`)
    .replace('https://www.attachment.com', 'cid:index@x');
const UPLOAD = { ...CXML, boundary: BOUNDARY };

describe.each(engines())('cXML on %s', (engine) => {
  let kept: KeptCatalog;

  beforeEach(async () => {
    kept = await KeptCatalog.selling(engine, CSV);
  });
  afterEach(() => kept.site.drop());

  test('an incremental Index adds, changes and withdraws; a full one withdraws what it does not hold', async () => {
    const text = index(add('A', '1.50') + add('N') + remove('B') + remove('unknown'), 'Incremental');
    expect(await kept.import(text, CXML)).toMatchObject({
      ...{ mode: 'incremental', read: 4, changed: 2, withdrawn: 1, unchanged: 1, bad: 0 },
      defaults: { LeadTime: 2, Classification: 2, 'Classification/@domain': 2 },
    });
    await kept.publish();
    expect(await kept.prices()).toEqual({ A: 15_000, C: 30_000, N: 40_000 });
    expect(await kept.import(index(add('C', '3.00') + add('D'), 'Full'), CXML)).toMatchObject({
      mode: 'full',
      withdrawn: 2,
    });
    await kept.publish();
    expect(await kept.prices()).toEqual({ C: 30_000, D: 40_000 });
    expect(await kept.import(index(add('E')), CXML)).toMatchObject({ mode: 'incremental', withdrawn: 0 });
    expect(await kept.import(index(add('E')), { ...CXML, mode: 'full', draft: 'other' })).toMatchObject({
      withdrawn: 2,
    });
  });

  test('what this system writes between sites is read as it was', async () => {
    const items: CatalogItem[] = (await kept.items()).map((item) => ({
      ...{ ...item, price: item.price + 1, leadTimeDays: 7, attributes: { colour: 'blue & "green"' } },
      classification: { domain: 'UNSPSC', code: '60141000' },
    }));
    const envelope = {
      ...{ payloadID: '1.main.1@shop.example', timestamp: 1_291_248_000_000, store: 'shop', domain: 'shop.example' },
      ...{ sender: 'hq', receiver: 'north' },
    };
    const head = {
      catalog: 'main',
      loadmode: 'Incremental',
      base: 1,
      target: 2,
      itemCount: 2,
      digest: 'a'.repeat(64),
      audience: '',
    } as const;
    const document =
      startContentResponse(head, envelope, 'en') +
      items
        .slice(0, 2)
        .map((item) => writeIndexItem(item, 'en'))
        .join('') +
      writeIndexDelete('C') +
      END_CONTENT_RESPONSE;
    expect(await kept.import(document, CXML)).toMatchObject({ changed: 2, withdrawn: 1, defaults: {}, ignored: {} });
    await kept.publish();
    expect(await kept.items()).toEqual(items.slice(0, 2));
  });

  test('a CatalogUploadRequest brings its Index as an attachment, plain or in base64, for a new catalogue or one that is there', async () => {
    const text = index(add('A', '1.75') + remove('C'), 'Incremental');
    expect(await kept.import(message(uploadRequest('update'), text), UPLOAD)).toMatchObject({
      ...{ changed: 1, withdrawn: 1, autoPublish: false },
    });
    const encoded = Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n');
    const base64 = message(uploadRequest('update'), encoded, { 'Content-Transfer-Encoding': 'base64' });
    expect(await kept.import(base64, { ...UPLOAD, draft: 'other' })).toMatchObject({ changed: 1, withdrawn: 1 });
    await expect(kept.import(message(uploadRequest('new'), text), UPLOAD)).rejects.toThrow(
      /catalogue "main" is there: send update/,
    );
    const fresh = { ...UPLOAD, catalog: 'summer' };
    await expect(kept.import(message(uploadRequest('update'), text), fresh)).rejects.toThrow(
      /no catalogue "summer": send new/,
    );
    const published = uploadRequest('new').replace(
      '<Notification />',
      '<AutoPublish enabled="true"/><Notification><Email>a@b.example</Email><URLPost enabled="false"/></Notification>',
    );
    expect(await kept.import(message(published, text), fresh)).toMatchObject({
      ...{ changed: 1, unchanged: 1, autoPublish: true, ignored: { Email: 1 } },
    });
  });

  test('an EffectiveDate that is to come holds for the price; one that has come does not matter', async () => {
    const dated = (date: string) => ({ indexDetail: `<LeadTime>3</LeadTime><EffectiveDate>${date}</EffectiveDate>` });
    const text = index(
      add('A', '1.50', dated('2026-02-01T00:00:00+01:00')) + add('B', '2.50', dated('2025-12-01T00:00:00Z')),
    );
    expect(await kept.import(text, CXML)).toMatchObject({ changed: 2, waiting: 1 });
    await kept.publish();
    expect(await kept.prices()).toEqual({ A: 10_000, B: 25_000, C: 30_000 });
    kept.now = Date.UTC(2026, 0, 31, 23);
    await kept.publish();
    expect(await kept.prices()).toMatchObject({ A: 15_000 });
  });

  test('bad rows are named, and nothing changes unless they are to be left out', async () => {
    const punchout =
      '<IndexItem><IndexItemPunchout><ItemID><SupplierPartID>P</SupplierPartID></ItemID><PunchoutDetail>' +
      '<Description xml:lang="en">Elsewhere</Description><URL>http://x.example</URL></PunchoutDetail></IndexItemPunchout></IndexItem>';
    const basis = {
      detail:
        '<PriceBasisQuantity quantity="10" conversionFactor="1"><UnitOfMeasure>BX</UnitOfMeasure></PriceBasisQuantity>',
    };
    const items = [add('A', '1.50'), add('B', '1,50'), punchout, add('', '1'), add('D', '1', basis), remove('A')];
    const dated = add('E', '1', { indexDetail: '<EffectiveDate>tomorrow</EffectiveDate>' });
    const text = index([...items, dated].join('\n'));
    const report = await kept.import(text, CXML);
    expect(report).toMatchObject({ applied: false, read: 7, bad: 6 });
    expect(report.faults.map(({ row, line, column, reason }) => [row, line, column, reason])).toEqual([
      [2, 4, 'UnitPrice', expect.stringContaining('is "1,50"')],
      [3, 5, 'IndexItemPunchout', expect.stringContaining('is not taken')],
      [3, 5, 'UnitPrice', expect.any(String)],
      [4, 6, 'SupplierPartID', 'is empty'],
      [5, 7, 'PriceBasisQuantity', expect.stringContaining('is 10 with conversionFactor 1')],
      [6, 8, 'SupplierPartID', '"A" stands on line 3 already'],
      [7, 9, 'EffectiveDate', expect.stringContaining('is "tomorrow"')],
    ]);
    expect(await kept.preview()).toEqual({});
    expect(await kept.import(text, { ...CXML, skipBad: true })).toMatchObject({ applied: true, changed: 1, bad: 6 });
    // A full load must know what its bad rows are about, or it would withdraw it.
    await expect(kept.import(text, { ...CXML, skipBad: true, mode: 'full' })).rejects.toThrow(
      /1 bad rows do not say which item/,
    );
    const named = index([add('A', '1.50'), add('B', '1,50')].join('\n'), 'Full');
    expect(await kept.import(named, { ...CXML, skipBad: true })).toMatchObject({ withdrawn: 1, bad: 1 });
    expect(await kept.preview()).toEqual({ A: expect.stringContaining('price 1.00 -> 1.50'), C: 'withdrawn' });
  });
});

describe('cXML', () => {
  let kept: KeptCatalog;

  beforeAll(async () => {
    kept = await KeptCatalog.create('sqlite');
  });
  afterAll(() => kept.site.drop());

  test('the published sample is judged by the rules of every import, and taken where it keeps them', async () => {
    const report = await kept.import(sample('Index'), CXML);
    expect(report.faults.map(({ column }) => column)).toEqual(['PriceBasisQuantity', 'Money/@currency']);
    const mended = sample('Index')
      .replace('"EUR"', '"GBP"')
      .replace(/<PriceBasisQuantity[\s\S]*<\/PriceBasisQuantity>/, '');
    expect(await kept.import(mended, { ...CXML, draft: 'sample' })).toMatchObject({
      ...{ mode: 'full', changed: 1, defaults: {} },
      ignored: { ItemDetailIndustry: 1, AttachmentReference: 1, ExpirationDate: 1, TerritoryAvailable: 3 },
    });
    await kept.publish('sample');
    expect((await kept.items())[0]).toMatchObject({
      ...{ sku: 'PROMINATE-SKU', description: 'English description', price: 12_300, unitOfMeasure: 'EA' },
      classification: { domain: 'ProminateCategoryCode', code: 'partner_merchandise' },
      attributes: { URL: 'https://example.com/product', on_demand: 'true', custom: 'custom_note' },
    });
  });

  test("of several descriptions the one in the store's language is taken, of several classifications that of UNSPSC", async () => {
    const detail =
      '<Classification domain="own">x</Classification><Classification domain="UNSPSC">60141000</Classification>';
    const text = index(add('L', '1', { detail })).replace(
      '<Description xml:lang="en">',
      '<Description xml:lang="de">Ding</Description><Description xml:lang="en-GB">',
    );
    await kept.import(text, { ...CXML, draft: 'languages' });
    await kept.publish('languages');
    expect((await kept.items()).find(({ sku }) => sku === 'L')).toMatchObject({
      ...{ description: 'Item L', classification: { domain: 'UNSPSC', code: '60141000' } },
    });
  });

  test.each([
    ['no XML', 'sku,description', /not well-formed XML at line 1/],
    ['another document', sample('OrderRequest'), /holds no Index/],
    ['an internal subset', '<!DOCTYPE Index [<!ENTITY a "b">]><Index/>', /internal subset/],
    ['no item in a full load', index('', 'Full'), /a full load that holds no item would withdraw all/],
    ['another load mode', index(add('A'), 'Sometimes'), /Index\/@loadmode: Full or Incremental.*"Sometimes"/],
    [
      'an add and a delete in one',
      index(add('A').replace('</IndexItem>', remove('B').replace('<IndexItem>', ''))),
      /holds IndexItemAdd and IndexItemDelete/,
    ],
    [
      'CIF',
      '<cXML><Response><SubscriptionContentResponse><SubscriptionContent><CIFContent>x</CIFContent></SubscriptionContent></SubscriptionContentResponse></Response></cXML>',
      /holds a CIFContent: send its items as an Index/,
    ],
    ['an upload without its attachment', sample('CatalogUploadRequest'), /comes as multipart\/related/],
    [
      'an endless item',
      index(add('A', '1', { detail: `<Extrinsic name="x">${'x'.repeat(70_000)}</Extrinsic>` })),
      /more than 65536 characters/,
    ],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x41, 0x3e, 0xff, 0xfe]), /not UTF-8/],
  ])('%s is refused as a whole, with the way out', async (_name, text, reason) => {
    await expect(kept.import(text, CXML)).rejects.toThrow(reason);
    expect(await kept.preview()).toEqual({});
  });

  const whole = index(add('A'));
  test.each([
    [
      'an attachment elsewhere',
      message(sample('CatalogUploadRequest'), whole),
      /Attachment\/URL: cid: .*"https:\/\/www.attachment.com"/,
    ],
    [
      'an attachment that is missing',
      message(uploadRequest('new').replace('cid:index@x', 'cid:other@x'), whole),
      /no part has the Content-ID <other@x>/,
    ],
    ['another request', message(sample('OrderRequest'), whole), /CatalogUploadRequest is missing/],
    [
      'another encoding',
      message(uploadRequest('new'), whole, { 'Content-Transfer-Encoding': 'quoted-printable' }),
      /Content-Transfer-Encoding quoted-printable: binary/,
    ],
    ['a message that ends too soon', message(uploadRequest('new'), whole).subarray(0, -8), /ends too soon/],
    [
      'headers without end',
      Buffer.from(`--${BOUNDARY}\r\nX: ${'x'.repeat(10_000)}`),
      /headers of part 1 have more than 8192 bytes/,
    ],
    ['a compressed attachment', message(uploadRequest('new'), gzipSync(whole)), /not UTF-8|not well-formed/],
    [
      'an operation of its own',
      message(uploadRequest('merge'), whole),
      /@operation: new or update is needed; it is "merge"/,
    ],
  ])('a CatalogUploadRequest with %s is refused with the way out', async (_name, body, reason) => {
    await expect(kept.import(body, { ...UPLOAD, catalog: 'winter' })).rejects.toThrow(reason);
  });

  test('parts are found wherever the pieces of a message end', async () => {
    const attached = gzipSync(`${whole}\r\n--${BOUNDARY.slice(0, -1)}`.repeat(5));
    const bytes = message(uploadRequest('new'), attached);
    for (const size of [1, 2, 7, 64, bytes.length]) {
      const scanner = new MultipartScanner(BOUNDARY);
      for (let start = 0; start < bytes.length; start += size) scanner.take(bytes.subarray(start, start + size));
      const parts = scanner.end();
      expect(parts.map(({ headers }) => headers['content-id'])).toEqual(['<root@x>', '<index@x>']);
      const [, found] = parts.map(({ start, end }) => bytes.subarray(start, end));
      expect(gunzipSync(found ?? Buffer.alloc(0))).toEqual(gunzipSync(attached));
    }
  });
});
