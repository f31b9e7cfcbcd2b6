/** When an item counts as short at a site: a threshold makes a number of units, which a database can compare at once. */
import { type Demand } from './demand';
import { type PolicyParameters } from './parameters';
import { linesOfChance, unitsCovering } from './value';

/** As it is written in configuration and in the API. */
export type Threshold =
  | { readonly units: number }
  /** Of what the site was last granted, 0 to 100. */
  | { readonly percentage: number }
  /** Days that the stock should still last. */
  | { readonly days: number }
  /** The chance of being short within the horizon that is still borne, 0 to 1. */
  | { readonly value: number };

export interface ThresholdBasis {
  /** Units of the last grant of the item to the site; 0 before the first. */
  readonly lastGrant: number;
  readonly demand: Demand;
}

/** An item with fewer units than this is short. Whole units. */
export function thresholdUnits(threshold: Threshold, basis: ThresholdBasis, parameters: PolicyParameters): number {
  if ('units' in threshold) return threshold.units;
  if ('percentage' in threshold) return Math.ceil((basis.lastGrant * threshold.percentage) / 100);
  if ('days' in threshold) return Math.ceil(basis.demand.unitsPerDay * threshold.days);
  return unitsForChance(basis.demand, threshold.value, parameters);
}

function unitsForChance(demand: Demand, chance: number, parameters: PolicyParameters): number {
  const rate = linesOfChance(chance, parameters);
  if ((demand.linesAbove[0] ?? 0) <= rate) return 0;
  return Math.ceil(unitsCovering(demand, rate) + demand.unitsPerDay * parameters.horizonDays);
}
