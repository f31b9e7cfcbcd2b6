/** When an item counts as short at a site: a threshold makes a number of units, which a database can compare at once. */
import { type Demand } from './demand';
import { type PolicyParameters } from './parameters';
import { linesOfChance, unitsCovering } from './value';

export type Threshold =
  | { readonly kind: 'units'; readonly units: number }
  /** Of what the site was last granted, 0 to 100. */
  | { readonly kind: 'percentage'; readonly percentage: number }
  /** Days that the stock should still last. */
  | { readonly kind: 'days'; readonly days: number }
  /** The chance of being short within the horizon that is still borne, 0 to 1. */
  | { readonly kind: 'value'; readonly chance: number };

export interface ThresholdBasis {
  /** Units of the last grant of the item to the site; 0 before the first. */
  readonly lastGrant: number;
  readonly demand: Demand;
}

/** An item with fewer units than this is short. Whole units. */
export function thresholdUnits(threshold: Threshold, basis: ThresholdBasis, parameters: PolicyParameters): number {
  switch (threshold.kind) {
    case 'units':
      return threshold.units;
    case 'percentage':
      return Math.ceil((basis.lastGrant * threshold.percentage) / 100);
    case 'days':
      return Math.ceil(basis.demand.unitsPerDay * threshold.days);
    case 'value':
      return unitsForChance(basis.demand, threshold.chance, parameters);
  }
}

function unitsForChance(demand: Demand, chance: number, parameters: PolicyParameters): number {
  const rate = linesOfChance(chance, parameters);
  if ((demand.linesAbove[0] ?? 0) <= rate) return 0;
  return Math.ceil(unitsCovering(demand, rate) + demand.unitsPerDay * parameters.horizonDays);
}
