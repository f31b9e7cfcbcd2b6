import fc from 'fast-check';
import {
  END_CONTENT_RESPONSE,
  type IndexHead,
  readContentRequest,
  startContentResponse,
  writeContentRequest,
  writeIndexDelete,
  writeIndexItem,
  writeStatus,
  writeSubscriptionChange,
} from '../../cxml/catalog';
import { readContentResponse } from '../../cxml/catalog-reader';
import { readAllocation, readConfirmation, writeAllocation, writeConfirmation } from '../../cxml/inventory';
import { isXmlText } from '../../cxml/writer';
import { type CatalogItem } from '../../domain/catalog';
import { CXML_DTD, INVENTORY_DTD, hasXmllint, xmllintText } from '../support/xmllint';

const envelope = {
  ...{ payloadID: '1.main.1@shop.example', timestamp: 1_291_248_000_000, store: 'shop', domain: 'shop.example' },
  ...{ sender: 'hq', receiver: 'north' },
};
const head: IndexHead = {
  catalog: 'main',
  loadmode: 'Full',
  base: 0,
  target: 4_294_967_297,
  itemCount: 2,
  digest: 'a'.repeat(64),
  audience: '',
};
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isXmlText);

const item: fc.Arbitrary<CatalogItem> = fc.record({
  sku: text,
  description: text,
  price: fc.integer({ min: 0, max: 10_000_000 }),
  currency: fc.constant('GBP'),
  unitOfMeasure: fc.constantFrom('EA', 'BX'),
  classification: fc.record({ domain: fc.constant('UNSPSC'), code: text }),
  leadTimeDays: fc.nat(100),
  attributes: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    text,
    { maxKeys: 3 },
  ),
  audience: fc.constant(''),
});

async function read(document: string, chunk: number) {
  const bytes = Buffer.from(document);
  async function* pieces() {
    for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk);
  }
  const got: { head: IndexHead | null; items: CatalogItem[]; withdrawn: string[] } = {
    head: null,
    items: [],
    withdrawn: [],
  };
  const status = await readContentResponse(pieces(), {
    head: (found) => void (got.head = found),
    batch(items, withdrawn) {
      got.items.push(...items);
      got.withdrawn.push(...withdrawn);
    },
  });
  return { status, ...got };
}

describe('a SubscriptionContentResponse', () => {
  test('is read as it was written, however it is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { minLength: 1, maxLength: 5 }),
        text,
        fc.integer({ min: 1, max: 50 }),
        async (items, gone, chunk) => {
          const document =
            startContentResponse(head, envelope, 'en') +
            items.map((one) => writeIndexItem(one, 'en')).join('') +
            writeIndexDelete(gone) +
            END_CONTENT_RESPONSE;
          expect(await read(document, chunk)).toEqual({ status: 200, head, items, withdrawn: [gone] });
        },
      ),
      { numRuns: 60 },
    );
  });

  /** With another white space in it, an item does not stand as it is written, and the parser reads it. */
  const byTheParser = (document: string) => document.replaceAll('<IndexItem>', '<IndexItem >');
  const outcome = (document: string) => read(document, 16_384).catch((error: unknown) => (error as Error).constructor);

  test('is read past the parser as the parser reads it, spoilt or not', async () => {
    const grouped = fc.record({ audience: fc.constantFrom('', '|1f|'), groupPrices: fc.constant({ '1f': 20_000 }) });
    const some = fc.oneof(
      { weight: 4, arbitrary: item },
      fc.tuple(item, grouped).map(([one, groups]) => ({ ...one, ...groups })),
    );
    const spoiling = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      drop: fc.nat(3),
      insert: fc
        .constantFrom('', 'x', '&', ';', '&amp;', '&#13;', '&#9;', '&apos;', '<', '>', ']]>', '"', '\t', '\n', '\r')
        .map(String),
    });
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 4 }), fc.option(spoiling), async (items, spoilt) => {
        let body = items.map((one) => writeIndexItem(one, 'en')).join('');
        if (spoilt) {
          const at = Math.floor(spoilt.at * body.length);
          body = body.slice(0, at) + spoilt.insert + body.slice(at + spoilt.drop);
        }
        const document = startContentResponse(head, envelope, 'en') + body + END_CONTENT_RESPONSE;
        const found = await outcome(document);
        if (spoilt && 'items' in found) taken++;
        expect(found).toEqual(await outcome(byTheParser(document)));
      }),
      { numRuns: 600 },
    );
    // Neither all of what is spoilt may be refused, nor nothing.
    expect(taken).toBeGreaterThan(20);
  });

  test('is read in pieces whose ends cut items', async () => {
    const [one] = fc.sample(item, { numRuns: 1, seed: 7 }) as [CatalogItem];
    const items = Array.from({ length: 2_000 }, (_, index) => ({ ...one, sku: `SKU ${index}`, price: index }));
    const body = items.map((each) => writeIndexItem(each, 'en'));
    body[700] = `<!-- ${body[0]} <a></a> -->${body[700]}`;
    const document = startContentResponse(head, envelope, 'en') + body.join('') + END_CONTENT_RESPONSE;
    expect((await read(document, 10_007)).items).toEqual(items);
  });

  test('names the place of an error, whoever has read what stands before it', async () => {
    const [one] = fc.sample(item, { numRuns: 1, seed: 7 }) as [CatalogItem];
    const before = startContentResponse(head, envelope, 'en');
    const place = async (...descriptions: string[]) => {
      const body = descriptions.map((description) => writeIndexItem({ ...one, description }, 'en')).join('');
      const wrong = before + body + '<IndexItem></Wrong>';
      const lines = wrong.split('\n');
      const found = await read(wrong, 100).catch((error: unknown) => (error as Error).message);
      return { found, right: `at line ${lines.length}, column ${lines.at(-1)?.length}` };
    };
    for (const descriptions of [['a'], ['a', 'b\nc'], ['a\n\nb', 'c'], ['a\nb', 'c', 'd\ne']]) {
      const { found, right } = await place(...descriptions);
      expect(found).toContain(right);
    }
  });

  test('tells that nothing is newer by Status 204', async () => {
    expect(await read(writeStatus(204, 'nothing is newer', envelope), 7)).toMatchObject({ status: 204, head: null });
  });

  test.each([
    ['cut off', (document: string) => document.slice(0, -20), /not well-formed/],
    [
      'without its revisions',
      (document: string) => document.replace(/<Comments>.*<\/Comments>/, ''),
      /no Comments with its revisions/,
    ],
    [
      'with a price that is none',
      (document: string) => document.replace(/(<Money[^>]*>)[^<]*/, '$1cheap'),
      /UnitPrice: a decimal/,
    ],
    [
      'without a sku',
      (document: string) => document.replace(/<SupplierPartID>[^<]*/, '<SupplierPartID>'),
      /no SupplierPartID/,
    ],
  ])('is refused when it is %s', async (_name, spoil, reason) => {
    const [one] = fc.sample(item, { numRuns: 1, seed: 3 }) as [CatalogItem];
    const document =
      startContentResponse(head, envelope, 'en') + writeIndexItem({ ...one, sku: 'A' }, 'en') + END_CONTENT_RESPONSE;
    await expect(read(spoil(document), 100)).rejects.toThrow(reason);
  });
});

