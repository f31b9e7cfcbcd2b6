/** What a run of episodes says of itself, from its process to whoever started it. */
export interface RunReport {
  readonly seed: number;
  readonly episodes: number;
  readonly steps: number;
  readonly checks: number;
  readonly seconds: number;
  /** Of each episode, in its order. */
  readonly hashes: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly found: {
    readonly episode: number;
    readonly step: number;
    /** Null: no invariant was broken, something else failed. */
    readonly invariant: number | null;
    readonly detail: string;
    /** Seed, step, invariant and the last events of the item. */
    readonly text: string;
  } | null;
}
