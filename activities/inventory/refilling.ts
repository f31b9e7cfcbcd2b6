/** What a parent gives a child beside a loan, out of its pool: the exchange takes place anyway (decision 35). */
import { type OwnTopology } from '../../db/topology';
import { type StockLine, refills, withoutCentral } from '../../domain/inventory';
import { childrenOf } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { demandOfItems } from './demand';

/** Of what the pool still has of the items that were asked for: what is worth more at the child. */
export type Refill = (left: readonly StockLine[]) => readonly StockLine[];

const NO_REFILL: Refill = () => [];

/**
 * For a child that asks for itself; demand is read here, so that no transaction waits for it. What the other sites hold
 * the parent does not know at this moment: it takes them to have nothing, and so keeps rather more for them.
 */
export async function refillFor(
  context: SiteContext,
  { store, inventory }: StoreSettings,
  { topology, site }: OwnTopology,
  { asker, taker, lines }: { readonly asker: string; readonly taker: string; readonly lines: readonly StockLine[] },
): Promise<Refill> {
  const children = childrenOf(topology, site).map((child) => child.site);
  if (!inventory.borrowing.refill || asker !== taker || !children.includes(taker)) return NO_REFILL;
  const skus = withoutCentral(inventory.central.items, lines).map(({ sku }) => sku);
  const demand = await demandOfItems(context, context.db, store, skus, [...children, site]);
  return (left) => {
    const items = left.flatMap(({ sku, quantity: pool }) => {
      const sites = [...(demand.get(sku) ?? [])].map(([at, asked]) => ({
        ...{ site: at, units: 0, reachable: true, demand: asked },
      }));
      return sites.length === 0 ? [] : [{ sku, pool, sites }];
    });
    return refills(items, taker, inventory.policy);
  };
}
