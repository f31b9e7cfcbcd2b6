/** Rules of when an item is short, made units: anew from time to time, and at once where an operator sets one. */
import { setImmediate as turn } from 'node:timers/promises';
import {
  type StoredThreshold,
  findThreshold,
  itemsOfAccount,
  lastGrants,
  listThresholds,
  saveRule,
  saveUnits,
} from '../../db/inventory';
import { skusNow } from '../../db/catalog/browse';
import { type Statements } from '../../db/database';
import { loadTopology } from '../../db/topology';
import {
  type Demand,
  type ItemThreshold,
  NO_DEMAND,
  type ThresholdRule,
  basisOf,
  centralTest,
  emergencyRule,
  intakeOf,
  itemThreshold,
  sumOfDemand,
} from '../../domain/inventory';
import { childrenOf } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { countDemand, demandOfItems } from './demand';

/** Items measured, and written, at once: requests and sales must not wait long for it. */
const ITEMS_AT_ONCE_MAX = 1_000;

const NEVER_SHORT: ItemThreshold = { thresholdUnits: 0, refillUnits: 0 };

interface RuledItem {
  readonly sku: string;
  readonly rule: ThresholdRule | null;
}

/** What the rules need of what was granted, and of what is asked for; nothing that they don't need is read. */
class Measures {
  private grants: ReadonlyMap<string, number> = new Map();

  private constructor(
    private readonly context: SiteContext,
    private readonly settings: StoreSettings,
  ) {}

  static async take(
    context: SiteContext,
    settings: StoreSettings,
    items: readonly RuledItem[],
    sku?: string,
  ): Promise<Measures> {
    const { store } = settings;
    const measures = new Measures(context, settings);
    if (items.some(isMeasuredBy('lastGrant'))) measures.grants = await lastGrants(context.db, store, sku);
    if (items.some(isMeasuredBy('demand'))) await countDemand(context, store);
    return measures;
  }

  /** What the items' rules come to now. */
  async unitsOf(items: readonly RuledItem[]): Promise<(ItemThreshold & { readonly sku: string })[]> {
    const { policy } = this.settings.inventory;
    const demand = await this.demandOf(items.filter(isMeasuredBy('demand')).map(({ sku }) => sku));
    return items.map(({ sku, rule }) => {
      if (rule === null) return { sku, ...NEVER_SHORT };
      const basis = { lastGrant: this.grants.get(sku) ?? 0, demand: demand.get(sku) ?? NO_DEMAND };
      return { sku, ...itemThreshold(rule, basis, policy) };
    });
  }

  /** At this site and those below it, which its units are for. */
  private async demandOf(skus: readonly string[]): Promise<Map<string, Demand>> {
    if (skus.length === 0) return new Map();
    const { db, site } = this.context;
    const { store } = this.settings;
    const { topology } = await loadTopology(db, store);
    const sites = [site, ...childrenOf(topology, site).map((child) => child.site)];
    const demand = await demandOfItems(this.context, db, store, skus, sites);
    return new Map([...demand].map(([sku, bySite]) => [sku, sumOfDemand(bySite.values())]));
  }
}

function isMeasuredBy(part: 'lastGrant' | 'demand'): (item: RuledItem) => boolean {
  return ({ rule }) => rule !== null && basisOf(rule).has(part);
}

function ruleOfStore({ inventory }: StoreSettings): ThresholdRule | null {
  const { threshold, refillTo } = inventory.replenishment;
  return threshold ? { threshold, refillTo } : null;
}

/** The rule that holds for an item: of central ones always the store's. */
function rulesIn(settings: StoreSettings): (sku: string, ownRule: ThresholdRule | null) => ThresholdRule | null {
  const { central } = settings.inventory;
  const isCentral = centralTest(central.items);
  const usual = ruleOfStore(settings);
  return (sku, ownRule) => (isCentral(sku) ? emergencyRule(central) : (ownRule ?? usual));
}

/** Of which a site is to have some before it ever had any. */
async function itemsForEmergencies(
  reads: Statements,
  { store, inventory: { central } }: StoreSettings,
): Promise<readonly string[]> {
  if (central.emergencyUnits === 0 || central.items === 'none') return [];
  return central.items === 'all' ? skusNow(reads, store) : central.items;
}

/** Measures every item anew; answers how many thresholds have changed. */
export async function refreshThresholds(context: SiteContext, settings: StoreSettings): Promise<number> {
  const { db, log } = context;
  const { store } = settings;
  const known = new Map((await listThresholds(db, store)).map((threshold) => [threshold.sku, threshold]));
  const items = await ruledItems(context, settings, known);
  const measures = await Measures.take(context, settings, items);
  let changed = 0;
  for (let start = 0; start < items.length; start += ITEMS_AT_ONCE_MAX) {
    const measured = await measures.unitsOf(items.slice(start, start + ITEMS_AT_ONCE_MAX));
    const others = measured.filter(({ sku, thresholdUnits, refillUnits }) => {
      const before = known.get(sku) ?? NEVER_SHORT;
      return before.thresholdUnits !== thresholdUnits || before.refillUnits !== refillUnits;
    });
    if (others.length > 0) await db.transaction((tx) => saveUnits(tx, store, others));
    changed += others.length;
    await turn();
  }
  log.info({ store, items: items.length, changed }, 'thresholds measured');
  return changed;
}

/**
 * Items with a threshold; where the store has a rule for all, those that the site has or has had; and those kept for
 * emergencies.
 */
async function ruledItems(
  { db }: SiteContext,
  settings: StoreSettings,
  known: ReadonlyMap<string, StoredThreshold>,
): Promise<RuledItem[]> {
  const { store } = settings;
  const ruleOf = rulesIn(settings);
  const kept = ruleOfStore(settings) ? await itemsOfAccount(db, store, intakeOf(await loadTopology(db, store))) : [];
  const emergencies = await itemsForEmergencies(db, settings);
  return [...new Set([...known.keys(), ...kept, ...emergencies])].map((sku) => ({
    sku,
    rule: ruleOf(sku, known.get(sku)?.ownRule ?? null),
  }));
}

/** Sets one item's own rule; null: the store's holds for it again. Answers what it comes to. */
export async function setThreshold(
  context: SiteContext,
  settings: StoreSettings,
  sku: string,
  ownRule: ThresholdRule | null,
): Promise<StoredThreshold> {
  const { db, log } = context;
  const { store } = settings;
  const item = { sku, rule: rulesIn(settings)(sku, ownRule) };
  const measures = await Measures.take(context, settings, [item], sku);
  const [units = NEVER_SHORT] = await measures.unitsOf([item]);
  const threshold = { ...units, sku, ownRule };
  await db.transaction((tx) => saveRule(tx, store, threshold));
  log.info({ store, sku, units: units.thresholdUnits }, 'threshold set');
  return (await findThreshold(db, store, sku)) ?? threshold;
}
