/** What is left of a cart's lines for a buyer who takes a part. */
import { cutToAvailable } from '../../domain/carts';

const short = (sku: string, requested: number, available: number) => ({ sku, requested, available });

test('each line gets what is there, in their order, also where an item stands on several', () => {
  const lines = [
    { sku: 'A', quantity: 3, line: 1 },
    { sku: 'B', quantity: 2, line: 2 },
    { sku: 'A', quantity: 4, line: 3 },
    { sku: 'A', quantity: 1, line: 4 },
  ];
  expect(cutToAvailable(lines, [short('A', 8, 5)])).toEqual([
    { sku: 'A', quantity: 3, line: 1 },
    { sku: 'B', quantity: 2, line: 2 },
    { sku: 'A', quantity: 2, line: 3 },
  ]);
  expect(cutToAvailable(lines, [])).toEqual(lines);
});

test('nothing is left where nothing is there', () => {
  expect(cutToAvailable([{ sku: 'A', quantity: 3 }], [short('A', 3, 0)])).toEqual([]);
});
