import fc from 'fast-check';
import { type CatalogItem, formatRevision, nextRevision, parseRevision, showRevision } from '../../domain/catalog';
import { EMPTY_DIGEST, addToDigest, hashItem } from '../../domain/catalog-digest';

const item: CatalogItem = {
  sku: '10002',
  description: 'INFLATABLE POLITICAL GLOBE',
  price: 8_500,
  currency: 'GBP',
  unitOfMeasure: 'EA',
  classification: { domain: 'UNSPSC', code: '60000000' },
  leadTimeDays: 2,
  attributes: { colour: 'blue', size: 'L' },
  audience: '',
};

describe('revisions', () => {
  test('are one integer on the wire: epoch × 2^32 + n', () => {
    expect(formatRevision(1, 7)).toBe(4_294_967_303);
    expect(parseRevision(4_294_967_303)).toEqual({ epoch: 1, n: 7 });
    expect(showRevision(4_294_967_303)).toBe('1.7');
  });

  test('rise by one with every publication and start at 1 in a new epoch', () => {
    expect(nextRevision(formatRevision(1, 7), 1)).toBe(formatRevision(1, 8));
    expect(nextRevision(formatRevision(1, 7), 2)).toBe(formatRevision(2, 1));
    expect(nextRevision(0, 1)).toBe(formatRevision(1, 1));
    expect(() => nextRevision(formatRevision(2, 1), 1)).toThrow(/later epoch/);
  });
});

describe('digests', () => {
  test('an item hashes by its content, not by the order of its attributes', () => {
    expect(hashItem({ ...item, attributes: { size: 'L', colour: 'blue' } })).toBe(hashItem(item));
  });

  test.each(Object.keys(item) as (keyof CatalogItem)[])('a changed %s changes the hash', (field) => {
    const other = { sku: 'x', description: 'x', price: 1, currency: 'EUR', unitOfMeasure: 'BX', leadTimeDays: 9 };
    const changed = {
      ...item,
      ...{ ...other, classification: { domain: 'UNSPSC', code: '1' }, attributes: {}, audience: 'acme' },
    };
    expect(hashItem({ ...item, [field]: changed[field] })).not.toBe(hashItem(item));
  });

  test('a sum is the same whatever the order, and what is taken out is gone', () => {
    const hashes = fc.array(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    );
    fc.assert(
      fc.property(hashes, hashes, (kept, removed) => {
        const direct = addToDigest(EMPTY_DIGEST, kept);
        const detour = addToDigest(addToDigest(EMPTY_DIGEST, [...removed, ...kept].reverse()), [], removed);
        expect(detour).toBe(direct);
        expect(direct).toHaveLength(64);
      }),
    );
  });
});
