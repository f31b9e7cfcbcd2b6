/** Rights, movements and transfers (design, sections 1, 2 and 5; figures 8, 9, 13). */
import { type Topology, childrenOf } from '../sites';

/** `own`: units that the site sells itself; `pool`: units that a parent keeps to grant. */
export type StockAccount = 'own' | 'pool';

/** Where a site's units arrive: one with children shares on; a leaf sells. */
export function intakeOf({ topology, site }: { readonly topology: Topology; readonly site: string }): StockAccount {
  return childrenOf(topology, site).length > 0 ? 'pool' : 'own';
}

export type MovementKind = 'receipt' | 'grant' | 'transfer-out' | 'transfer-in' | 'sale' | 'return' | 'adjustment';

/** A transfer's permanent name: who gave, in which incarnation of its data, and its running number there. */
export interface TransferId {
  readonly giver: string;
  readonly incarnation: number;
  readonly sequence: number;
}

export const TRANSFER_STATES = ['in-flight', 'credited', 'in-doubt', 'stranded', 'void', 'tombstone'] as const;
export type TransferState = (typeof TRANSFER_STATES)[number];

/**
 * True when what concerns a site's data of one incarnation comes to later ones: a backup has taken their place, and what
 * they had done with it (credited a transfer, returned an order's units, sold either) nobody knows. 0 means the site's
 * first data, which had no number yet; null that nobody has said.
 */
export function isForLostData(concerned: number | null, incarnation: number): boolean {
  return concerned !== null && Math.max(concerned, 1) < incarnation;
}

export interface StockLine {
  readonly sku: string;
  readonly quantity: number;
}

export function unitsOf(lines: readonly StockLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** One line per sku, in ascending order of the skus. */
export function sumBySku(lines: readonly StockLine[]): StockLine[] {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .sort((a, b) => (a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0));
}

export interface ShortLine {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
}

/** The items of which more is asked than there is, each item once. */
export function shortLines(lines: readonly StockLine[], available: ReadonlyMap<string, number>): ShortLine[] {
  return sumBySku(lines)
    .map(({ sku, quantity }) => ({ sku, requested: quantity, available: available.get(sku) ?? 0 }))
    .filter((line) => line.available < line.requested);
}

/** Most lines of one inventory document; a larger allocation becomes several transfers. */
export const INVENTORY_LINES_MAX = 5000;

export function formatTransferId(id: TransferId): string {
  return `${id.giver}.${id.incarnation}.${id.sequence}`;
}

export function parseTransferId(text: string): TransferId | null {
  const match = /^([a-z][a-z0-9-]{0,31})\.(\d{1,9})\.(\d{1,15})$/.exec(text);
  if (!match) return null;
  return { giver: match[1] as string, incarnation: Number(match[2]), sequence: Number(match[3]) };
}
