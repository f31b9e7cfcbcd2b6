/** Every document that the transport emitted in the run before this one: valid by xmllint and by the stricter check. */
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { checkOrderRequest } from '../../cxml/order-check';
import { parseXml } from '../../cxml/reader';
import { CXML_DTD, INVENTORY_DTD, hasXmllint, xmllint } from '../support/xmllint';
import { ARCHIVE_DIR } from '../support/archive';

/** How many of each kind a run emits at least. */
const COUNTS_MIN = {
  OrderRequest: 20,
  SubscriptionContentRequest: 6,
  SubscriptionContentResponse: 4,
  InventoryAllocation: 6,
  InventoryConfirmation: 6,
  InventoryBorrowing: 4,
  InventoryOffer: 2,
  InventoryLoan: 4,
  InventoryReplenishmentRequest: 4,
  InventoryReplenishmentAnswer: 4,
} as const;

/** Documents of one call to xmllint. */
const CALL_MAX = 200;

/** A process that was killed meanwhile leaves a part of a document behind, which was not sent. */
const files = readdirSync(ARCHIVE_DIR).filter((file) => file.endsWith('.xml'));

describe.each(Object.entries(COUNTS_MIN))('%s', (kind, least) => {
  const mine = files.filter((file) => file.startsWith(`${kind}--`)).map((file) => join(ARCHIVE_DIR, file));

  test(`at least ${least} were emitted`, () => {
    expect(mine.length).toBeGreaterThanOrEqual(least);
  });

  (hasXmllint() ? test : test.skip)('all are valid by the DTD', async () => {
    const dtd = kind.startsWith('Inventory') ? INVENTORY_DTD : CXML_DTD;
    const calls = Array.from({ length: Math.ceil(mine.length / CALL_MAX) }, (_, call) =>
      mine.slice(call * CALL_MAX, (call + 1) * CALL_MAX),
    );
    const judge = async () => {
      for (let call = calls.pop(); call; call = calls.pop()) expect(await xmllint(dtd, call)).toEqual([]);
    };
    await Promise.all(Array.from({ length: availableParallelism() }, judge));
  });

  if (kind === 'OrderRequest') {
    test('all pass the stricter check', () => {
      for (const file of mine)
        expect({ file, problems: checkOrderRequest(parseXml(readFileSync(file))) }).toEqual({ file, problems: [] });
    });
  }
});

test('no document is of a kind that nobody counts', () => {
  const kinds = new Set(files.map((file) => file.split('--')[0]));
  expect([...kinds].filter((kind) => !Object.hasOwn(COUNTS_MIN, kind ?? ''))).toEqual([]);
});
