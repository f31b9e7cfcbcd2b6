/** Brings the words of new revisions into the full-text index, after readers see them, and forgets those of old ones. */
import { type SiteContext } from '../activities/context';
import {
  type CatalogName,
  Indexing,
  IndexingTakenError,
  catalogsToIndex,
  isPushedFirst,
  sweepTexts,
} from '../db/catalog/indexing';
import { Pause } from './pause';

/** How often catalogues are looked at for a new revision. */
const LOOK_INTERVAL_MS = 500;
/** How often texts that nobody walks any more are swept. */
const SWEEP_INTERVAL_MS = 10 * 60_000;
/** After an error, how long until the next look. */
const RETRY_INTERVAL_MS = 5_000;

export class SearchIndexer {
  private stopping = false;
  private readonly pause = new Pause();
  private running: Promise<void> | undefined;
  private sweptAt = 0;

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
    while (!this.stopping) {
      const done = await this.look().catch((err: unknown) => {
        this.context.log.warn({ err }, 'the words of a catalogue could not be indexed; they are tried again');
        return false;
      });
      if (!this.stopping) await this.pause.wait(done ? LOOK_INTERVAL_MS : RETRY_INTERVAL_MS);
    }
  }

  private async look(): Promise<true> {
    const { db, runtime } = this.context;
    for (const name of await catalogsToIndex(db)) {
      if (!(await isPushedFirst(db, name, runtime.clock.now()))) await this.index(name);
    }
    const now = runtime.clock.now();
    if (now - this.sweptAt >= SWEEP_INTERVAL_MS) {
      await sweepTexts(db, now);
      this.sweptAt = now;
    }
    return true;
  }

  private async index(name: CatalogName): Promise<void> {
    const { db, runtime, log } = this.context;
    const began = runtime.clock.now();
    const indexing = await Indexing.begin(db, name, runtime.ids.uuid(), () => runtime.clock.now());
    if (indexing === null) return;
    const stopped = () => this.stopping;
    try {
      if (!(await indexing.run(stopped))) return;
      log.debug({ ...name, revision: indexing.target, durationMs: runtime.clock.now() - began }, 'words indexed');
    } catch (error) {
      if (!(error instanceof IndexingTakenError)) throw error;
      log.warn({ err: error }, 'another process has taken the indexing over');
    }
  }
}
