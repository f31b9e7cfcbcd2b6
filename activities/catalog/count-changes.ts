/** Triggers that count: from the transaction that drafts the change that makes the number full. */
import { type DraftKey, countDraft } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { listTriggers } from '../../db/catalog/triggers';
import { type Transaction } from '../../db/database';
import { loadTopology } from '../../db/topology';
import { changesAwaited } from '../../domain/catalog-triggers';
import { type SiteContext } from '../context';
import { requestPush } from './send-on';

/** Asks for a push of the draft where a trigger says that it holds enough; once for the newest revision. */
export async function fireOnChanges(context: SiteContext, tx: Transaction, key: DraftKey): Promise<void> {
  const { store, catalog, draft } = key;
  const counting = (await listTriggers(tx, store, catalog)).flatMap((trigger) => {
    const awaited = trigger.draft === draft ? changesAwaited(trigger) : null;
    return awaited === null ? [] : [{ trigger: trigger.trigger, awaited }];
  });
  if (counting.length === 0) return;
  const { added, changed, withdrawn } = await countDraft(tx, key, context.runtime.clock.now());
  const firing = counting.filter(({ awaited }) => added + changed + withdrawn >= awaited);
  if (firing.length === 0) return;
  const { topology } = await loadTopology(tx, store);
  const { revision } = await readHead(tx, store, catalog);
  for (const { trigger } of firing) {
    const request = `${trigger}.${revision}`;
    await requestPush(context, tx, topology, { catalog, draft, request, requestedBy: `trigger:${trigger}` });
  }
}
