/** What the policy looks at: one item's units and demand everywhere, as the parent knows them. */
import { type Demand } from './demand';

export interface SiteStock {
  readonly site: string;
  readonly units: number;
  /** Does its link work? What a cut-off site holds can't be moved. */
  readonly reachable: boolean;
  readonly demand: Demand;
}

export interface ItemStock {
  readonly sku: string;
  /** Units that the parent keeps to grant; what it sells itself stands among the sites, under its own name. */
  readonly pool: number;
  readonly sites: readonly SiteStock[];
}
