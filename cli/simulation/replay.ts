/** Replays orders in their time against one policy (the rules: docs/inventory.md). */
import { POLICY_DEFAULTS, type PolicyParameters } from '../../domain/inventory';
import { Links } from './links';
import { type OrderBook, type SimulatedOrder } from './order-file';
import { type PolicyName, policyOf } from './policies';
import { Receipts } from './receipts';
import { type Counts, type Move, World } from './world';

export interface Scenario {
  readonly policy: PolicyName;
  readonly sites: number;
  /** Receipts as a part of what was asked for in the four weeks before. */
  readonly fill: number;
  /** Share of time that each site is cut off. */
  readonly cut: number;
  readonly seed: number;
  /** When measuring begins, milliseconds since 1970 as if local time were UTC; earlier orders train. */
  readonly from: number;
  readonly parameters?: PolicyParameters;
  /** Sees every move of rights as it happens. */
  readonly onMove?: (move: Move) => void;
}

export interface Measures {
  /** Units served, of what one central stock serves with the same receipts. */
  readonly rel: number;
  /** Per 1,000 units served. */
  readonly messages: number;
  /** Units moved per unit served. */
  readonly moved: number;
  /** Lines short while stock exists elsewhere, of all lines. */
  readonly short: number;
  /** Units served by cut-off sites, of what the oracle serves of the same lines; null when no site was cut off. */
  readonly cut: number | null;
  /** Units the oracle serves, of those asked for. */
  readonly oracleFill: number;
}

export function replay({ orders, skus }: OrderBook, scenario: Scenario): Measures {
  return new Replay(orders, skus, scenario).run();
}

class Replay {
  private readonly world: World;
  private readonly links: Links;
  private readonly receipts: Receipts;
  private readonly policy: ReturnType<typeof policyOf>;
  private readonly siteWeights: readonly number[];
  /** By site: has it sold what its parent does not know of? */
  private readonly unreported: boolean[];

  constructor(
    private readonly orders: readonly SimulatedOrder[],
    skus: readonly string[],
    private readonly scenario: Scenario,
  ) {
    const { sites, cut, seed, from, parameters = POLICY_DEFAULTS, onMove = () => undefined } = scenario;
    this.links = new Links(sites, cut, seed, from);
    this.world = new World(skus, sites, this.links.up, parameters, orders[0]?.at ?? from, onMove);
    this.receipts = new Receipts(skus.length, scenario.fill, orders[0]?.at ?? from, from);
    this.policy = policyOf(scenario.policy, this.world);
    this.siteWeights = cumulativeWeights(sites - 1);
    this.unreported = this.world.sites.map(() => false);
  }

  run(): Measures {
    const { from } = this.scenario;
    let begun = false;
    for (const order of this.orders) {
      if (order.at >= from && !begun) {
        this.receipts.advance(from - 1, () => undefined);
        this.book(from, this.receipts.initial());
        begun = true;
      }
      if (begun) this.advance(order.at);
      else this.receipts.advance(order.at, () => undefined);
      this.world.now = order.at;
      const site = this.siteOf(order);
      if (begun) this.sell(site, order);
      for (const { item, quantity } of order.lines) {
        this.receipts.observe(item, quantity, order.at);
        this.world.demand.observe(this.world.sites[site] as string, item, quantity, order.at);
      }
    }
    return measuresOf(this.world.counts);
  }

  /** Lets happen what happens before the order: receipts on Mondays, links that change. */
  private advance(until: number): void {
    this.receipts.advance(until, (at, quantities) => {
      this.changeLinks(at);
      this.book(at, quantities);
    });
    this.changeLinks(until);
  }

  private changeLinks(until: number): void {
    for (let change = this.links.nextChange(until); change; change = this.links.nextChange(until)) {
      this.links.change(change);
      this.world.now = change.at;
      if (!this.links.up[change.site]) continue;
      if (this.unreported[change.site]) this.world.message(1);
      this.unreported[change.site] = false;
      this.policy.reconnected(change.site);
    }
  }

  private book(at: number, quantities: Int32Array): void {
    this.world.now = at;
    quantities.forEach((quantity, item) => this.world.receive(item, quantity));
    this.policy.received();
    quantities.forEach((_, item) => this.world.requireConserved(item));
  }

  private sell(site: number, { lines }: SimulatedOrder): void {
    this.policy.beforeSale(site, lines);
    for (const { item, quantity } of lines) this.world.sell(site, item, quantity);
    if (!this.links.up[site]) this.unreported[site] = true;
    this.policy.afterSale(site);
    for (const { item } of lines) this.world.requireConserved(item);
  }

  private siteOf({ abroad, buyer }: SimulatedOrder): number {
    const last = this.world.sites.length - 1;
    if (abroad || last === 0) return last;
    const found = this.siteWeights.findIndex((weight) => buyer < weight);
    return found < 0 ? last - 1 : found;
  }
}

/** Weights 1/(k + 1), summed up and scaled to 1. */
function cumulativeWeights(sites: number): number[] {
  const weights = Array.from({ length: sites }, (_, site) => 1 / (site + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  let reached = 0;
  return weights.map((weight) => (reached += weight / sum));
}

function measuresOf(counts: Counts): Measures {
  const { served, oracleServed, offered, lines, shortLines, messages, moved, servedCutOff, oracleServedCutOff } =
    counts;
  return {
    rel: ratio(served, oracleServed),
    messages: ratio(messages * 1000, served),
    moved: ratio(moved, served),
    short: ratio(shortLines, lines),
    cut: oracleServedCutOff > 0 ? servedCutOff / oracleServedCutOff : null,
    oracleFill: ratio(oracleServed, offered),
  };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
