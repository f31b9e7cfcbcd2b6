/** Whether a change travels as a delta or as a full document (design, section 5). */
import { NO_REVISION } from './catalog';

/** Most items of a delta: their skus are held in memory while it is written. */
export const DELTA_ITEMS_MAX = 500_000;

/**
 * A delta says one thing an item, as a full document does, so it is smaller where it touches fewer. An emptied catalogue
 * has no full document: an Index must hold an item.
 */
export function deltaIsSmaller(touched: number, itemCount: number): boolean {
  return touched <= DELTA_ITEMS_MAX && (touched < itemCount || itemCount === 0);
}

/** A delta is for its base only; nothing is taken that a site has, or that is older. `revision` is the site's. */
export function isTaken({ base, target }: { base: number; target: number }, revision: number): boolean {
  return revision < target && (base === NO_REVISION || base === revision);
}

/**
 * The base of the next document for a site that would not take a delta on the one it was made for: what the site says
 * that it has, once; then none, for a full document is taken on anything.
 */
export function baseAfterRefusal(siteHas: number, refusals: number): number {
  return refusals > 1 ? NO_REVISION : siteHas;
}
