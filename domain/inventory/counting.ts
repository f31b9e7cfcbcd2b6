/** What counts as demand: what a cart has asked for, served or not, each item of it once. */
import { type DemandParameters } from './parameters';
import { type Tally, emptyTally, tallyLines } from './demand';
import { type StockLine, sumBySku } from './rights';

/** Units that are counted of a cart because they were refused, by item; kept up to date in place. */
export type RefusedUnits = Map<string, number>;

/** Of a refusal, what is new: a buyer who tries again asks for the same units. */
export function newlyRefused(lines: readonly StockLine[], refused: RefusedUnits): StockLine[] {
  return sumBySku(lines).flatMap(({ sku, quantity }) => {
    const before = refused.get(sku) ?? 0;
    if (quantity <= before) return [];
    refused.set(sku, quantity);
    return [{ sku, quantity: quantity - before }];
  });
}

/** Of a sale, what is not counted since it was refused before. Used up in place. */
export function notRefusedBefore(lines: readonly StockLine[], refused: RefusedUnits): StockLine[] {
  return lines.flatMap(({ sku, quantity }) => {
    const units = refused.get(sku) ?? 0;
    const before = Math.min(quantity, units);
    if (before > 0) refused.set(sku, units - before);
    return quantity > before ? [{ sku, quantity: quantity - before }] : [];
  });
}

/** In place of a sku: all items of a site together. */
export const ALL_ITEMS = '';

/** A site's demand for an item. */
export interface TallyKey {
  readonly site: string;
  readonly sku: string;
}

/** Lines to count. */
export interface AskedLines {
  readonly site: string;
  readonly lines: readonly StockLine[];
  /** When they were asked for, milliseconds since 1970. */
  readonly at: number;
}

/** Tallies by site and item, and of all items at each site. */
export class Tallies {
  private readonly bySite = new Map<string, Map<string, Tally>>();
  private readonly changed = new Set<Tally>();

  constructor(known: Iterable<TallyKey & { readonly tally: Tally }> = []) {
    for (const { site, sku, tally } of known) this.ofSite(site).set(sku, tally);
  }

  private ofSite(site: string): Map<string, Tally> {
    const known = this.bySite.get(site) ?? new Map<string, Tally>();
    this.bySite.set(site, known);
    return known;
  }

  count({ site, lines, at }: AskedLines, parameters: DemandParameters): void {
    const tallies = this.ofSite(site);
    for (const { sku, quantity } of lines) {
      for (const counted of [sku, ALL_ITEMS]) {
        const tally = tallies.get(counted) ?? emptyTally(at);
        tallies.set(counted, tally);
        tallyLines(tally, quantity, at, parameters);
        this.changed.add(tally);
      }
    }
  }

  /** Those that something was counted into. */
  counted(): (TallyKey & { readonly tally: Tally })[] {
    const all = [...this.bySite].flatMap(([site, tallies]) =>
      [...tallies].map(([sku, tally]) => ({ site, sku, tally })),
    );
    return all.filter(({ tally }) => this.changed.has(tally));
  }

  /** Of one item, or of all together, by site. */
  of(sku: string): Map<string, Tally> {
    const found = new Map<string, Tally>();
    for (const [site, tallies] of this.bySite) {
      const tally = tallies.get(sku);
      if (tally) found.set(site, tally);
    }
    return found;
  }
}
