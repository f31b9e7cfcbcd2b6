/** How received or changed stock is shared out (figure 8, step 802). */
import { balancedLevels } from './balance';
import { type PolicyParameters } from './parameters';
import { type StockLine } from './rights';
import { type ItemStock } from './stock';

/** What one taker gets. */
export interface Share {
  readonly taker: string;
  readonly lines: readonly StockLine[];
}

/** How stock is shared out: equally, by measured demand, in fixed parts, or by value. */
export const SHARING_RULES = ['equal', 'traffic', 'shares', 'value'] as const;
export type SharingRule = (typeof SHARING_RULES)[number];

export interface Sharing {
  readonly by: SharingRule;
  /** Of `shares`: each site's part; only the proportions count. */
  readonly shares: Readonly<Record<string, number>>;
}

/** As an allocation asks for it. */
export interface AllocationSharing extends Sharing {
  /** The sites asked for get no more than their share of what all would get; the rest stays in the pool. */
  readonly only: boolean;
}

export const EQUALLY: Sharing = { by: 'equal', shares: {} };

/** What each taker gets of the items' pools by the rule; what no taker gets stays in the pool. */
export function shareOut(
  { by, shares }: Sharing,
  items: readonly ItemStock[],
  takers: readonly string[],
  parameters: PolicyParameters,
): Share[] {
  const pool = items.map((item): StockLine => ({ sku: item.sku, quantity: item.pool }));
  switch (by) {
    case 'equal':
      return shareEqually(pool, takers);
    case 'traffic':
      return shareByTraffic(items, takers);
    case 'shares':
      return shareByParts(pool, takers, new Map(Object.entries(shares)));
    case 'value':
      return shareByValue(items, takers, parameters);
  }
}

/** How much of an item each taker should get, in any unit: only the proportions count. Negative counts as none. */
export type Weights = (sku: string) => readonly number[];

/** Shares equally; the remainder goes to different takers from item to item. */
export function shareEqually(pool: readonly StockLine[], takers: readonly string[]): Share[] {
  const equal = takers.map(() => 1);
  return shareByWeights(pool, takers, () => equal);
}

/** Shares in fixed parts, the same for every item; a taker that is not named gets nothing. */
export function shareByParts(
  pool: readonly StockLine[],
  takers: readonly string[],
  parts: ReadonlyMap<string, number>,
): Share[] {
  const weights = takers.map((taker) => parts.get(taker) ?? 0);
  return shareByWeights(pool, takers, () => weights);
}

/** Shares by measured demand: in proportion to the units that each taker sells a day of the item. */
export function shareByTraffic(items: readonly ItemStock[], takers: readonly string[]): Share[] {
  const bySku = new Map(items.map((item) => [item.sku, item]));
  const unitsPerDay = (sku: string): number[] => {
    const sites = bySku.get(sku)?.sites ?? [];
    return takers.map((taker) => sites.find(({ site }) => site === taker)?.demand.unitsPerDay ?? 0);
  };
  return shareByWeights(
    items.map(({ sku, pool }) => ({ sku, quantity: pool })),
    takers,
    unitsPerDay,
  );
}

/** Shares by value: what is worth more in the pool than at any taker stays there; so does what nobody can be reached for. */
export function shareByValue(
  items: readonly ItemStock[],
  takers: readonly string[],
  parameters: PolicyParameters,
): Share[] {
  const lines = new Map(takers.map((taker): [string, StockLine[]] => [taker, []]));
  for (const item of items) {
    const among = item.sites.filter(({ site, reachable }) => reachable && lines.has(site));
    const { sites: levels } = balancedLevels(item, among, parameters);
    let left = item.pool;
    among.forEach(({ site, units }, index) => {
      const quantity = Math.min(left, (levels[index] ?? 0) - units);
      if (quantity <= 0) return;
      left -= quantity;
      lines.get(site)?.push({ sku: item.sku, quantity });
    });
  }
  return takers.map((taker) => ({ taker, lines: lines.get(taker) ?? [] }));
}

/**
 * Shares the whole pool in proportion to the weights: whole units by the largest remainder; of equal remainders one
 * chosen by the item's sku, so that over many items nobody is always the one who gets the odd unit. An item for which
 * no taker has any weight is shared equally.
 */
export function shareByWeights(pool: readonly StockLine[], takers: readonly string[], weights: Weights): Share[] {
  const lines = takers.map((): StockLine[] => []);
  for (const { sku, quantity } of pool) {
    divide(quantity, weights(sku), takers.length, spread(sku)).forEach((units, index) => {
      if (units > 0) lines[index]?.push({ sku, quantity: units });
    });
  }
  return takers.map((taker, index) => ({ taker, lines: lines[index] ?? [] }));
}

/** Whole parts of the quantity, whose sum it is; `first`: whose turn it is among equals. */
function divide(quantity: number, weights: readonly number[], takers: number, first: number): number[] {
  if (takers === 0) return [];
  const given = Array.from({ length: takers }, (_, index) => Math.max(0, weights[index] ?? 0));
  const sum = given.reduce((total, weight) => total + weight, 0);
  const exact = given.map((weight) => (sum > 0 ? (quantity * weight) / sum : quantity / takers));
  const parts = exact.map((part) => Math.floor(part));
  const left = quantity - parts.reduce((total, part) => total + part, 0);
  const turn = (index: number): number => (index - (first % takers) + takers) % takers;
  const remainder = (index: number): number => (exact[index] ?? 0) - (parts[index] ?? 0);
  const order = parts.map((_, index) => index).sort((a, b) => remainder(b) - remainder(a) || turn(a) - turn(b));
  for (const index of order.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

/** FNV-1a over the sku: the same everywhere, and near uniform over real skus. */
function spread(sku: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < sku.length; index++) {
    hash = Math.imul(hash ^ sku.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
