/** Work that is looked for again and again, with a wait in between. */
import { Pause } from './pause';

export interface RoundsOptions {
  /** Milliseconds between two rounds. */
  readonly everyMs: number;
  /** While a round is not done, the wait doubles up to this, milliseconds. */
  readonly longestMs: number;
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
    const { everyMs, longestMs, round } = this.options;
    let wait = everyMs;
    while (!this.stopping) {
      const done = await round(() => this.stopping);
      wait = done ? everyMs : Math.min(wait * 2, longestMs);
      if (!this.stopping) await this.pause.wait(wait);
    }
  }
}
