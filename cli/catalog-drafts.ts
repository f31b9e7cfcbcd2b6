/** `entrepot catalog drafts|preview|discard|set|withdraw`. */
import { type DraftOptions, type CatalogOptions } from './catalog';
import {
  CatalogApi,
  type Draft,
  type DraftChange,
  type DraftItem,
  type ItemChange,
  type ItemValues,
} from './catalog-api';
import { wrongUsage } from './exit-codes';
import { formatNumberOf, formatTime, print, printJson, printList } from './output';
import { resolveTarget } from './target';

export type PreviewOptions = DraftOptions & { readonly limit: number };
export type SetOptions = DraftOptions & {
  readonly description?: string;
  readonly price?: string;
  readonly priceFrom?: string;
  readonly unit?: string;
  readonly classification?: string;
  readonly leadTime?: number;
  readonly audience?: string;
  readonly groupPrice?: readonly string[];
  readonly attribute?: readonly string[];
};

export function catalogApi(options: CatalogOptions): CatalogApi {
  return new CatalogApi(resolveTarget(options).target, options.catalog);
}

export async function runDrafts(options: CatalogOptions): Promise<void> {
  const drafts = await catalogApi(options).drafts();
  printList(
    options.json,
    drafts,
    ['draft', 'added', 'changed', 'withdrawn', 'due', 'waiting', 'last change'],
    drafts.map(({ draft, added, changed, withdrawn, due, waiting, updatedAt }) => [
      ...[draft, added, changed, withdrawn, due, waiting],
      formatTime(updatedAt),
    ]),
    'nothing is drafted',
  );
}

export async function runPreview(options: PreviewOptions): Promise<void> {
  const api = catalogApi(options);
  const [draft, changes] = [await api.draft(options.draft), await api.draftChanges(options.draft, options.limit)];
  if (options.json) printJson({ ...draft, items: changes });
  else print([describeDraft(draft), ...changes.flatMap(describeDraftChange)].join('\n'));
}

export async function runDiscard(options: DraftOptions): Promise<void> {
  const discarded = await catalogApi(options).discardDraft(options.draft);
  if (options.json) printJson({ discarded });
  else print(`draft ${options.draft} of ${options.catalog}: ${formatNumberOf(discarded, 'change')} thrown away`);
}

export async function runSet(sku: string, options: SetOptions): Promise<void> {
  const values = valuesOf(options);
  if (Object.keys(values).length === 0) throw wrongUsage('say what is to change: --price, --description, …');
  printItem(options, await catalogApi(options).setItem(options.draft, sku, values));
}

export async function runWithdraw(skus: readonly string[], options: DraftOptions): Promise<void> {
  const api = catalogApi(options);
  for (const sku of skus) printItem(options, await api.withdrawItem(options.draft, sku));
}

function printItem(options: DraftOptions, item: DraftItem): void {
  if (options.json) printJson(item);
  else {
    const defaults = item.defaults.map((name) => `  "${name}": a default stood in`);
    print([...describeDraftChange(item), ...defaults].join('\n'));
  }
}

function valuesOf(options: SetOptions): ItemValues {
  const { description, price, priceFrom, unit: unitOfMeasure, leadTime: leadTimeDays, audience } = options;
  const values = { description, price, priceFrom, unitOfMeasure, leadTimeDays, audience };
  const attributes = Object.fromEntries((options.attribute ?? []).map(attributeOf));
  return {
    ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
    ...(options.classification === undefined ? {} : { classification: classificationOf(options.classification) }),
    ...(options.attribute ? { attributes } : {}),
    ...(options.groupPrice ? { groupPrices: Object.fromEntries(options.groupPrice.map(groupPriceOf)) } : {}),
  };
}

/** "colour=blue"; "colour=" takes it away. */
function attributeOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw wrongUsage(`--attribute "${text}": give a name and a value, such as colour=blue`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** "gold=11.00" */
function groupPriceOf(text: string): [string, string] {
  const [group = '', amount = ''] = text.split('=');
  if (group === '' || amount === '')
    throw wrongUsage(`--group-price "${text}": give a group and its price, such as gold=11.00`);
  return [group, amount];
}

/** "UNSPSC:60141000" */
function classificationOf(text: string): { domain: string; code: string } {
  const [domain = '', code = ''] = text.split(':');
  if (domain === '' || code === '') {
    throw wrongUsage(`--classification "${text}": give a domain and a code, such as UNSPSC:60141000`);
  }
  return { domain, code };
}

export function describeDraft({ draft, added, changed, withdrawn, due, waiting }: Draft): string {
  const parts = [`${added} added`, `${changed} changed`, `${withdrawn} withdrawn`];
  const dated = [...(due > 0 ? [`${due} whose time has come`] : []), ...(waiting > 0 ? [`${waiting} waiting`] : [])];
  return `draft ${draft}: ${[...parts, ...dated].join(', ')}`;
}

/** A line an item, then one a value. */
export function describeChange({ sku, change, fields }: ItemChange): string[] {
  const values = fields.map(({ field, before, after }) => `    ${field}: ${quoted(before)} -> ${quoted(after)}`);
  return [`  ${change} ${sku}`, ...(change === 'changed' ? values : [])];
}

function describeDraftChange(item: DraftChange): string[] {
  const waiting = item.waiting.map(({ from, price }) => {
    return `    price: "${price.amount}" ${price.currency} from ${formatTime(from)} on`;
  });
  return [...describeChange(item), ...waiting];
}

function quoted(value: string | null): string {
  return value === null ? 'none' : `"${value}"`;
}