test('a SubscriptionContentRequest names catalogue and base', () => {
  expect(readContentRequest(writeContentRequest('main', 7, envelope))).toEqual({ envelope, catalog: 'main', base: 7 });
});

test('stock documents are read as they were written', () => {
  const transfer = { giver: 'hq', incarnation: 1, sequence: 9 };
  const allocation = { envelope, transfer, takerIncarnation: 2, lines: [{ sku: 'A "1"', quantity: 3 }] };
  expect(readAllocation(writeAllocation(allocation))).toEqual(allocation);
  const old = { ...allocation, takerIncarnation: null };
  expect(readAllocation(writeAllocation(old))).toEqual(old);
  for (const outcome of ['credited', 'stranded'] as const) {
    const confirmation = { envelope, transfer, inReplyTo: 'x@y', outcome, lines: 1, units: 3 };
    expect(readConfirmation(writeConfirmation(confirmation))).toEqual(confirmation);
  }
  expect(() => readAllocation(writeAllocation({ ...allocation, lines: [{ sku: 'A', quantity: 0 }] }))).toThrow(
    /at least 1/,
  );
});

(hasXmllint() ? test : test.skip)('every document of ours is valid by its DTD', () => {
  const items = fc.sample(item, 20);
  const transfer = { giver: 'hq', incarnation: 1, sequence: 9 };
  const cxml = [
    startContentResponse(head, envelope, 'en') +
      items.map((one) => writeIndexItem(one, 'en')).join('') +
      END_CONTENT_RESPONSE,
    startContentResponse({ ...head, loadmode: 'Incremental' }, envelope, 'en') +
      writeIndexDelete('A&B') +
      END_CONTENT_RESPONSE,
    writeContentRequest('main', 7, envelope),
    writeStatus(204, 'nothing is newer', envelope),
    writeSubscriptionChange(head, envelope, 'en'),
  ];
  for (const document of cxml) expect(xmllintText(CXML_DTD, document)).toEqual([]);
  const stock = [
    writeAllocation({ envelope, transfer, takerIncarnation: 0, lines: [{ sku: 'A<1>', quantity: 3 }] }),
    writeConfirmation({ envelope, transfer, inReplyTo: 'x@y', outcome: 'stranded', lines: 1, units: 3 }),
  ];
  for (const document of stock) expect(xmllintText(INVENTORY_DTD, document)).toEqual([]);
});
