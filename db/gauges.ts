/**
 * What a scrape of the metrics asks of a store's database. It comes every few seconds while buyers buy, so every
 * statement finds its rows by an index and reads few: the outbox may hold a hundred thousand orders.
 */
import { revisionsBehind } from '../domain/catalog';
import { isHeld } from '../domain/held';
import { type StockAccount, UNAVAILABLE_WAIT_MS, waitingItems } from '../domain/inventory';
import { type LookResult } from '../domain/workflow-inputs';
import { formatWorkflowId } from '../domain/workflow-ids';
import { listConfirmations } from './catalog/deliveries';
import { listHeads } from './catalog/heads';
import { marks } from './catalog/items';
import { type Statements } from './database';
import { lastAudit } from './audit/record';
import { answersSince, openReplenishment, sumRights } from './inventory';
import { countParked } from './orders';
import { openBatches } from './outbox';
import { type OwnTopology, loadTopology } from './topology';
import { findWorkflowRun } from './workflow-runs';

export interface HeldDeliveries {
  readonly kind: 'orders' | 'catalog' | 'stock';
  readonly count: number;
  /** Since when the oldest waits, milliseconds UTC; null when nothing does. */
  readonly since: number | null;
}

/** Of what this site gave: on its way, not answered by its taker, or given to data that are lost. */
const UNCREDITED = ['in-flight', 'in-doubt', 'stranded'] as const;
type Uncredited = (typeof UNCREDITED)[number];

interface OpenTransfers {
  readonly state: Uncredited;
  readonly count: number;
  readonly units: number;
}

interface ReplenishmentGauges {
  /** Items below their threshold at the site's last look; null before the first. */
  readonly short: number | null;
  /** Items that the parent was asked for and has not answered, and since when, milliseconds UTC. */
  readonly asked: number;
  readonly since: number | null;
  /** Items of which the parent has said lately that there are none. */
  readonly unavailable: number;
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
  readonly transfers: readonly OpenTransfers[];
  readonly replenishment: ReplenishmentGauges;
  readonly lags: readonly { readonly catalog: string; readonly receiver: string; readonly revisions: number }[];
  readonly audit: { readonly violations: number; readonly at: number } | null;
}

/** `now` is milliseconds UTC. */
export async function readGauges(reads: Statements, store: string, now: number): Promise<StoreGauges> {
  const own = await loadTopology(reads, store);
  const confirmations = await listConfirmations(reads, store);
  const heads = new Map((await listHeads(reads, store)).map(({ catalog, revision }) => [catalog, revision]));
  const given = await uncreditedTransfers(reads, store, own.site);
  const transfers = given.filter(({ state }) => state !== 'stranded').map(({ createdAt }) => createdAt);
  const orders = (await openBatches(reads, store)).map(({ batchedAt }) => batchedAt).filter((at) => isHeld(at, now));
  const catalogs = confirmations.filter(({ state }) => state === 'held').map((row) => row.heldSince ?? row.updatedAt);
  return {
    epoch: own.topology.epoch,
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
    transfers: UNCREDITED.map((state) => {
      const there = given.filter((transfer) => transfer.state === state);
      return { state, count: there.length, units: there.reduce((sum, { units }) => sum + units, 0) };
    }),
    replenishment: await replenishmentOf(reads, own, now),
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

/** Transfers that the site gave and nobody has credited. */
async function uncreditedTransfers(
  reads: Statements,
  store: string,
  site: string,
): Promise<{ readonly state: Uncredited; readonly createdAt: number; readonly units: number }[]> {
  const rows = await reads.all<{ state: Uncredited; created_at: number; units: number }>(
    `SELECT state, created_at, (SELECT COALESCE(SUM(quantity), 0) FROM transfer_lines l WHERE l.store = t.store
       AND l.giver = t.giver AND l.giver_incarnation = t.giver_incarnation AND l.sequence = t.sequence) AS units
     FROM transfers t WHERE store = ? AND state IN (${marks(UNCREDITED.length)}) AND giver = ?`,
    [store, ...UNCREDITED, site],
  );
  return rows.map(({ state, created_at: createdAt, units }) => ({ state, createdAt, units }));
}

async function replenishmentOf(
  reads: Statements,
  { topology: { store }, site }: OwnTopology,
  now: number,
): Promise<ReplenishmentGauges> {
  const open = await openReplenishment(reads, store);
  const said = await answersSince(reads, store, now - UNAVAILABLE_WAIT_MS);
  // To compare all items with their thresholds takes too long for a scrape: the site's own looks do.
  const looks = await findWorkflowRun(reads, store, formatWorkflowId('inventoryReplenishment', { store, site }));
  return {
    short: (looks?.result as LookResult | null | undefined)?.short ?? null,
    ...{ asked: open?.lines.length ?? 0, since: open?.createdAt ?? null, unavailable: waitingItems(said).size },
  };
}
