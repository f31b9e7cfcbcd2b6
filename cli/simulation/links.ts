/** When each site is cut off: alternating exponential times, each site apart, begun as if it had always been so. */
import { seededRandom } from '../random';

const MINUTE_MS = 60_000;
const CUT_MEAN_MS = 120 * MINUTE_MS;
/** Seeds of one run's sites lie apart, so that no two sites fail alike. */
const SEED_STEP = 7919;
const SEED_FACTOR = 1_000_003;

export interface Change {
  readonly site: number;
  readonly at: number;
}

export class Links {
  /** By site: does its link work now? */
  readonly up: boolean[];
  private readonly next: number[];
  private readonly random: (() => number)[];
  private readonly upMeanMs: number;

  /** `cut`: the share of time that a site is cut off, 0 to less than 1. */
  constructor(sites: number, cut: number, seed: number, from: number) {
    this.upMeanMs = (CUT_MEAN_MS * (1 - cut)) / cut;
    this.random = Array.from({ length: sites }, (_, site) => seededRandom(seed * SEED_FACTOR + site * SEED_STEP));
    this.up = this.random.map((random) => random() >= cut);
    this.next = this.random.map((_, site) => (cut > 0 ? from + this.duration(site) : Number.POSITIVE_INFINITY));
  }

  /** The next link to change, if one does by then. */
  nextChange(until: number): Change | null {
    let site = 0;
    this.next.forEach((at, index) => {
      if (at < (this.next[site] as number)) site = index;
    });
    const at = this.next[site] as number;
    return at <= until ? { site, at } : null;
  }

  change({ site, at }: Change): void {
    this.up[site] = !this.up[site];
    this.next[site] = at + this.duration(site);
  }

  private duration(site: number): number {
    const mean = this.up[site] ? this.upMeanMs : CUT_MEAN_MS;
    return -Math.log(1 - (this.random[site] as () => number)()) * mean;
  }
}
