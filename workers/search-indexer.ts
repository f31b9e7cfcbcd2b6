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
import { loadTopology } from '../db/topology';
import { childrenOf } from '../domain/sites';
import { Rounds } from './rounds';

/** How often catalogues are looked at for a new revision; after an error, less often. */
const WAITS = { everyMs: 500, retryMs: { first: 5_000, longest: 5_000 } };
/** How often texts that nobody walks any more are swept. */
const SWEEP_INTERVAL_MS = 10 * 60_000;

export function searchIndexer(context: SiteContext): Rounds {
  const { db, runtime, log } = context;
  let sweptAt = 0;
  return new Rounds({
    ...WAITS,
    async round(stopped) {
      try {
        for (const name of await catalogsToIndex(db)) {
          if (!(await waitsForPush(context, name))) await index(context, name, stopped);
        }
        const now = runtime.clock.now();
        if (now - sweptAt >= SWEEP_INTERVAL_MS) {
          await sweepTexts(db, now);
          sweptAt = now;
        }
        return true;
      } catch (err) {
        log.warn({ err }, 'the words of a catalogue could not be indexed; they are tried again');
        return false;
      }
    },
  });
}

/** A site without children has nobody to push to. */
async function waitsForPush({ db, runtime }: SiteContext, name: CatalogName): Promise<boolean> {
  const { topology, site } = await loadTopology(db, name.store);
  return childrenOf(topology, site).length > 0 && (await isPushedFirst(db, name, runtime.clock.now()));
}

async function index(
  { db, runtime, log, buyers }: SiteContext,
  name: CatalogName,
  stopped: () => boolean,
): Promise<void> {
  const began = runtime.clock.now();
  const indexing = await Indexing.begin(db, name, runtime.ids.uuid(), () => runtime.clock.now());
  if (indexing === null) return;
  try {
    const isStopped = async () => {
      await buyers.giveWay();
      return stopped();
    };
    if (!(await indexing.run(isStopped))) return;
    log.debug({ ...name, revision: indexing.target, durationMs: runtime.clock.now() - began }, 'words indexed');
  } catch (error) {
    if (!(error instanceof IndexingTakenError)) throw error;
    log.warn({ err: error }, 'another process has taken the indexing over');
  }
}
