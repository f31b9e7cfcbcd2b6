/** The triggers of a catalogue's pushes, and which of them Temporal has not been told yet. */
import {
  type CatalogTrigger,
  type TriggerName,
  type TriggerSpec,
  type TriggerState,
} from '../../domain/catalog-triggers';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';

interface TriggerRow {
  catalog: string;
  trigger_name: string;
  draft: string;
  spec: string;
  state: TriggerState;
  version: number;
  updated_at: number;
}

const COLUMNS = 'catalog, trigger_name, draft, spec, state, version, updated_at';
const GONE = 'removed' satisfies TriggerState;

export interface StoredTrigger extends CatalogTrigger {
  readonly version: number;
  /** Milliseconds UTC. */
  readonly updatedAt: number;
}

function triggerOf(store: string, row: TriggerRow): StoredTrigger {
  return {
    ...{ store, catalog: row.catalog, trigger: row.trigger_name, draft: row.draft },
    ...{ spec: JSON.parse(row.spec) as TriggerSpec, state: row.state, version: row.version, updatedAt: row.updated_at },
  };
}

/** By name, without those that were removed. */
export async function listTriggers(reads: Statements, store: string, catalog: string): Promise<StoredTrigger[]> {
  const rows = await reads.all<TriggerRow>(
    `SELECT ${COLUMNS} FROM catalog_triggers WHERE store = ? AND catalog = ? AND state <> ? ORDER BY trigger_name`,
    [store, catalog, GONE],
  );
  return rows.map((row) => triggerOf(store, row));
}

export async function findTrigger(
  reads: Statements,
  { store, catalog, trigger }: TriggerName,
): Promise<StoredTrigger | undefined> {
  const row = await reads.get<TriggerRow>(
    `SELECT ${COLUMNS} FROM catalog_triggers WHERE store = ? AND catalog = ? AND trigger_name = ? AND state <> ?`,
    [store, catalog, trigger, GONE],
  );
  return row && triggerOf(store, row);
}

/** Sets the trigger anew, whatever it was. */
export async function setTrigger(tx: Transaction, trigger: CatalogTrigger, now: number): Promise<void> {
  const { store, catalog, trigger: name, draft, spec, state } = trigger;
  const key = ['store', 'catalog', 'trigger_name'];
  await insertRows(
    tx,
    'catalog_triggers',
    [...key, 'draft', 'spec', 'state', 'version', 'applied_version', 'updated_at'],
    [[store, catalog, name, draft, JSON.stringify(spec), state, 1, 0, now]],
    { key, update: ['draft', 'spec', 'state', 'updated_at'], add: ['version'] },
  );
}

/** Answers false for a trigger that is not there. */
export async function setTriggerState(
  tx: Transaction,
  { store, catalog, trigger }: TriggerName,
  state: TriggerState,
  now: number,
): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE catalog_triggers SET state = ?, version = version + 1, updated_at = ?
     WHERE store = ? AND catalog = ? AND trigger_name = ? AND state <> ?`,
    [state, now, store, catalog, trigger, GONE],
  );
  return changed > 0;
}

/** Those of which Temporal has not got the newest version. */
export async function untoldTriggers(reads: Statements, store: string): Promise<StoredTrigger[]> {
  const rows = await reads.all<TriggerRow>(
    `SELECT ${COLUMNS} FROM catalog_triggers WHERE store = ? AND applied_version < version ORDER BY catalog, trigger_name`,
    [store],
  );
  return rows.map((row) => triggerOf(store, row));
}

/** Temporal has that version; one that was removed is forgotten with it. */
export async function triggerTold(tx: Transaction, { store, catalog, trigger, version }: StoredTrigger): Promise<void> {
  const values = [store, catalog, trigger, version];
  await tx.run(
    `DELETE FROM catalog_triggers WHERE store = ? AND catalog = ? AND trigger_name = ? AND version = ? AND state = '${GONE}'`,
    values,
  );
  await tx.run(
    `UPDATE catalog_triggers SET applied_version = version
     WHERE store = ? AND catalog = ? AND trigger_name = ? AND version = ?`,
    values,
  );
}

/** A time that has come does not come again; Temporal's schedule has spent itself. */
export async function noteFired(tx: Transaction, name: TriggerName, now: number): Promise<void> {
  const found = await findTrigger(tx, name);
  if (found?.spec.kind === 'at' && found.state === 'active') await setTriggerState(tx, name, 'fired', now);
}
