/** How received stock is shared out (figure 8, step 802). Pure: levels in, shares out. */
import { type StockLine } from './inventory';

/** What one taker gets. */
export interface Share {
  readonly taker: string;
  readonly lines: readonly StockLine[];
}

/**
 * Shares equally. Each item's remainder goes to different takers, chosen by the item's sku, so that over many items
 * nobody is always the one who gets the odd unit.
 */
export function shareEqually(pool: readonly StockLine[], takers: readonly string[]): Share[] {
  if (takers.length === 0) return [];
  const lines = takers.map((): StockLine[] => []);
  for (const { sku, quantity } of pool) {
    const each = Math.floor(quantity / takers.length);
    const remainder = quantity % takers.length;
    const first = spread(sku) % takers.length;
    takers.forEach((_, index) => {
      const extra = (index - first + takers.length) % takers.length < remainder ? 1 : 0;
      if (each + extra > 0) lines[index]?.push({ sku, quantity: each + extra });
    });
  }
  return takers.map((taker, index) => ({ taker, lines: lines[index] ?? [] }));
}

/** FNV-1a over the sku: the same everywhere, and near uniform over real skus. */
function spread(sku: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < sku.length; index++) {
    hash = Math.imul(hash ^ sku.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
