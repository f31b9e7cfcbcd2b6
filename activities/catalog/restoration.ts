/** Bringing an earlier revision back: what differs from it goes into a draft of its own, to be published like any. */
import { setImmediate as turn } from 'node:timers/promises';
import { isChange, touchedSkus, versionsAtBoth } from '../../db/catalog/changes';
import {
  type DraftKey,
  type DraftSummary,
  countDraft,
  discardDraft,
  draftItems,
  draftWithdrawals,
} from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { parseRevision } from '../../domain/catalog';
import { type SiteContext } from '../context';
import { fireOnChanges } from './count-changes';

/** Items compared at a time. */
const BATCH_ITEMS = 250;

/** The draft that brings a revision back. */
export function restorationDraft(revision: number): string {
  const { epoch, n } = parseRevision(revision);
  return `restore-${epoch}-${n}`;
}

/** Fills that draft anew, whatever it held; throws NotPrimaryError elsewhere than at the primary. */
export async function restoreRevision(
  context: SiteContext,
  { store, catalog, revision }: { store: string; catalog: string; revision: number },
): Promise<DraftSummary> {
  const { db, runtime } = context;
  const { topology } = await loadTopology(db, store);
  const key = { store, catalog, draft: restorationDraft(revision) };
  return db.transaction(async (tx) => {
    await requirePrimacy(tx, store, topology.epoch);
    const now = runtime.clock.now();
    await discardDraft(tx, key);
    await draftDifferences(tx, key, revision, now);
    await fireOnChanges(context, tx, key);
    return countDraft(tx, key, now);
  });
}

async function draftDifferences(tx: Transaction, key: DraftKey, revision: number, now: number): Promise<void> {
  const { store, catalog, draft } = key;
  const { revision: target } = await readHead(tx, store, catalog);
  const span = { store, catalog, base: revision, target };
  for (let after = ''; ;) {
    const touched = await touchedSkus(tx, span, BATCH_ITEMS, after);
    const changes = (await versionsAtBoth(tx, span, touched)).filter(isChange);
    const then = changes.flatMap(({ before }) => (before ? [before.item] : []));
    const since = changes.filter(({ before }) => before === null).map(({ sku }) => sku);
    await draftItems(tx, store, catalog, then, now, draft);
    await draftWithdrawals(tx, store, catalog, since, now, draft);
    if (touched.length < BATCH_ITEMS) return;
    after = touched.at(-1) ?? '';
    await turn();
  }
}
