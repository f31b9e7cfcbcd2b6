/**
 * Central mode: the rights to an item stay at the primary, and a site reserves there what an order has of it (design,
 * section 2). What a site holds of such items is what it has reserved for orders, and a set share for emergencies.
 */
import { type ThresholdRule } from './replenishment';
import { type StockLine } from './rights';

export type CentralItems = 'none' | 'all' | readonly string[];

export interface CentralSettings {
  readonly items: CentralItems;
  /** Units of each that a site holds to sell while the primary does not answer; 0: it refuses then. */
  readonly emergencyUnits: number;
  /** What was reserved, and not ordered, goes back to the primary after this. */
  readonly reservationMinutes: number;
}

export const NOTHING_CENTRAL: CentralSettings = { items: 'none', emergencyUnits: 0, reservationMinutes: 15 };

/** Says of each item whether its rights stay at the primary. */
export function centralTest(items: CentralItems): (sku: string) => boolean {
  if (items === 'none') return () => false;
  if (items === 'all') return () => true;
  const named = new Set(items);
  return (sku) => named.has(sku);
}

export function withoutCentral<T extends { readonly sku: string }>(items: CentralItems, lines: readonly T[]): T[] {
  const isCentral = centralTest(items);
  return lines.filter(({ sku }) => !isCentral(sku));
}

/** Of central items a site keeps its share for emergencies, and nothing else decides. */
export function emergencyRule({ emergencyUnits: units }: CentralSettings): ThresholdRule | null {
  return units > 0 ? { threshold: { units }, refillTo: { units } } : null;
}

/**
 * What a site sells of a central item without asking: what is left of earlier reservations, which no order here waits
 * for. The share for emergencies is none of it.
 */
export function reservedAndLeft(held: number, waitedFor: number, { emergencyUnits }: CentralSettings): number {
  return Math.max(0, held - waitedFor - emergencyUnits);
}

/** What a site holds of central items beyond what its orders wait for and its share for emergencies. */
export function surplusOf(
  held: readonly StockLine[],
  waitedFor: ReadonlyMap<string, number>,
  settings: CentralSettings,
): StockLine[] {
  return held
    .map(({ sku, quantity }) => ({ sku, quantity: reservedAndLeft(quantity, waitedFor.get(sku) ?? 0, settings) }))
    .filter(({ quantity }) => quantity > 0);
}

const MINUTE_MS = 60_000;

/** Tells reservations that have expired: of each item the fewest units that were left in all of that time. */
export class Expiry {
  private readonly left = new Map<string, { readonly since: number; readonly fewest: number }>();

  /** `surplus` as it is `now` (milliseconds UTC); answers what of it nobody has used for as long as a reservation lasts. */
  look(surplus: readonly StockLine[], now: number, { reservationMinutes }: CentralSettings): StockLine[] {
    const before = new Map(this.left);
    this.left.clear();
    const expired: StockLine[] = [];
    for (const { sku, quantity } of surplus) {
      const { since, fewest } = before.get(sku) ?? { since: now, fewest: quantity };
      const still = Math.min(fewest, quantity);
      if (now - since >= reservationMinutes * MINUTE_MS) expired.push({ sku, quantity: still });
      else this.left.set(sku, { since, fewest: still });
    }
    return expired;
  }
}
