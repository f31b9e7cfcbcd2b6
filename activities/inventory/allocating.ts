/** Who gets what of the pool: the same for an allocation and for its dry run (figure 8, step 802). */
import { ApplicationFailure } from '@temporalio/common';
import { levelsOf, poolLines, underWay } from '../../db/inventory';
import { type OwnTopology, loadTopology } from '../../db/topology';
import {
  type AllocationSharing,
  EQUALLY,
  INVENTORY_LINES_MAX,
  type ItemStock,
  NO_DEMAND,
  type Share,
  type StockLine,
  shareOut,
  withoutCentral,
} from '../../domain/inventory';
import { LINE_QUANTITY_MAX } from '../../domain/orders';
import { type Site, type Topology, childrenOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type AllocationRequest } from '../contract';
import { type DemandOfItems, countDemand, demandOfItems } from './demand';
import { askForOffer } from './neighbours';

/** What is shared out to whom, and how; the dry run has no request. */
export type AllocationTerms = Omit<AllocationRequest, 'epoch' | 'request'>;

/** What is known of the sites that share: their demand, and what each of them holds with those below it. */
export interface StockView {
  readonly demand: DemandOfItems;
  /** By site, then by item; a site that did not answer is absent. */
  readonly units: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const NOTHING_KNOWN: StockView = { demand: new Map(), units: new Map() };
/** How long a site may take to say what it holds, milliseconds. */
const LEVELS_WAIT_MS = 3_000;

function sharingOf({ sharing }: AllocationTerms): AllocationSharing {
  return sharing ?? { ...EQUALLY, only: false };
}

/** Among whom the pool is shared, and who of them gets its share now. Throws for a site that is no child of this one. */
export function takersOf(
  site: string,
  topology: Topology,
  terms: AllocationTerms,
): { readonly among: readonly string[]; readonly getting: readonly string[] } {
  const children = childrenOf(topology, site).map((child) => child.site);
  const stranger = terms.sites.find((taker) => !children.includes(taker));
  if (stranger !== undefined) {
    throw ApplicationFailure.nonRetryable(
      `site "${stranger}" is no child of "${site}" (children: ${children.join(', ') || 'none'})`,
      'UnknownSite',
    );
  }
  const named = terms.sites.length > 0 ? [...new Set(terms.sites)] : children;
  const withSelf = (takers: readonly string[]) => (terms.ownShare ? [...takers, site] : takers);
  return sharingOf(terms).only
    ? { among: withSelf(children), getting: terms.sites }
    : { among: withSelf(named), getting: withSelf(named) };
}

/** What the rule looks at, as it is now. Sites are asked over HTTP: not to be called in a transaction. */
export async function viewFor(context: SiteContext, terms: AllocationTerms): Promise<StockView> {
  const { by } = sharingOf(terms);
  if (by === 'equal' || by === 'shares') return NOTHING_KNOWN;
  const { db, site } = context;
  const { store } = terms;
  await countDemand(context, store);
  const own = await loadTopology(db, store);
  const children = childrenOf(own.topology, site);
  const skus = (await poolLines(db, store, terms.skus)).map(({ sku }) => sku);
  const sites = [...children.map((child) => child.site), site];
  const demand = await demandOfItems(context, db, store, skus, sites);
  return { demand, units: by === 'value' ? await unitsAt(context, own, children, skus) : new Map() };
}

async function unitsAt(
  context: SiteContext,
  own: OwnTopology,
  children: readonly Site[],
  skus: readonly string[],
): Promise<Map<string, Map<string, number>>> {
  const { db, site } = context;
  const { store } = own.topology;
  const reports = await Promise.all(children.map((child) => reportOf(context, own, child, skus)));
  const units = new Map<string, Map<string, number>>();
  children.forEach((child, index) => {
    const report = reports[index];
    if (report) units.set(child.site, unitsBySku(report));
  });
  units.set(site, unitsBySku((await levelsOf(db, store, skus)).own));
  for (const { taker, sku, quantity } of await underWay(db, store, site)) {
    const there = units.get(taker);
    there?.set(sku, (there.get(sku) ?? 0) + quantity);
  }
  return units;
}

function unitsBySku(lines: readonly StockLine[]): Map<string, number> {
  return new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
}

/** What a child and those below it hold: as it would offer it. Null when it does not answer in time. */
async function reportOf(
  context: SiteContext,
  { topology, site, incarnation }: OwnTopology,
  child: Site,
  skus: readonly string[],
): Promise<StockLine[] | null> {
  const settings = storeSettings(context, topology.store);
  const createdAt = context.runtime.clock.now();
  const held: StockLine[] = [];
  for (let start = 0; start < skus.length; start += INVENTORY_LINES_MAX) {
    const lines = skus
      .slice(start, start + INVENTORY_LINES_MAX)
      .map((sku): StockLine => ({ sku, quantity: LINE_QUANTITY_MAX }));
    const name = `levels-${child.site}-${createdAt}-${start}`;
    const question = { name, taker: site, takerIncarnation: incarnation, lines, createdAt };
    const offered = await askForOffer(context, settings, child, question, LEVELS_WAIT_MS);
    if (offered === null) return null;
    held.push(...offered);
  }
  return held;
}

/** What each taker gets; what is in no share stays in the pool, as central items do. */
export function sharesOf(
  context: SiteContext,
  topology: Topology,
  terms: AllocationTerms,
  pool: readonly StockLine[],
  view: StockView,
): Share[] {
  const { site } = context;
  const sharing = sharingOf(terms);
  const { among, getting } = takersOf(site, topology, terms);
  const sites = [...childrenOf(topology, site).map((child) => child.site), site];
  const { policy, central } = storeSettings(context, topology.store).inventory;
  const items = withoutCentral(central.items, pool).map((line) => itemStock(line, sites, view));
  return shareOut(sharing, items, among, policy).filter(({ taker }) => getting.includes(taker));
}

function itemStock({ sku, quantity }: StockLine, sites: readonly string[], { demand, units }: StockView): ItemStock {
  const ofItem = demand.get(sku);
  return {
    sku,
    pool: quantity,
    sites: sites.map((site) => {
      const there = units.get(site);
      return {
        ...{ site, units: there?.get(sku) ?? 0, reachable: there !== undefined },
        demand: ofItem?.get(site) ?? NO_DEMAND,
      };
    }),
  };
}

/** An allocation as it would be now; nothing is changed. */
export async function previewAllocation(
  context: SiteContext,
  terms: AllocationTerms,
): Promise<{ readonly pool: readonly StockLine[]; readonly shares: readonly Share[] }> {
  const { store } = terms;
  const view = await viewFor(context, terms);
  const { topology } = await loadTopology(context.db, store);
  const pool = await poolLines(context.db, store, terms.skus);
  return { pool, shares: sharesOf(context, topology, terms, pool, view) };
}
