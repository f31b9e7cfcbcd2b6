/** What a site that runs low asks of its parent, and what the parent answers (figure 11): rules of both sides. */
import { LINE_QUANTITY_MAX } from '../orders';
import { lessOf } from './loan';
import { type PolicyParameters } from './parameters';
import { type StockLine, sumBySku } from './rights';
import { type Threshold, type ThresholdBasis, thresholdUnits } from './thresholds';

/** When an item is short, and up to what it is asked for then. */
export interface ThresholdRule {
  readonly threshold: Threshold;
  /** Absent: twice the threshold. */
  readonly refillTo?: Threshold | undefined;
}

export interface ReplenishmentSettings {
  /** Between two looks at all items; 0: only when asked to. */
  readonly everyMinutes: number;
  /** Of items without a rule of their own; absent: those are never short. */
  readonly threshold?: Threshold | undefined;
  readonly refillTo?: Threshold | undefined;
  /** By sku: what may be given instead, in this order. */
  readonly substitutes: Readonly<Record<string, readonly string[]>>;
}

export const REPLENISHMENT_OFF: ReplenishmentSettings = { everyMinutes: 0, substitutes: {} };

/** Of a threshold, when nothing is said. */
const REFILL_FACTOR = 2;

export interface ItemThreshold {
  /** An item with fewer units than this is short; 0: never. */
  readonly thresholdUnits: number;
  /** Units that it is to have then. */
  readonly refillUnits: number;
}

/** Parameters that a rule's units depend on. */
export type BasisPart = 'lastGrant' | 'demand';

export function basisOf({ threshold, refillTo }: ThresholdRule): ReadonlySet<BasisPart> {
  const forms = refillTo ? [threshold, refillTo] : [threshold];
  return new Set(
    forms.flatMap((form): BasisPart[] => ('units' in form ? [] : 'percentage' in form ? ['lastGrant'] : ['demand'])),
  );
}

export function itemThreshold(
  { threshold, refillTo }: ThresholdRule,
  basis: ThresholdBasis,
  parameters: PolicyParameters,
): ItemThreshold {
  const units = (form: Threshold) => Math.min(LINE_QUANTITY_MAX, thresholdUnits(form, basis, parameters));
  const low = units(threshold);
  const refill = refillTo ? units(refillTo) : Math.min(LINE_QUANTITY_MAX, low * REFILL_FACTOR);
  return { thresholdUnits: low, refillUnits: Math.max(low, refill) };
}

export type ReplenishmentOutcome = 'full' | 'part' | 'unavailable' | 'substitute';
/** Why there is nothing: it has all gone, or the parent never had any. */
export type UnavailableReason = 'sold-out' | 'not-kept';

/** What the parent says to one item (figure 11, step 1108). */
export interface ReplenishmentAnswer {
  readonly sku: string;
  readonly asked: number;
  readonly outcome: ReplenishmentOutcome;
  /** Units of the item itself. */
  readonly granted: number;
  readonly reason?: UnavailableReason;
  /** Another item that is given for what is missing. */
  readonly instead?: StockLine;
}

/**
 * Answers every item that is asked for, out of the pool; `kept`: the items that the parent has, or has had. No item is
 * given instead of another before all who asked for it have got theirs.
 */
export function answerNeeds(
  needs: readonly StockLine[],
  pool: readonly StockLine[],
  substitutes: ReplenishmentSettings['substitutes'],
  kept: ReadonlySet<string>,
): ReplenishmentAnswer[] {
  const left = new Map(sumBySku(pool).map(({ sku, quantity }) => [sku, quantity]));
  const take = (sku: string, wanted: number): number => {
    const taken = Math.min(wanted, left.get(sku) ?? 0);
    left.set(sku, (left.get(sku) ?? 0) - taken);
    return taken;
  };
  const asked = sumBySku(needs);
  const granted = asked.map(({ sku, quantity }) => take(sku, quantity));
  return asked.map(({ sku, quantity }, index): ReplenishmentAnswer => {
    const own = granted[index] ?? 0;
    const about = { sku, asked: quantity, granted: own };
    if (own === quantity) return { ...about, outcome: 'full' };
    const other = (substitutes[sku] ?? []).find((name) => name !== sku && (left.get(name) ?? 0) > 0);
    if (other !== undefined) {
      const instead = { sku: other, quantity: take(other, quantity - own) };
      return { ...about, outcome: 'substitute', instead };
    }
    if (own > 0) return { ...about, outcome: 'part' };
    return { ...about, outcome: 'unavailable', reason: kept.has(sku) ? 'sold-out' : 'not-kept' };
  });
}

/** What the answers give: one line per item. */
export function grantedBy(answers: readonly ReplenishmentAnswer[]): StockLine[] {
  const lines = answers.flatMap(({ sku, granted, instead }) => [
    { sku, quantity: granted },
    ...(instead ? [instead] : []),
  ]);
  return sumBySku(lines.filter(({ quantity }) => quantity > 0));
}

/** What nothing was given for. */
export function leftOpenBy(answers: readonly ReplenishmentAnswer[]): StockLine[] {
  const asked = answers.map(({ sku, asked: quantity }) => ({ sku, quantity }));
  const covered = answers.map(({ sku, granted, instead }) => ({ sku, quantity: granted + (instead?.quantity ?? 0) }));
  return lessOf(asked, covered);
}

/** An item that nobody had is not asked for again so soon, unless an operator asks; milliseconds. */
export const UNAVAILABLE_WAIT_MS = 60 * 60_000;

/**
 * Items that are not to be asked for yet: of which the last that was said is that there are none. `said`: all answers of
 * the last UNAVAILABLE_WAIT_MS, in the order of their coming.
 */
export function waitingItems(said: readonly ReplenishmentAnswer[]): ReadonlySet<string> {
  const last = new Map(said.map(({ sku, outcome }) => [sku, outcome]));
  return new Set([...last].filter(([, outcome]) => outcome === 'unavailable').map(([sku]) => sku));
}

/** The cause of everything that an answer moves. */
export function replenishmentCause(request: string): string {
  return `replenishment:${request}`;
}
