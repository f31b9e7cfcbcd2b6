/** Policies that are simulated side by side; the last runs the functions that the live system runs. */
import {
  DAY_MS,
  type ItemStock,
  type Share,
  type StockLine,
  planBorrowing,
  rebalancing,
  shareByTraffic,
  shareEqually,
} from '../../domain/inventory';
import { type SimulatedOrder } from './order-file';
import { POOL, type World } from './world';

export type OrderLines = SimulatedOrder['lines'];

export interface Policy {
  /** New stock is in the pool, at midnight. */
  received(): void;
  /** A site's link works again. */
  reconnected(site: number): void;
  /** A site is about to sell the lines; what it has by then it sells. */
  beforeSale(site: number, lines: OrderLines): void;
  afterSale(site: number): void;
}

export const POLICIES = ['equal', 'traffic', 'ask', 'value'] as const;
export type PolicyName = (typeof POLICIES)[number];

export const POLICY_LABELS: Readonly<Record<PolicyName, string>> = {
  equal: 'equal split',
  traffic: 'split by traffic',
  ask: 'always ask the primary',
  value: 'by value, borrowing at the sale',
};

export function policyOf(name: PolicyName, world: World): Policy {
  switch (name) {
    case 'equal':
      return new SplitPolicy(world, (pool) => shareEqually(pool, world.sites), false);
    case 'traffic':
      return new SplitPolicy(world, (pool, items) => shareByTraffic(stocksWith(world, pool, items), world.sites), true);
    case 'ask':
      return new AskPolicy(world);
    case 'value':
      return new ValuePolicy(world);
  }
}

const MESSAGES_OF_AN_EXCHANGE = 2;
const MESSAGES_OF_A_REPORT = 1;

/** The items as they are, but with other quantities in the pool. */
function stocksWith(world: World, pool: readonly StockLine[], items: readonly number[]): ItemStock[] {
  return pool.map(({ quantity }, index) => ({ ...world.stockOf(items[index] as number), pool: quantity }));
}

/** Everything is shared out as it comes and never moved again; what is for a site that is cut off waits for it. */
class SplitPolicy implements Policy {
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly waiting: { item: number; quantity: number }[][];
  /** By site: the day of its last report of what it sold. */
  private readonly reported: number[];

  constructor(
    private readonly world: World,
    private readonly share: (pool: readonly StockLine[], items: readonly number[]) => readonly Share[],
    private readonly reports: boolean,
  ) {
    this.numbers = new Map(world.skus.map((sku, item) => [sku, item]));
    this.waiting = world.sites.map(() => []);
    this.reported = world.sites.map(() => -1);
  }

  received(): void {
    const fresh = this.freshItems();
    const pool = fresh.map(({ item, quantity }) => ({ sku: this.world.skus[item] as string, quantity }));
    const items = fresh.map(({ item }) => item);
    this.share(pool, items).forEach(({ lines }, site) => {
      for (const { sku, quantity } of lines) {
        this.waiting[site]?.push({ item: this.numbers.get(sku) as number, quantity });
      }
    });
    for (const site of this.world.reachableSites()) this.grant(site);
  }

  /** What is in the pool, without what waits for a site. */
  private freshItems(): { item: number; quantity: number }[] {
    const kept = new Map<number, number>();
    for (const { item, quantity } of this.waiting.flat()) kept.set(item, (kept.get(item) ?? 0) + quantity);
    return this.world.skus
      .map((_, item) => ({ item, quantity: this.world.units(item, POOL) - (kept.get(item) ?? 0) }))
      .filter(({ quantity }) => quantity > 0);
  }

  reconnected(site: number): void {
    this.grant(site);
  }

  beforeSale(): void {}

  afterSale(site: number): void {
    const day = Math.floor(this.world.now / DAY_MS);
    if (!this.reports || this.reported[site] === day || !this.world.reachable[site]) return;
    this.reported[site] = day;
    this.world.message(MESSAGES_OF_A_REPORT);
  }

  private grant(site: number): void {
    const granted = this.waiting[site] ?? [];
    this.waiting[site] = [];
    for (const { item, quantity } of granted) this.world.move(item, POOL, site, quantity);
    if (granted.length > 0) this.world.message(MESSAGES_OF_AN_EXCHANGE);
  }
}

/** Sites hold nothing: each order asks the primary for all its lines. */
class AskPolicy implements Policy {
  constructor(private readonly world: World) {}

  received(): void {}

  reconnected(): void {}

