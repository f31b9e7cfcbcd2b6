/** One item of a draft at a time: put, changed in part, withdrawn, looked at. */
import { type DraftKey, draftEntries, draftWithdrawals, itemsInDraft } from '../../db/catalog/drafts';
import { groupNames } from '../../db/catalog/groups';
import { type Statements, type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { type ItemInDraft, withoutDates } from '../../domain/catalog-draft';
import { type ItemRules, type ItemTexts, type RowFault, readItem, textsOnTop } from '../../domain/catalog-import';
import { JSON_NAMES, textsOf } from '../../domain/catalog-json';
import { type SiteContext, storeSettings } from '../context';
import { fireOnChanges } from './count-changes';

/** `put`: the item as a whole; `patch`: what it does not say stays as the draft has it. */
export type ItemEdit = { readonly kind: 'put' | 'patch'; readonly texts: ItemTexts } | { readonly kind: 'withdraw' };

export type ItemEdited =
  /** The item as the draft has it now, with the names of what had to be filled in. */
  | { readonly outcome: 'drafted'; readonly entry: ItemInDraft; readonly defaults: readonly string[] }
  | { readonly outcome: 'bad'; readonly faults: readonly RowFault[] }
  /** There is no such item to be changed or withdrawn. */
  | { readonly outcome: 'absent' };

/** Throws NotPrimaryError elsewhere than at the primary. */
export async function editItem(context: SiteContext, key: DraftKey, sku: string, edit: ItemEdit): Promise<ItemEdited> {
  const { db, runtime } = context;
  const { topology } = await loadTopology(db, key.store);
  const { currency } = storeSettings(context, key.store);
  return db.transaction(async (tx) => {
    await requirePrimacy(tx, key.store, topology.epoch);
    const now = runtime.clock.now();
    const edited = await (edit.kind === 'withdraw'
      ? withdraw(tx, key, sku, now)
      : change(tx, key, sku, edit, { currency, groups: await groupNames(tx, key.store), now }));
    await fireOnChanges(context, tx, key);
    return edited;
  });
}

export async function itemInDraft(reads: Statements, key: DraftKey, sku: string): Promise<ItemInDraft> {
  const [entry] = await itemsInDraft(reads, key, [sku]);
  return entry ?? { sku, published: null, drafted: undefined, dated: [] };
}

async function withdraw(tx: Transaction, key: DraftKey, sku: string, now: number): Promise<ItemEdited> {
  const { unknown } = await draftWithdrawals(tx, key.store, key.catalog, [sku], now, key.draft);
  if (unknown.length > 0) return { outcome: 'absent' };
  return { outcome: 'drafted', entry: await itemInDraft(tx, key, sku), defaults: [] };
}

async function change(
  tx: Transaction,
  key: DraftKey,
  sku: string,
  { kind, texts }: Exclude<ItemEdit, { kind: 'withdraw' }>,
  { now, ...rules }: ItemRules & { now: number },
): Promise<ItemEdited> {
  const standing = withoutDates(await itemInDraft(tx, key, sku));
  if (kind === 'patch' && !standing) return { outcome: 'absent' };
  const whole = kind === 'patch' && standing ? textsOnTop(textsOf(standing, rules.groups), texts) : texts;
  const read = readItem(whole, JSON_NAMES, { row: 1, line: 1 }, rules);
  if ('faults' in read) return { outcome: 'bad', faults: read.faults };
  if ('withdrawn' in read) return withdraw(tx, key, sku, now);
  await draftEntries(tx, key, [read], now);
  return { outcome: 'drafted', entry: await itemInDraft(tx, key, sku), defaults: read.defaults };
}
