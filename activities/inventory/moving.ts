/** An operator moves units from this site to another. */
import { lockRights } from '../../db/inventory';
import { loadTopology, requireNumber } from '../../db/topology';
import { type ShortLine, type StockAccount, type StockLine, type TransferId, shortLines } from '../../domain/inventory';
import { findSite } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { requestDelivery } from './carrying';
import { giveNext } from './giving';

export interface Move {
  readonly request: string;
  readonly to: string;
  readonly account: StockAccount;
  readonly lines: readonly StockLine[];
}

export type Moved =
  | { readonly outcome: 'given'; readonly transfer: TransferId; readonly workflowId: string }
  /** Nothing was moved. */
  | { readonly outcome: 'short'; readonly short: readonly ShortLine[] };

/** Debits this site and asks for the workflow that brings the units to the other, in one transaction. */
export async function moveStock(context: SiteContext, settings: StoreSettings, move: Move): Promise<Moved> {
  const { db, runtime, log } = context;
  const { store, domain } = settings;
  const { request, to, account, lines } = move;
  const moved = await db.transaction(async (tx): Promise<Moved> => {
    const own = await loadTopology(tx, store);
    requireNumber(own);
    const skus = lines.map(({ sku }) => sku);
    const there = new Map((await lockRights(tx, store, account, skus)).map(({ sku, quantity }) => [sku, quantity]));
    const short = shortLines(lines, there);
    if (short.length > 0) return { outcome: 'short', short };
    const now = runtime.clock.now();
    const { incarnation: takerIncarnation } = findSite(own.topology, to);
    const gift = { taker: to, takerIncarnation, cause: `move:${request}`, lines, domain, now };
    const { transfer } = await giveNext(tx, own, account, gift);
    const workflowId = await requestDelivery(context, tx, own, { transfer, taker: to });
    return { outcome: 'given', transfer, workflowId };
  });
  log.info({ store, request, to, outcome: moved.outcome }, 'stock moved');
  return moved;
}
