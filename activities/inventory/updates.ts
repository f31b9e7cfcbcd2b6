/** Unsolicited changes of a site's stock (figure 13). */
import {
  type StockUpdate,
  UpdateConflictError,
  applyUpdate,
  noteUpdate,
  recordUpdate,
  thereOf,
} from '../../db/inventory';
import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { type Transaction } from '../../db/database';
import { type OwnTopology, loadTopology } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import {
  type UpdateResult,
  changeOf,
  intakeOf,
  isForLostData,
  lessOf,
  recallCause,
  unitsOf,
} from '../../domain/inventory';
import { type Site, parentOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type AppliedUpdate, type PlannedTransfer, type SiteActivities } from '../contract';
import { giveNext, givenFor, planned } from './giving';

type UpdateActivities = Pick<SiteActivities, 'applyInventoryUpdate' | 'recordInventoryUpdate'>;

/** No retry makes another content the same. */
const UPDATE_CONFLICT = 'UpdateConflict';

/** What makes two updates of one name the same. */
export function digestOfUpdate({ site, kind, lines }: Pick<StockUpdate, 'site' | 'kind' | 'lines'>): string {
  return createHash('sha256')
    .update(JSON.stringify([site, kind, lines]))
    .digest('hex');
}

export function updateActivities(context: SiteContext): UpdateActivities {
  const { db, runtime, log, site } = context;
  return {
    async applyInventoryUpdate({ store, update: updateId, kind, lines, incarnation = null }) {
      const update = { store, updateId, site, kind, lines, digest: digestOfUpdate({ site, kind, lines }) };
      try {
        const applied = await db.transaction((tx) => apply(context, tx, update, incarnation));
        log.info({ store, update: updateId, kind, short: unitsOf(applied.result.short) }, 'inventory updated');
        return applied;
      } catch (error) {
        if (!(error instanceof UpdateConflictError)) throw error;
        throw ApplicationFailure.nonRetryable(error.message, UPDATE_CONFLICT);
      }
    },

    async recordInventoryUpdate({ store, update, result }) {
      await db.transaction((tx) => recordUpdate(tx, store, update, result, runtime.clock.now()));
      if (result.short.length > 0) log.warn({ store, update, units: unitsOf(result.short) }, 'an update was short');
    },
  };
}

async function apply(
  context: SiteContext,
  tx: Transaction,
  update: StockUpdate,
  askedOf: number | null,
): Promise<AppliedUpdate> {
  const { store, updateId } = update;
  const now = context.runtime.clock.now();
  const known = await noteUpdate(tx, update, now);
  if (known.result) return { result: known.result, transfers: await recalledBefore(tx, store, updateId) };
  const own = await loadTopology(tx, store);
  const { topology, incarnation } = own;
  const at = { epoch: topology.epoch, incarnation, account: intakeOf(own), now };
  const applied = isForLostData(askedOf, incarnation)
    ? { result: notApplied(update), transfers: [] }
    : update.kind === 'recall'
      ? await recall(context, tx, own, update)
      : { result: await applyUpdate(tx, update, update.kind, at), transfers: [] };
  await recordUpdate(tx, store, updateId, applied.result, now);
  return applied;
}

/** Data that are lost may have applied it, and sold what it added: what is there now is counted anew. */
function notApplied({ kind, lines }: StockUpdate): UpdateResult {
  return { added: [], taken: [], short: changeOf(kind, lines).taken };
}

async function recalledBefore(tx: Transaction, store: string, updateId: string): Promise<PlannedTransfer[]> {
  return (await givenFor(tx, store, recallCause(updateId))).map(planned);
}

/** What there is of it goes back to the parent by a transfer. */
async function recall(
  context: SiteContext,
  tx: Transaction,
  own: OwnTopology,
  { store, updateId, lines: asked }: StockUpdate,
): Promise<AppliedUpdate> {
  const { topology, site } = own;
  const parent: Site | null = parentOf(topology, site);
  if (!parent) throw new TellableError(`site "${site}" has no parent that could recall its stock`);
  const { domain } = storeSettings(context, store);
  const now = context.runtime.clock.now();
  const wanted = changeOf('recall', asked).taken;
  const parts = await thereOf(tx, store, wanted);
  const transfers: PlannedTransfer[] = [];
  for (const { account, lines } of parts) {
    const to = { taker: parent.site, takerIncarnation: parent.incarnation, cause: recallCause(updateId) };
    const { transfer } = await giveNext(tx, own, account, { ...to, lines, domain, now });
    transfers.push(planned({ transfer, taker: parent.site, lines }));
  }
  const taken = parts.flatMap(({ lines }) => lines);
  const result: UpdateResult = { added: [], taken, short: lessOf(wanted, taken) };
  return { result, transfers };
}
