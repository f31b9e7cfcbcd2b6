/** Changes that wait for a publication: what it would make of an item (figure 6, step 600; docs/decisions/0026). */
import { GroupNames } from './audience';
import { type CatalogItem } from './catalog';
import { JSON_NAMES, textsOf } from './catalog-json';
import { type ItemField } from './catalog-import';

/** The draft of whoever names none. */
export const DRAFT_DEFAULT = 'next';

/** An item as it is to be; its price from `priceFrom` on (milliseconds UTC), or at once. */
export interface DraftEntry {
  readonly item: CatalogItem;
  readonly priceFrom: number | null;
}

/** A change that holds from a time on. */
export interface DatedChange {
  /** Milliseconds UTC. */
  readonly holdsFrom: number;
  readonly item: CatalogItem;
  /** Only the price is to change: the item is there without it. */
  readonly priceOnly: boolean;
}

/** One item of a draft, with what is published of it. */
export interface ItemInDraft {
  readonly sku: string;
  readonly published: CatalogItem | null;
  /** As drafted to hold at once: null for withdrawn, undefined where the draft says nothing. */
  readonly drafted: CatalogItem | null | undefined;
  /** In the order of their times. */
  readonly dated: readonly DatedChange[];
}

/** The item without what holds from a date; null where it is not, or is withdrawn. */
export function withoutDates({ published, drafted }: ItemInDraft): CatalogItem | null {
  return drafted === undefined ? published : drafted;
}

/** The item that a publication at `now` would make: each change whose time has come, on top of what is there. */
export function publishedAt(entry: ItemInDraft, now: number): CatalogItem | null {
  return dueChanges(entry, now).reduce<CatalogItem | null>((item, change) => {
    if (item !== null) return { ...item, price: change.item.price };
    return change.priceOnly ? null : change.item;
  }, withoutDates(entry));
}

export function dueChanges({ dated }: ItemInDraft, now: number): DatedChange[] {
  return dated.filter(({ holdsFrom }) => holdsFrom <= now);
}

export function waitingChanges({ dated }: ItemInDraft, now: number): DatedChange[] {
  return dated.filter(({ holdsFrom }) => holdsFrom > now);
}

/** One value of an item that differs; null where there is none. */
export interface FieldChange {
  /** As the API calls it: `price`, `classification.code`, `attributes.colour`. */
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

export const CHANGE_KINDS = ['added', 'changed', 'withdrawn', 'unchanged'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface ItemChange {
  readonly change: ChangeKind;
  readonly fields: readonly FieldChange[];
}

/** What happens to an item; null stands for one that is not there. */
export function itemChange(
  before: CatalogItem | null,
  after: CatalogItem | null,
  names: GroupNames = new GroupNames(),
): ItemChange {
  const fields = changedFields(namedTexts(before, names), namedTexts(after, names));
  if (fields.length === 0) return { change: 'unchanged', fields };
  return { change: before === null ? 'added' : after === null ? 'withdrawn' : 'changed', fields };
}

function changedFields(old: ReadonlyMap<string, string>, fresh: ReadonlyMap<string, string>): FieldChange[] {
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .map((field) => ({ field, before: old.get(field) ?? null, after: fresh.get(field) ?? null }))
    .filter((change) => change.before !== change.after);
}

function namedTexts(item: CatalogItem | null, names: GroupNames): Map<string, string> {
  if (item === null) return new Map();
  const { fields, attributes } = textsOf(item, names);
  return new Map([
    ...Object.entries(fields).map(([field, text]) => [JSON_NAMES[field as ItemField], text] as const),
    ...Object.entries(attributes).map(([name, text]) => [JSON_NAMES.attribute + name, text] as const),
  ]);
}