  beforeSale(site: number, lines: OrderLines): void {
    const { world } = this;
    if (!world.reachable[site]) return;
    world.message(MESSAGES_OF_AN_EXCHANGE);
    for (const { item, quantity } of lines) world.move(item, POOL, site, Math.min(quantity, world.units(item, POOL)));
  }

  afterSale(): void {}
}

/** The product's own: levelled by value, borrowing at the sale, each exchange refilling besides. */
class ValuePolicy implements Policy {
  private readonly numbers: ReadonlyMap<string, number>;
  /** By site: items sold since its last exchange, the only ones that may be nearly out. */
  private readonly sold: Set<number>[];
  /** By site: items of which the pool has got more while the site was cut off. */
  private readonly missed: Set<number>[];
  /** The exchange of the order under way refills when the order has taken its units. */
  private exchanged: { readonly givers: readonly number[]; readonly short: readonly number[] } | null = null;

  constructor(private readonly world: World) {
    this.numbers = new Map(world.skus.map((sku, item) => [sku, item]));
    this.sold = world.sites.map(() => new Set());
    this.missed = world.sites.map(() => new Set());
  }

  received(): void {
    this.rebalance(this.world.skus.keys(), this.world.reachableSites());
    this.world.reachable.forEach((reachable, site) => {
      if (!reachable) this.missed[site] = new Set(this.world.skus.keys());
    });
  }

  reconnected(site: number): void {
    this.rebalance(new Set([...(this.sold[site] ?? []), ...(this.missed[site] ?? [])]), [site]);
    this.missed[site]?.clear();
    this.sold[site]?.clear();
  }

  beforeSale(site: number, lines: OrderLines): void {
    const { world } = this;
    const wanted = new Map<number, number>();
    for (const { item, quantity } of lines) {
      wanted.set(item, (wanted.get(item) ?? 0) + quantity);
      this.sold[site]?.add(item);
    }
    this.exchanged = null;
    if (!world.reachable[site]) return;
    const short = [...wanted].filter(([item, quantity]) => quantity > world.units(item, site));
    const stocks = new Map(short.map(([item]) => [world.skus[item] as string, world.stockOf(item)]));
    const missing = short.map(([item, quantity]) => ({
      sku: world.skus[item] as string,
      quantity: quantity - world.units(item, site),
    }));
    const plan = planBorrowing({ asker: world.sites[site] as string, lines: missing }, stocks);
    // Nothing to be had: the parent's levels are known from the orders it gets, so nobody is asked.
    if (plan.fromPool.length === 0 && plan.givers.length === 0) return;
    this.take(POOL, site, plan.fromPool);
    const givers = plan.givers.map((giver) => world.sites.indexOf(giver.site));
    plan.givers.forEach(({ lines: given }, index) => this.take(givers[index] as number, site, given));
    world.message(MESSAGES_OF_AN_EXCHANGE * (1 + givers.length));
    this.exchanged = { givers, short: short.map(([item]) => item) };
  }

  afterSale(site: number): void {
    if (!this.exchanged) return;
    const { givers, short } = this.exchanged;
    for (const giver of givers) this.level(short, [giver]);
    this.level(this.sold[site] ?? [], [site]);
    this.sold[site]?.clear();
  }

  /** An exchange of its own with each site for which something moves. */
  private rebalance(items: Iterable<number>, sites: readonly number[]): void {
    this.world.message(MESSAGES_OF_AN_EXCHANGE * this.level(items, sites));
  }

  /** Levels the items between pool and sites; answers how many sites something moved for. */
  private level(items: Iterable<number>, sites: readonly number[]): number {
    const { world } = this;
    const stocks = [...items].filter((item) => this.movable(item, sites)).map((item) => world.stockOf(item));
    const names = sites.map((site) => world.sites[site] as string);
    const moves = rebalancing(stocks, names, world.parameters);
    moves.forEach(({ gives }, index) => this.take(sites[index] as number, POOL, gives));
    moves.forEach(({ gets }, index) => this.take(POOL, sites[index] as number, gets));
    return moves.filter(({ gives, gets }) => gives.length + gets.length > 0).length;
  }

  private movable(item: number, sites: readonly number[]): boolean {
    return this.world.units(item, POOL) > 0 || sites.some((site) => this.world.units(item, site) > 0);
  }

  private take(from: number, to: number, lines: readonly StockLine[]): void {
    for (const { sku, quantity } of lines) {
      const item = this.numbers.get(sku) as number;
      this.world.move(item, from, to, quantity);
      if (to === POOL) this.tellCutOff(item);
    }
  }

  private tellCutOff(item: number): void {
    this.missed.forEach((items, site) => {
      if (!this.world.reachable[site]) items.add(item);
    });
  }
}
