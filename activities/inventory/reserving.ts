/** Central mode at the order step: what a site sells without asking, and what it reserves at the primary first. */
import { findBorrowing, wantedNow } from '../../db/inventory';
import { type Statements } from '../../db/database';
import { type OwnTopology, loadTopology } from '../../db/topology';
import { type ShortLine, centralTest, lessOf, linesOfTransfers, reservedAndLeft } from '../../domain/inventory';
import { parentOf } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';

/** The primary sells what it holds, central or not. */
function isElsewhere({ topology, site }: OwnTopology): boolean {
  return parentOf(topology, site) !== null;
}

/**
 * Units by sku that an order may have before anybody is asked, of what is there: of central items only what earlier
 * orders have reserved and not used. So what an order lacks of them is what it reserves.
 */
export async function availableBeforeAsking(
  { db, runtime }: SiteContext,
  { store, inventory: { central } }: StoreSettings,
  there: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const skus = [...there.keys()].filter(centralTest(central.items));
  if (skus.length === 0 || !isElsewhere(await loadTopology(db, store))) return there;
  const waitedFor = await wantedNow(db, store, skus, runtime.clock.now());
  const available = new Map(there);
  for (const sku of skus) {
    available.set(sku, reservedAndLeft(there.get(sku) ?? 0, waitedFor.get(sku) ?? 0, central));
  }
  return available;
}

/** What was borrowed for an order so far. */
export interface Asked {
  /** The last one's name. */
  readonly borrowing: string;
  readonly times: number;
  /** How long the buyer may be let wait, milliseconds UTC. */
  readonly deadline: number;
}

/** An order asks no oftener, however often others take what it has reserved. */
const RESERVATIONS_MAX = 3;

async function centralOf(
  reads: Statements,
  { store, inventory: { central } }: StoreSettings,
  short: readonly ShortLine[],
): Promise<string[]> {
  const skus = short.map(({ sku }) => sku).filter(centralTest(central.items));
  return skus.length > 0 && isElsewhere(await loadTopology(reads, store)) ? skus : [];
}

/**
 * Another order here was quicker, and has what the primary has given for this one: it may ask again for what it lacks.
 * What the primary has not given it does not have.
 */
export async function wasTaken(
  { db, runtime }: SiteContext,
  settings: StoreSettings,
  { borrowing, times, deadline }: Asked,
  short: readonly ShortLine[],
): Promise<boolean> {
  if (times >= RESERVATIONS_MAX || runtime.clock.now() >= deadline) return false;
  const skus = await centralOf(db, settings, short);
  if (skus.length === 0) return false;
  const made = await findBorrowing(db, settings.store, borrowing);
  if (!made?.answer) return false;
  const notGiven = new Set(lessOf(made.lines, linesOfTransfers(made.answer)).map(({ sku }) => sku));
  return skus.some((sku) => !notGiven.has(sku));
}

/** Central items that an order is short of because the primary has not answered: how many there are nobody knows here. */
export async function notReached(
  reads: Statements,
  settings: StoreSettings,
  short: readonly ShortLine[],
  asked: Asked | null,
): Promise<string[]> {
  const skus = await centralOf(reads, settings, short);
  if (skus.length === 0 || asked === null) return skus;
  const made = await findBorrowing(reads, settings.store, asked.borrowing);
  return made?.answer ? [] : skus;
}
