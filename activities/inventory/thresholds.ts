/** Rules of when an item is short, made units: anew from time to time, and at once where an operator sets one. */
import { type Statements } from '../../db/database';
import {
  type StoredThreshold,
  findThreshold,
  firstSale,
  itemsOfAccount,
  lastGrants,
  listThresholds,
  salesBySize,
  saveRule,
  saveUnits,
} from '../../db/inventory';
import { skusNow } from '../../db/catalog/browse';
import { loadTopology } from '../../db/topology';
import {
  type BasisPart,
  DAY_MS,
  type Demand,
  type ItemThreshold,
  type PolicyParameters,
  type ThresholdRule,
  basisOf,
  centralTest,
  demandOfSales,
  emergencyRule,
  itemThreshold,
} from '../../domain/inventory';
import { type SiteContext, type StoreSettings } from '../context';
import { intakeOf } from './transfer-documents';

/** Thresholds that one transaction writes: sales must not wait long for it. */
const WRITTEN_AT_ONCE_MAX = 1_000;

/** Demand at this site by item; of one item, or of all. */
export type MeasureDemand = (
  reads: Statements,
  store: string,
  now: number,
  parameters: PolicyParameters,
  sku?: string,
) => Promise<(sku: string) => Demand>;

/** What this site has sold itself, within the policy's memory. */
const demandOfOwnSales: MeasureDemand = async (reads, store, now, parameters, sku) => {
  const memory = now - parameters.demand.memoryDays * DAY_MS;
  const since = (await firstSale(reads, store, memory)) ?? now;
  const sales = await salesBySize(reads, store, memory, sku);
  return (item) => demandOfSales(sales.get(item) ?? [], since, now);
};

/** The one place that says what demand is measured by. */
const measureDemand: MeasureDemand = demandOfOwnSales;

const NO_DEMAND: Demand = demandOfSales([], 0, 0);
const NEVER_SHORT: ItemThreshold = { thresholdUnits: 0, refillUnits: 0 };

type UnitsOf = (sku: string, rule: ThresholdRule | null) => ItemThreshold;

/** What rules come to now; measures only what the rules need. */
async function unitsOfRules(
  { db, runtime }: SiteContext,
  { store, inventory }: StoreSettings,
  rules: readonly (ThresholdRule | null)[],
  sku?: string,
): Promise<UnitsOf> {
  const parts = new Set(rules.flatMap((rule): BasisPart[] => (rule ? [...basisOf(rule)] : [])));
  const { policy } = inventory;
  const grants = parts.has('lastGrant') ? await lastGrants(db, store, sku) : new Map<string, number>();
  const demand = parts.has('demand')
    ? await measureDemand(db, store, runtime.clock.now(), policy, sku)
    : () => NO_DEMAND;
  return (item, rule) =>
    rule === null
      ? NEVER_SHORT
      : itemThreshold(rule, { lastGrant: grants.get(item) ?? 0, demand: demand(item) }, policy);
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
  const usual = ruleOfStore(settings);
  const known = new Map((await listThresholds(db, store)).map((threshold) => [threshold.sku, threshold]));
  const ruleIn = rulesIn(settings);
  const ruleOf = (sku: string) => ruleIn(sku, known.get(sku)?.ownRule ?? null);
  const unitsOf = await unitsOfRules(context, settings, [usual, ...[...known.keys()].map(ruleOf)]);
  const kept = usual ? await itemsOfAccount(db, store, intakeOf(await loadTopology(db, store))) : [];
  const emergencies = await itemsForEmergencies(db, settings);
  const changed = [...new Set([...known.keys(), ...kept, ...emergencies])]
    .map((sku) => ({ sku, ...unitsOf(sku, ruleOf(sku)) }))
    .filter(({ sku, thresholdUnits, refillUnits }) => {
      const before = known.get(sku) ?? NEVER_SHORT;
      return before.thresholdUnits !== thresholdUnits || before.refillUnits !== refillUnits;
    });
  for (let start = 0; start < changed.length; start += WRITTEN_AT_ONCE_MAX) {
    await db.transaction((tx) => saveUnits(tx, store, changed.slice(start, start + WRITTEN_AT_ONCE_MAX)));
  }
  log.info({ store, items: known.size, changed: changed.length }, 'thresholds measured');
  return changed.length;
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
  const rule = rulesIn(settings)(sku, ownRule);
  const units = (await unitsOfRules(context, settings, [rule], sku))(sku, rule);
  const threshold = { sku, ...units, ownRule };
  await db.transaction((tx) => saveRule(tx, store, threshold));
  log.info({ store, sku, units: units.thresholdUnits }, 'threshold set');
  return (await findThreshold(db, store, sku)) ?? threshold;
}
