/** What units are worth at a place: the chance that the place is short without more of them. */
import { type Demand, SIZE_BOUNDS } from './demand';
import { type PolicyParameters } from './parameters';

const LAST_CLASS = SIZE_BOUNDS.length - 1;
const boundAt = (index: number): number => SIZE_BOUNDS[index] as number;

/** Lines a day of more than so many units; between two bounds in a straight line. */
export function linesAbove(demand: Demand, units: number): number {
  const at = (index: number): number => demand.linesAbove[index] ?? 0;
  if (units <= 0) return at(0);
  if (units >= boundAt(LAST_CLASS)) return at(LAST_CLASS);
  let above = 1;
  while (boundAt(above) < units) above++;
  const part = (units - boundAt(above - 1)) / (boundAt(above) - boundAt(above - 1));
  return at(above - 1) + (at(above) - at(above - 1)) * part;
}

/** The fewest units that no more than so many lines a day are larger than. */
export function unitsCovering(demand: Demand, linesPerDay: number): number {
  const at = (index: number): number => demand.linesAbove[index] ?? 0;
  if (at(0) <= linesPerDay) return 0;
  let above = 1;
  while (above <= LAST_CLASS && at(above) > linesPerDay) above++;
  if (above > LAST_CLASS) return boundAt(LAST_CLASS);
  const part = (at(above - 1) - linesPerDay) / (at(above - 1) - at(above));
  return boundAt(above - 1) + (boundAt(above) - boundAt(above - 1)) * part;
}

/** Lines a day that a site with so many units can't cover once it has sold its usual units of the horizon. */
export function uncoveredLines(demand: Demand, units: number, { horizonDays }: PolicyParameters): number {
  return linesAbove(demand, Math.max(0, units - demand.unitsPerDay * horizonDays));
}

/** The value of having more than so many units at a site: the chance that it is short within the horizon. */
export function valueAt(demand: Demand, units: number, parameters: PolicyParameters): number {
  return chanceWithin(uncoveredLines(demand, units, parameters), parameters);
}

export function chanceWithin(linesPerDay: number, { horizonDays }: PolicyParameters): number {
  return 1 - Math.exp(-linesPerDay * horizonDays);
}

/** Lines a day that come so often as to be seen within the horizon by the chance. */
export function linesOfChance(chance: number, { horizonDays }: PolicyParameters): number {
  return -Math.log(1 - chance) / horizonDays;
}

/**
 * The pool's bid for more than so many units, in lines a day like a site's: the lines that all reachable stock would
 * not cover, since what lies at a cut-off site serves nobody else, and those that it would not cover without givers.
 */
export function poolUncoveredLines(
  everywhere: Demand,
  pool: number,
  allUnits: number,
  { cutShare, poolReachWeight, poolCoverWeight }: PolicyParameters,
): number {
  const reach = allUnits - cutShare * (allUnits - pool);
  return poolReachWeight * linesAbove(everywhere, reach) + poolCoverWeight * linesAbove(everywhere, pool);
}
