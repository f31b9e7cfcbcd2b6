/** What stands between reading a document and staging it: a few batches, so that neither waits for the other. */
import { type HashedItem } from '../../domain/catalog-digest';

/** Items and withdrawn skus that were read together, in the document's order. */
export interface Batch {
  readonly items: readonly HashedItem[];
  readonly withdrawn: readonly string[];
}

/** Batches read ahead: one is being read while the database takes another, and one lies between. */
const BATCHES_AHEAD_MAX = 2;

export class BatchQueue {
  private readonly waiting: Batch[] = [];
  private ended = false;
  private failure: { readonly error: unknown } | undefined;
  private awake: () => void = () => undefined;

  /** A queue of what is there already. */
  static of(...batches: Batch[]): BatchQueue {
    const queue = new BatchQueue();
    queue.waiting.push(...batches);
    queue.end();
    return queue;
  }

  /** Resolves when there is room for another; rejects with what whoever takes them has failed with. */
  async put(batch: Batch): Promise<void> {
    this.waiting.push(batch);
    this.awake();
    while (this.failure === undefined && this.waiting.length >= BATCHES_AHEAD_MAX) await this.change();
    if (this.failure) throw this.failure.error;
  }

  /** No more will come. */
  end(): void {
    this.ended = true;
    this.awake();
  }

  /** Nobody takes any more. */
  fail(error: unknown): void {
    this.failure = { error };
    this.awake();
  }

  /** The next, when it has come; undefined after the last. */
  async next(): Promise<Batch | undefined> {
    while (this.waiting.length === 0 && !this.ended) await this.change();
    return this.nextNow();
  }

  /** The next, if it has come. */
  nextNow(): Batch | undefined {
    const batch = this.waiting.shift();
    this.awake();
    return batch;
  }

  /** Never do both sides wait: one waits for an empty queue, the other for a full one. */
  private change(): Promise<void> {
    return new Promise((resolve) => (this.awake = resolve));
  }
}
