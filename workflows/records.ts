/** Notes for a database that may be away: written in order, beside the flow, and waited for at its end. */
import { log } from '@temporalio/workflow';

export class Records {
  private last: Promise<void> = Promise.resolve();

  /** Queues a note; the flow does not wait for it. */
  add(write: () => Promise<unknown>): void {
    this.last = this.last.then(write).then(
      () => undefined,
      // A note that its site refuses for good must not stop what it is about.
      (error: unknown) => log.error('a record was refused', { error: String(error) }),
    );
  }

  /** Resolves when every note so far is written. */
  async written(): Promise<void> {
    await this.last;
  }
}
