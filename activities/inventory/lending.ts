/** What a site gives of its own to an order that is short elsewhere, or says that it could give. */
import { grantToSelf, levelsOf, linesGrantedToSelf, lockRights, wantedBefore } from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import { type OwnTopology, isNumbered } from '../../db/topology';
import {
  type CentralItems,
  borrowingCause,
  type LentTransfer,
  lessOf,
  partOf,
  sumBySku,
  type StockLine,
  withoutCentral,
} from '../../domain/inventory';
import { parentOf } from '../../domain/sites';
import { giveNext, givenFor } from './giving';
import { type Refill } from './refilling';

export interface Lending {
  readonly store: string;
  /** The ask that is lent for. */
  readonly ask: string;
  readonly taker: string;
  readonly takerIncarnation: number;
  readonly lines: readonly StockLine[];
  /** The store's Internet domain. */
  readonly domain: string;
  readonly central: CentralItems;
  readonly refill: Refill;
  /** Milliseconds UTC. */
  readonly now: number;
}

/** What this site has done for an ask itself. */
export interface LentHere {
  readonly transfers: readonly LentTransfer[];
  /** For an order of its own: what its pool has given it. */
  readonly granted: readonly StockLine[];
}

/**
 * Gives as much as there is, from the pool first. Other orders that wait here for the same items, and began before, come
 * first. To be called once for an ask, in the transaction that writes it down.
 */
export async function lend(tx: Transaction, own: OwnTopology, lending: Lending): Promise<void> {
  // Without an incarnation there is no name for what it would give.
  if (!isNumbered(own)) return;
  if (lending.taker === own.site) return grantFromPool(tx, own, lending);
  const { store, ask, lines, central, refill, now } = lending;
  const skus = lines.map(({ sku }) => sku);
  const pool = await lockRights(tx, store, 'pool', skus);
  const fromPool = partOf(lines, pool);
  const besides = partOf(refill(lessOf(pool, fromPool)), lessOf(pool, fromPool));
  const wanted = await wantedBefore(tx, store, ask, skus, now);
  const spare = lessOf(lendableOf(own, central, await lockRights(tx, store, 'own', skus)), wanted);
  const fromOwn = partOf(lessOf(lines, fromPool), spare);
  const { taker, takerIncarnation, domain } = lending;
  const about = { taker, takerIncarnation, cause: borrowingCause(ask), domain, now };
  const ofPool = sumBySku([...fromPool, ...besides]);
  if (ofPool.length > 0) await giveNext(tx, own, 'pool', { ...about, lines: ofPool });
  if (fromOwn.length > 0) await giveNext(tx, own, 'own', { ...about, lines: fromOwn });
}

async function grantFromPool(tx: Transaction, own: OwnTopology, { store, ask, lines, now }: Lending): Promise<void> {
  const pool = await lockRights(
    tx,
    store,
    'pool',
    lines.map(({ sku }) => sku),
  );
  const { epoch } = own.topology;
  const grant = { store, request: borrowingCause(ask), cause: borrowingCause(ask), epoch, now };
  await grantToSelf(tx, { ...grant, incarnation: own.incarnation, lines: partOf(lines, pool) });
}

/** What `lend` has done for the ask. */
export async function lentHere(reads: Statements, store: string, ask: string): Promise<LentHere> {
  const cause = borrowingCause(ask);
  const transfers = (await givenFor(reads, store, cause)).map(({ taker: _, ...lent }) => lent);
  return { transfers, granted: await linesGrantedToSelf(reads, store, cause) };
}

/** Only the primary gives of items that are kept there: what another site has of them is for its own orders. */
export function lendableOf({ topology, site }: OwnTopology, central: CentralItems, held: StockLine[]): StockLine[] {
  return parentOf(topology, site) === null ? held : withoutCentral(central, held);
}

/** What `lend` could give now. */
export async function spareHere(
  reads: Statements,
  own: OwnTopology,
  { store, ask, lines, central, now }: Pick<Lending, 'store' | 'ask' | 'lines' | 'central' | 'now'>,
): Promise<StockLine[]> {
  const skus = lines.map(({ sku }) => sku);
  const levels = await levelsOf(reads, store, skus);
  const spare = lessOf(lendableOf(own, central, levels.own), await wantedBefore(reads, store, ask, skus, now));
  return partOf(lines, [...levels.pool, ...spare]);
}
