/** Work that is looked for again and again, with a wait in between. */
import { type SiteContext } from '../activities/context';
import { Pause } from '../activities/pause';

export interface RoundsOptions {
  /** Milliseconds between two rounds. */
  readonly everyMs: number;
  /** While a round is not done, the wait is `first`, then doubles up to `longest`, milliseconds. */
  readonly retryMs: { readonly first: number; readonly longest: number };
  /** True when all went as it should; it must not throw. What takes long ends early once it is `stopped`. */
  readonly round: (stopped: () => boolean) => Promise<boolean>;
}

export class Rounds {
  private stopping = false;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;

  constructor(private readonly options: RoundsOptions) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.pause.cut();
    await this.running;
  }

  private async run(): Promise<void> {
    const { everyMs, retryMs, round } = this.options;
    let retry = retryMs.first;
    while (!this.stopping) {
      const done = await round(() => this.stopping);
      const wait = done ? everyMs : retry;
      retry = done ? retryMs.first : Math.min(retry * 2, retryMs.longest);
      if (!this.stopping) await this.pause.wait(wait);
    }
  }
}

/** Rounds over the site's stores: what goes wrong with one is logged, and holds no other. */
export function storeRounds(
  context: SiteContext,
  waits: Pick<RoundsOptions, 'everyMs' | 'retryMs'>,
  /** What the log says of a store whose round has failed. */
  failed: string,
  round: (store: string, stopped: () => boolean) => Promise<boolean>,
): Rounds {
  return new Rounds({
    ...waits,
    async round(stopped) {
      let done = true;
      for (const store of context.stores.keys()) {
        try {
          done = (await round(store, stopped)) && done;
        } catch (err) {
          context.log.warn({ store, err }, failed);
          done = false;
        }
      }
      return done;
    },
  });
}
