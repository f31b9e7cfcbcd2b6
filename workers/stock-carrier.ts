/** Brings what this site has lent to its takers, as long as they have not confirmed it. */
import { carryLent } from '../activities/inventory/carrying';
import { type SiteContext } from '../activities/context';
import { Pause } from './pause';

/** How often what is on the way is looked at. */
const ROUND_INTERVAL_MS = 1_000;
/** While takers do not answer, the wait grows to this. */
const ROUND_INTERVAL_LONGEST_MS = 4_000;

export class StockCarrier {
  private stopping = false;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;

  constructor(private readonly context: SiteContext) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.pause.cut();
    await this.running;
  }

  private async run(): Promise<void> {
    let wait = ROUND_INTERVAL_MS;
    while (!this.stopping) {
      const done = await this.round();
      wait = done ? ROUND_INTERVAL_MS : Math.min(wait * 2, ROUND_INTERVAL_LONGEST_MS);
      if (!this.stopping) await this.pause.wait(wait);
    }
  }

  /** True when every taker that was asked has answered. */
  private async round(): Promise<boolean> {
    let done = true;
    for (const store of this.context.stores.keys()) {
      try {
        const { settled, left } = await carryLent(this.context, store);
        if (settled > 0) this.context.log.info({ store, settled, left }, 'lent stock confirmed');
        done &&= left === 0;
      } catch (err) {
        this.context.log.warn({ store, err }, 'lent stock could not be looked at; it is tried again');
        done = false;
      }
    }
    return done;
  }
}
