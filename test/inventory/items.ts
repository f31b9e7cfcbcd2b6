/** Arbitrary items for the policy's properties. */
import fc from 'fast-check';
import { type Demand, type ItemStock, SIZE_BOUNDS } from '../../domain/inventory';

export const SITES = ['east', 'north', 'south', 'west'] as const;

/** Falls from size to size, as every demand does. */
export const demand: fc.Arbitrary<Demand> = fc
  .tuple(
    fc.double({ min: 0, max: 40, noNaN: true }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: SIZE_BOUNDS.length,
      maxLength: SIZE_BOUNDS.length,
    }),
    fc.double({ min: 0, max: 500, noNaN: true }),
  )
  .map(([linesPerDay, falls, unitsPerDay]) => {
    let left = linesPerDay;
    return { unitsPerDay, linesAbove: falls.map((fall, index) => (index === 0 ? left : (left *= fall))) };
  });

export const item = (sku: string): fc.Arbitrary<ItemStock> =>
  fc.record({
    sku: fc.constant(sku),
    pool: fc.nat({ max: 3000 }),
    sites: fc.tuple(
      ...SITES.map((site) =>
        fc.record({ site: fc.constant(site), units: fc.nat({ max: 3000 }), reachable: fc.boolean(), demand }),
      ),
    ),
  });

export const items: fc.Arbitrary<ItemStock[]> = fc
  .uniqueArray(fc.stringMatching(/^[0-9]{5}[A-Z]?$/), { maxLength: 8 })
  .chain((skus) => fc.tuple(...skus.map(item)));
