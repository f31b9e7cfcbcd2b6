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

/** What a document is for: its base and its part of the catalogue. */
export interface DocumentAim {
  /** 0: it is full. */
  readonly base: number;
  readonly target: number;
  readonly partition: string;
}

/** A delta is for its base and its partition only; nothing is taken that a site has, or that is older. */
export function isTaken(
  { base, target, partition }: DocumentAim,
  site: { readonly revision: number; readonly partition: string },
): boolean {
  const fits = base === NO_REVISION || (base === site.revision && partition === site.partition);
  return site.revision < target && fits;
}

/** The base that a site would take a document on instead: a delta is made within one partition. */
export function baseTaken(partition: string, site: { readonly revision: number; readonly partition: string }): number {
  return site.partition === partition ? site.revision : NO_REVISION;
}

/**
 * The base of the next document for a site that would not take a delta on the one it was made for: what the site says
 * that it has, once; then none, for a full document is taken on anything.
 */
export function baseAfterRefusal(siteHas: number, refusals: number): number {
  return refusals > 1 ? NO_REVISION : siteHas;
}
