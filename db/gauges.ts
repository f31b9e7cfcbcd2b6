/**
 * What a scrape of the metrics asks of a store's database. It comes every few seconds while buyers buy, so every
 * statement finds its rows by an index and reads few: the outbox may hold a hundred thousand orders.
 */
import { revisionsBehind } from '../domain/catalog';
import { isHeld } from '../domain/held';
import { type StockAccount } from '../domain/inventory';
import { listConfirmations } from './catalog/deliveries';
import { listHeads } from './catalog/heads';
import { type Statements } from './database';
import { lastAudit } from './audit/record';
import { sumRights } from './inventory';
import { countParked } from './orders';
import { openBatches } from './outbox';
import { loadTopology } from './topology';

export interface HeldDeliveries {
  readonly kind: 'orders' | 'catalog' | 'stock';
  readonly count: number;
  /** Since when the oldest waits, milliseconds UTC; null when nothing does. */
  readonly since: number | null;
}

export interface StoreGauges {
  readonly epoch: number;
  /** When the oldest entry came into the outbox, milliseconds UTC; null when it is empty. */
  readonly outboxSince: number | null;
  readonly held: readonly HeldDeliveries[];
  readonly parked: number;
  readonly rights: Readonly<Record<StockAccount, number>>;
  /** When the oldest transfer that this site gave and nobody confirmed left, milliseconds UTC. */
  readonly transferSince: number | null;
  readonly lags: readonly { readonly catalog: string; readonly receiver: string; readonly revisions: number }[];
  readonly audit: { readonly violations: number; readonly at: number } | null;
}

/** `now` is milliseconds UTC. */
export async function readGauges(reads: Statements, store: string, now: number): Promise<StoreGauges> {
  const { topology, site } = await loadTopology(reads, store);
  const confirmations = await listConfirmations(reads, store);
  const heads = new Map((await listHeads(reads, store)).map(({ catalog, revision }) => [catalog, revision]));
  const transfers = await unsettledTransfers(reads, store, site);
  const orders = (await openBatches(reads, store)).map(({ batchedAt }) => batchedAt).filter((at) => isHeld(at, now));
  const catalogs = confirmations.filter(({ state }) => state === 'held').map((row) => row.heldSince ?? row.updatedAt);
  return {
    epoch: topology.epoch,
    outboxSince: await outboxSince(reads, store),
    held: [
      heldOf('orders', orders),
      heldOf('catalog', catalogs),
      heldOf(
        'stock',
        transfers.filter((at) => isHeld(at, now)),
      ),
    ],
    parked: (await countParked(reads, store)).count + confirmations.filter(({ state }) => state === 'parked').length,
    rights: await sumRights(reads, store),
    transferSince: earliest(transfers),
    lags: confirmations.map(({ catalog, site: receiver, revision }) => ({
      ...{ catalog, receiver, revisions: revisionsBehind(heads.get(catalog) ?? revision, revision) },
    })),
    audit: await lastAudit(reads, store),
  };
}

function heldOf(kind: HeldDeliveries['kind'], since: readonly number[]): HeldDeliveries {
  return { kind, count: since.length, since: earliest(since) };
}

function earliest(times: readonly number[]): number | null {
  return times.length === 0 ? null : times.reduce((first, time) => Math.min(first, time));
}

/** Ids begin with the time, so the first row is the oldest. */
async function outboxSince(reads: Statements, store: string): Promise<number | null> {
  const row = await reads.get<{ created_at: number }>(
    'SELECT created_at FROM outbox WHERE store = ? ORDER BY outbox_id LIMIT 1',
    [store],
  );
  return row?.created_at ?? null;
}

/** When each transfer that the site gave, and that nobody has confirmed, left; without a look at its lines. */
async function unsettledTransfers(reads: Statements, store: string, site: string): Promise<number[]> {
  const rows = await reads.all<{ created_at: number }>(
    "SELECT created_at FROM transfers WHERE store = ? AND state IN ('in-flight', 'in-doubt') AND giver = ?",
    [store, site],
  );
  return rows.map((row) => row.created_at);
}
