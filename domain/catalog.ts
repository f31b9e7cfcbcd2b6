/** The catalogue's items and revisions (design, sections 1, 2 and 5; figures 6 and 7). */
import { type Amount } from './money';

export interface Classification {
  /** For example UNSPSC. */
  readonly domain: string;
  readonly code: string;
}

export interface CatalogItem {
  readonly sku: string;
  readonly description: string;
  readonly price: Amount;
  /** ISO 4217. */
  readonly currency: string;
  /** UN/CEFACT Recommendation 20 code. */
  readonly unitOfMeasure: string;
  readonly classification: Classification;
  /** Days from order to delivery; cXML's Index demands one. */
  readonly leadTimeDays: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** The user groups that may see it (domain/audience.ts); empty for everyone. */
  readonly audience: string;
  /** Prices for user groups, by their ids; absent where there are none. */
  readonly groupPrices?: Readonly<Record<string, Amount>>;
}

/** What an import fills in where its source is silent; each use is reported. */
export const ITEM_DEFAULTS = {
  unitOfMeasure: 'EA',
  classification: { domain: 'UNSPSC', code: '60000000' },
  leadTimeDays: 2,
} as const;

/** The audience and partition that everyone belongs to. */
export const EVERYONE = '';

/** Longest sku, in characters. */
export const SKU_LENGTH_MAX = 64;
/** Longest description, in characters. */
export const DESCRIPTION_LENGTH_MAX = 1000;
/** Longest attributes of one item, as JSON, in bytes. */
export const ATTRIBUTES_BYTES_MAX = 16_384;

const REVISIONS_PER_EPOCH = 2 ** 32;
/** So that a revision is a safe integer. */
const EPOCHS_MAX = 2 ** 21;

/** One unsigned integer on the wire for (epoch, n): epoch × 2^32 + n. */
export function formatRevision(epoch: number, n: number): number {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch >= EPOCHS_MAX)
    throw new RangeError(`epoch ${epoch} is out of range`);
  if (!Number.isInteger(n) || n < 0 || n >= REVISIONS_PER_EPOCH) throw new RangeError(`revision ${n} is out of range`);
  return epoch * REVISIONS_PER_EPOCH + n;
}

export function parseRevision(revision: number): { epoch: number; n: number } {
  return { epoch: Math.floor(revision / REVISIONS_PER_EPOCH), n: revision % REVISIONS_PER_EPOCH };
}

/** "1.7" for people: epoch and number. */
export function showRevision(revision: number): string {
  const { epoch, n } = parseRevision(revision);
  return `${epoch}.${n}`;
}

/** The inverse of showRevision; null for a text that shows none. */
export function readRevision(text: string): number | null {
  const [, epoch, n] = /^(\d{1,7})\.(\d{1,10})$/.exec(text) ?? [];
  if (epoch === undefined || Number(epoch) >= EPOCHS_MAX || Number(n) >= REVISIONS_PER_EPOCH) return null;
  return formatRevision(Number(epoch), Number(n));
}

/** The revision after `current` in `epoch`: one more, or the epoch's first. */
export function nextRevision(current: number, epoch: number): number {
  const parsed = parseRevision(current);
  if (parsed.epoch > epoch) throw new RangeError(`revision ${showRevision(current)} is of a later epoch than ${epoch}`);
  return parsed.epoch === epoch ? formatRevision(epoch, parsed.n + 1) : formatRevision(epoch, 1);
}

/** How many revisions `confirmed` is behind `head`; across a change of primacy at least so many. */
export function revisionsBehind(head: number, confirmed: number): number {
  if (confirmed >= head) return 0;
  const [to, from] = [parseRevision(head), parseRevision(confirmed)];
  return to.epoch === from.epoch ? to.n - from.n : to.n;
}

/** Revision 0: nothing was ever published or received. */
export const NO_REVISION = 0;

/** An open end of an item version: it holds until further notice. */
export const OPEN_REVISION = Number.MAX_SAFE_INTEGER;

/** Where the delivery of a revision to a site stands. */
export type CatalogDeliveryState = 'delivering' | 'held' | 'confirmed' | 'parked';

/**
 * In the order of their names, by UTF-16 unit. Most records are in that order already, and to sort a short list makes
 * more garbage than all else that is done with it.
 */
export function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  const entries = Object.entries(record);
  let before = '';
  for (const [name] of entries) {
    if (name < before) return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    before = name;
  }
  return entries;
}
