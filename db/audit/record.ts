/** Audits that were recorded: an event a run, so that a site's metrics can tell of the newest. */
import { type Database, type Statements } from '../database';
import { appendEvent } from '../events';
import { loadTopology } from '../topology';
import { ALL_SITES } from './transfers';

const SUBJECT = 'audit';

export interface RecordedAudit {
  readonly violations: number;
  /** Milliseconds UTC. */
  readonly at: number;
}

/** Leaves at every site what was found there; what belongs to no single site is left at the root. */
export async function recordAudit(
  sites: readonly { readonly db: Database }[],
  store: string,
  violationsBySite: Readonly<Record<string, number>>,
  at: number,
): Promise<void> {
  for (const { db } of sites) {
    const { topology, site } = await loadTopology(db, store);
    const common = topology.primary === site ? (violationsBySite[ALL_SITES] ?? 0) : 0;
    const violations = (violationsBySite[site] ?? 0) + common;
    await db.transaction((tx) => appendEvent(tx, store, SUBJECT, 'audited', { violations }, at));
  }
}

/** The newest audit that was recorded at this site. */
export async function lastAudit(reads: Statements, store: string): Promise<RecordedAudit | null> {
  const row = await reads.get<{ data: string; occurred_at: number }>(
    'SELECT data, occurred_at FROM events WHERE store = ? AND subject = ? ORDER BY sequence DESC LIMIT 1',
    [store, SUBJECT],
  );
  return row ? { violations: Number((JSON.parse(row.data) as RecordedAudit).violations), at: row.occurred_at } : null;
}
