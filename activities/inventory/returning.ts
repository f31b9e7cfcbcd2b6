/** Central mode: what a site has reserved and not used, or holds of an item since before it was central, goes back. */
import { lockRights, rightsNow, wantedNow } from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import { type OwnTopology, isNumbered, loadTopology } from '../../db/topology';
import {
  Expiry,
  INVENTORY_LINES_MAX,
  type StockAccount,
  type StockLine,
  intakeOf,
  partOf,
  surplusOf,
  unitsOf,
} from '../../domain/inventory';
import { findSite, parentOf } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { requestDelivery } from './carrying';
import { giveNext } from './giving';

/** Of one store at one site, by account. A process that starts anew begins to count anew. */
export type Expiries = Readonly<Record<StockAccount, Expiry>>;

export function newExpiries(): Expiries {
  return { own: new Expiry(), pool: new Expiry() };
}

/** One look: gives to the primary what has expired. Answers the units. */
export async function returnExpired(
  context: SiteContext,
  settings: StoreSettings,
  expiries: Expiries,
): Promise<number> {
  const { db, runtime, log } = context;
  const { store, inventory } = settings;
  if (inventory.central.items === 'none') return 0;
  const own = await loadTopology(db, store);
  if (!isNumbered(own) || parentOf(own.topology, own.site) === null) return 0;
  let units = 0;
  for (const account of ['pool', 'own'] as const) {
    const surplus = await surplusIn(context, settings, own, account, await held(context, settings, account));
    const expired = expiries[account].look(surplus, runtime.clock.now(), inventory.central);
    const lines = expired.slice(0, INVENTORY_LINES_MAX);
    if (lines.length > 0) units += await db.transaction((tx) => giveBack(context, settings, tx, account, lines));
  }
  if (units > 0) log.info({ store, units, to: own.topology.primary }, 'units of central items went back');
  return units;
}

async function held(
  { db }: SiteContext,
  { store, inventory: { central } }: StoreSettings,
  account: StockAccount,
): Promise<StockLine[]> {
  // Without names: every item.
  return rightsNow(db, store, account, typeof central.items === 'string' ? [] : central.items);
}

/** The share for emergencies lies where the parent's units come in. */
async function surplusIn(
  { db, runtime }: SiteContext,
  { store, inventory: { central } }: StoreSettings,
  own: OwnTopology,
  account: StockAccount,
  lines: readonly StockLine[],
  reads: Statements = db,
): Promise<StockLine[]> {
  const skus = lines.map(({ sku }) => sku);
  const waitedFor =
    account === 'own' ? await wantedNow(reads, store, skus, runtime.clock.now()) : new Map<string, number>();
  const emergencyUnits = account === intakeOf(own) ? central.emergencyUnits : 0;
  return surplusOf(lines, waitedFor, { ...central, emergencyUnits });
}

/** As much of it as is still there. */
async function giveBack(
  context: SiteContext,
  settings: StoreSettings,
  tx: Transaction,
  account: StockAccount,
  expired: readonly StockLine[],
): Promise<number> {
  const { store, domain } = settings;
  const own = await loadTopology(tx, store);
  const { topology } = own;
  const skus = expired.map(({ sku }) => sku);
  const there = await lockRights(tx, store, account, skus);
  const lines = partOf(expired, await surplusIn(context, settings, own, account, there, tx));
  if (lines.length === 0) return 0;
  const now = context.runtime.clock.now();
  const taker = topology.primary;
  const { incarnation: takerIncarnation } = findSite(topology, taker);
  const gift = { taker, takerIncarnation, cause: `expired:${context.runtime.ids.uuid()}`, lines, domain, now };
  const { transfer } = await giveNext(tx, own, account, gift);
  await requestDelivery(context, tx, own, { transfer, taker });
  return unitsOf(lines);
}
