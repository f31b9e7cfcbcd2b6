/** What a simulated parent has measured by now; estimates are made anew once a day, from what was seen by then. */
import {
  DAY_MS,
  type Demand,
  type DemandParameters,
  type Tally,
  emptyTally,
  estimateDemand,
  tallyLines,
} from '../../domain/inventory';

export class DemandBook {
  private readonly items: Map<string, Tally>[] = [];
  private readonly store: Map<string, Tally>;
  private readonly estimates = new Map<number, { day: number; demand: ReadonlyMap<string, Demand> }>();

  constructor(
    sites: readonly string[],
    private readonly since: number,
    private readonly parameters: DemandParameters,
  ) {
    this.store = new Map(sites.map((site) => [site, emptyTally(since)]));
  }

  observe(site: string, item: number, quantity: number, at: number): void {
    const tallies = (this.items[item] ??= new Map());
    let tally = tallies.get(site);
    if (!tally) tallies.set(site, (tally = emptyTally(at)));
    tallyLines(tally, quantity, at, this.parameters);
    const ofSite = this.store.get(site);
    if (ofSite) tallyLines(ofSite, quantity, at, this.parameters);
  }

  demandOf(item: number, at: number): ReadonlyMap<string, Demand> {
    const day = Math.floor(at / DAY_MS);
    const known = this.estimates.get(item);
    if (known?.day === day) return known.demand;
    const store = { since: this.since, sites: this.store };
    const demand = estimateDemand(this.items[item] ?? new Map(), store, at, this.parameters);
    this.estimates.set(item, { day, demand });
    return demand;
  }
}
