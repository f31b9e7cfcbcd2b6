/** Buyers' requests under way in this process. Long work in the background gives way to them: it has time, they have not. */
import { Pause } from './pause';

/** How long a piece of such work waits at most, milliseconds, so that it ends where buyers never stop coming. */
const GIVE_WAY_MS = 30;

export class BuyersUnderWay {
  private count = 0;
  private readonly waiting = new Set<Pause>();

  /** A request has come; what is answered is to be called when it is over. */
  enter(): () => void {
    this.count++;
    return () => {
      if (--this.count > 0) return;
      for (const pause of this.waiting) pause.cut();
    };
  }

  /** Requests that have come and have no answer yet. */
  get underWay(): number {
    return this.count;
  }

  /** Resolves when no request is under way, at the latest after GIVE_WAY_MS. */
  async giveWay(): Promise<void> {
    if (this.count === 0) return;
    const pause = new Pause();
    this.waiting.add(pause);
    await pause.wait(GIVE_WAY_MS);
    this.waiting.delete(pause);
  }
}
