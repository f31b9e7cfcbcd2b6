/** Unsolicited changes of a site's stock (figure 13): what each kind asks of the site's units. */
import { type StockLine, sumBySku } from './rights';

/**
 * receipt: goods have come in; return: a buyer has sent some back; shrinkage: some are gone; count: the shelf was
 * counted; recall: the parent wants some back.
 */
export const UPDATE_KINDS = ['receipt', 'count', 'shrinkage', 'return', 'recall'] as const;
export type UpdateKind = (typeof UPDATE_KINDS)[number];

export interface UpdateLine extends StockLine {
  /** Of a count: what the books said when it was counted, so that it means the same whenever it arrives. */
  readonly expected?: number;
}

/** Units to be added, and units to be taken, one line an item. */
export interface UpdateChange {
  readonly added: readonly StockLine[];
  readonly taken: readonly StockLine[];
}

export interface UpdateResult {
  readonly added: readonly StockLine[];
  readonly taken: readonly StockLine[];
  /** What was to be taken and was not there. */
  readonly short: readonly StockLine[];
}

export function changeOf(kind: UpdateKind, lines: readonly UpdateLine[]): UpdateChange {
  if (kind === 'receipt' || kind === 'return') return { added: sumBySku(lines), taken: [] };
  if (kind === 'shrinkage' || kind === 'recall') return { added: [], taken: sumBySku(lines) };
  const differences = lines.map(({ sku, quantity, expected = quantity }) => ({ sku, quantity: quantity - expected }));
  const sums = sumBySku(differences);
  return {
    added: sums.filter(({ quantity }) => quantity > 0),
    taken: sums.filter(({ quantity }) => quantity < 0).map(({ sku, quantity }) => ({ sku, quantity: -quantity })),
  };
}
