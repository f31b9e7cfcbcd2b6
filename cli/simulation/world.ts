/** The stock of a simulated store: rights by site and item, the pool, and beside it one central stock, the oracle. */
import { type ItemStock, type PolicyParameters } from '../../domain/inventory';
import { DemandBook } from './demand-book';

/** The parent's pool, where a site's number stands otherwise. */
export const POOL = -1;

export interface Move {
  readonly at: number;
  readonly item: number;
  /** A site's number, or POOL. */
  readonly from: number;
  readonly to: number;
  readonly quantity: number;
}

export interface Counts {
  served: number;
  oracleServed: number;
  offered: number;
  lines: number;
  /** Lines short while stock exists elsewhere. */
  shortLines: number;
  messages: number;
  moved: number;
  servedCutOff: number;
  oracleServedCutOff: number;
}

export class World {
  now = 0;
  readonly sites: readonly string[];
  readonly demand: DemandBook;
  readonly counts: Counts = {
    ...{ served: 0, oracleServed: 0, offered: 0, lines: 0, shortLines: 0, messages: 0, moved: 0 },
    ...{ servedCutOff: 0, oracleServedCutOff: 0 },
  };
  private readonly pool: Int32Array;
  private readonly rights: Int32Array;
  private readonly oracle: Int32Array;
  private readonly served: Int32Array;
  private readonly oracleServed: Int32Array;

  constructor(
    readonly skus: readonly string[],
    siteCount: number,
    readonly reachable: readonly boolean[],
    readonly parameters: PolicyParameters,
    since: number,
    private readonly onMove: (move: Move) => void,
  ) {
    this.sites = Array.from({ length: siteCount }, (_, index) => `site-${index}`);
    this.demand = new DemandBook(this.sites, since, parameters.demand);
    this.pool = new Int32Array(skus.length);
    this.rights = new Int32Array(skus.length * siteCount);
    this.oracle = new Int32Array(skus.length);
    this.served = new Int32Array(skus.length);
    this.oracleServed = new Int32Array(skus.length);
  }

  /** Numbers of the sites whose link works. */
  reachableSites(): number[] {
    return this.sites.flatMap((_, site) => (this.reachable[site] ? [site] : []));
  }

  units(item: number, place: number): number {
    return (place === POOL ? this.pool[item] : this.rights[item * this.sites.length + place]) ?? 0;
  }

  /** Units of the item everywhere. */
  unitsEverywhere(item: number): number {
    let units = this.units(item, POOL);
    for (let site = 0; site < this.sites.length; site++) units += this.units(item, site);
    return units;
  }

  /** What the policy is shown of an item. */
  stockOf(item: number): ItemStock {
    const demand = this.demand.demandOf(item, this.now);
    return {
      sku: this.skus[item] as string,
      pool: this.units(item, POOL),
      sites: this.sites.map((site, index) => ({
        ...{ site, units: this.units(item, index), reachable: this.reachable[index] ?? false },
        demand: demand.get(site) ?? { unitsPerDay: 0, linesAbove: [] },
      })),
    };
  }

  receive(item: number, quantity: number): void {
    this.add(item, POOL, quantity);
    this.oracle[item] = (this.oracle[item] ?? 0) + quantity;
  }

  move(item: number, from: number, to: number, quantity: number): void {
    if (quantity <= 0) return;
    for (const place of [from, to]) {
      if (place !== POOL && !this.reachable[place]) {
        throw new Error(`${this.sites[place] ?? ''} is cut off: ${this.skus[item] ?? ''} can't be moved there or away`);
      }
    }
    this.add(item, from, -quantity);
    this.add(item, to, quantity);
    this.counts.moved += quantity;
    this.onMove({ at: this.now, item, from, to, quantity });
  }

  message(count: number): void {
    this.counts.messages += count;
  }

  /** One line is sold at the site, in part if need be, and at the oracle. */
  sell(site: number, item: number, quantity: number): void {
    const sold = Math.min(quantity, this.units(item, site));
    const oracleSold = Math.min(quantity, this.oracle[item] ?? 0);
    this.add(item, site, -sold);
    this.oracle[item] = (this.oracle[item] ?? 0) - oracleSold;
    this.served[item] = (this.served[item] ?? 0) + sold;
    this.oracleServed[item] = (this.oracleServed[item] ?? 0) + oracleSold;
    const { counts } = this;
    counts.lines++;
    counts.offered += quantity;
    counts.served += sold;
    counts.oracleServed += oracleSold;
    if (sold < quantity && this.unitsEverywhere(item) > 0) counts.shortLines++;
    if (!this.reachable[site]) {
      counts.servedCutOff += sold;
      counts.oracleServedCutOff += oracleSold;
    }
    this.requireConserved(item);
  }

  /** Rights of the sites + pool + served = oracle stock + oracle served. */
  requireConserved(item: number): void {
    const here = this.unitsEverywhere(item) + (this.served[item] ?? 0);
    const there = (this.oracle[item] ?? 0) + (this.oracleServed[item] ?? 0);
    if (here !== there) {
      throw new Error(`units of ${this.skus[item] ?? ''} were made or lost: ${here} here, ${there} at the oracle`);
    }
  }

  private add(item: number, place: number, quantity: number): void {
    const left = this.units(item, place) + quantity;
    if (left < 0)
      throw new Error(`${this.skus[item] ?? ''} would fall to ${left} units: a policy gave what was not there`);
    if (place === POOL) this.pool[item] = left;
    else this.rights[item * this.sites.length + place] = left;
  }
}
