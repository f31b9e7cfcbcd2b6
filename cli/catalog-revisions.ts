/** `entrepot catalog revisions|items|diff|restore`. */
import { type CatalogOptions } from './catalog';
import { catalogApi, describeChange, describeDraft } from './catalog-drafts';
import { formatNumberOf, formatTime, print, printJson, printList } from './output';

export type ListOptions = CatalogOptions & { readonly limit: number };

export async function runRevisions(options: ListOptions): Promise<void> {
  const revisions = await catalogApi(options).revisions(options.limit);
  printList(
    options.json,
    revisions,
    ['revision', 'after', 'items', 'published'],
    revisions.map(({ revision, base, items, publishedAt }) => [revision, base, items, formatTime(publishedAt)]),
    'nothing was published here yet',
  );
}

export async function runRevisionItems(revision: string, options: ListOptions): Promise<void> {
  const items = await catalogApi(options).revisionItems(revision, options.limit);
  printList(
    options.json,
    items,
    ['sku', 'description', { title: 'price', align: 'right' }, 'unit', 'audience'],
    items.map(({ sku, description, price, unitOfMeasure, audience }) => [
      ...[sku, description, `${price.amount} ${price.currency}`, unitOfMeasure],
      audience === '' ? 'everyone' : audience,
    ]),
    'the revision holds no item',
  );
}

export async function runDiff(from: string, to: string | undefined, options: ListOptions): Promise<void> {
  const changes = await catalogApi(options).diff(from, to, options.limit);
  if (options.json) return printJson(changes);
  const summary = `${formatNumberOf(changes.length, 'item differs', 'items differ')} between ${from} and ${to ?? 'the newest'}`;
  print([summary, ...changes.flatMap(describeChange)].join('\n'));
}

export async function runRestore(revision: string, options: CatalogOptions): Promise<void> {
  const draft = await catalogApi(options).restore(revision);
  if (options.json) return printJson(draft);
  print(describeDraft(draft));
  print(
    `look at it with "entrepot catalog preview --draft ${draft.draft}", then "entrepot catalog push --draft ${draft.draft}"`,
  );
}
