/**
 * The words of items, in the engine's full-text index. Taking a revision does not wait for them: they follow after its
 * flip, and a search sees the newest revision whose words are all there. A text holds from a revision to a revision, as
 * an item version does, but a new price leaves it as it is.
 */
import { type CatalogItem, NO_REVISION, OPEN_REVISION } from '../../domain/catalog';
import { itemText, searchScope } from '../../domain/search';
import { type Database, type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent, insertRows } from '../dialect';
import { itemsAt, touchedSkus } from './changes';
import { readHead } from './heads';
import { CONTENT_COLUMNS, type ContentRow, itemOf, marks } from './items';

/** Items of one transaction: SQLite keeps everybody waiting meanwhile. */
export const INDEX_BATCH_ITEMS = 200;
/** Touched items that are looked up one by one; of more, the whole catalogue is walked. */
const TOUCHED_MAX = 10_000;
/** How long a new revision is given until its deliveries have begun, milliseconds. */
const PUSH_BEGINS_MS = 2_000;
/** And for each of its items: its publication and its document take that long. */
const PUSH_BEGINS_MS_PER_ITEM = 0.05;
/** How long its words wait for its deliveries at most, milliseconds. */
const PUSH_FIRST_MS = 60_000;
/** And for each of its items, where that is more. */
const PUSH_FIRST_MS_PER_ITEM = 0.2;
/** An indexer that was not heard of for this long is dead, milliseconds. */
const INDEXER_SILENT_MS = 10_000;

export interface CatalogName {
  readonly store: string;
  readonly catalog: string;
}

interface IndexRow {
  revision: number;
  oldest_revision: number;
  indexer: string | null;
  beat_at: number;
}

const INDEX_COLUMNS = 'revision, oldest_revision, indexer, beat_at';

/** Catalogues whose index is behind what readers see. */
export async function catalogsToIndex(reads: Statements): Promise<CatalogName[]> {
  return reads.all<{ store: string; catalog: string }>(
    `SELECT catalogs.store, catalogs.catalog FROM catalogs
     LEFT JOIN catalog_indexes indexes ON indexes.store = catalogs.store AND indexes.catalog = catalogs.catalog
     WHERE catalogs.revision > COALESCE(indexes.revision, 0) ORDER BY catalogs.store, catalogs.catalog`,
  );
}

/**
 * A large catalogue on its way to other sites: indexing it would take from the push the time of machine and database.
 * A site that is held is not waited for.
 */
export async function isPushedFirst(reads: Statements, { store, catalog }: CatalogName, now: number): Promise<boolean> {
  const { itemCount, updatedAt } = await readHead(reads, store, catalog);
  const age = now - updatedAt;
  if (itemCount <= TOUCHED_MAX || age >= Math.max(PUSH_FIRST_MS, itemCount * PUSH_FIRST_MS_PER_ITEM)) return false;
  if (age < PUSH_BEGINS_MS + itemCount * PUSH_BEGINS_MS_PER_ITEM) return true;
  const delivering = await reads.get(
    `SELECT 1 AS found FROM catalog_confirmations WHERE store = ? AND catalog = ? AND state = 'delivering' LIMIT 1`,
    [store, catalog],
  );
  return delivering !== undefined;
}

async function readIndex(reads: Statements, { store, catalog }: CatalogName, lock = ''): Promise<IndexRow | undefined> {
  return reads.get<IndexRow>(`SELECT ${INDEX_COLUMNS} FROM catalog_indexes WHERE store = ? AND catalog = ?${lock}`, [
    store,
    catalog,
  ]);
}

/** The newest revision that can be searched; 0 before the first. */
export async function searchedRevision(reads: Statements, name: CatalogName): Promise<number> {
  return (await readIndex(reads, name))?.revision ?? NO_REVISION;
}

/** Whether a search that began on the revision can go on. */
export async function isStillSearched(reads: Statements, name: CatalogName, revision: number): Promise<boolean> {
  const row = await reads.get<{ oldest_revision: number }>(
    `SELECT indexes.oldest_revision FROM catalog_revisions revisions
     JOIN catalog_indexes indexes ON indexes.store = revisions.store AND indexes.catalog = revisions.catalog
     WHERE revisions.store = ? AND revisions.catalog = ? AND revisions.revision = ? AND revisions.indexed_at IS NOT NULL`,
    [name.store, name.catalog, revision],
  );
  return row !== undefined && row.oldest_revision <= revision;
}

/** A text that holds until further notice. */
interface OpenText {
  text_id: number;
  sku: string;
  from_revision: number;
  words: string;
}

/** Items, and the condition for their skus: there are no others among them. */
interface Batch {
  readonly items: readonly CatalogItem[];
  readonly where: string;
  readonly values: readonly string[];
}

/** One attempt at bringing a catalogue's index to the revision that readers see. */
export class Indexing {
  private readonly scope: string;

  private constructor(
    private readonly db: Database,
    private readonly name: CatalogName,
    private readonly base: number,
    readonly target: number,
    private readonly indexer: string,
    private readonly now: () => number,
  ) {
    this.scope = searchScope(name.store, name.catalog);
  }

  /** Null where there is nothing to do, or another process is at it. `indexer` is this attempt's own id. */
  static async begin(db: Database, name: CatalogName, indexer: string, now: () => number): Promise<Indexing | null> {
    return db.transaction(async (tx) => {
      const head = await readHead(tx, name.store, name.catalog);
      await insertIfAbsent(
        tx,
        'catalog_indexes',
        { ...name },
        { revision: NO_REVISION, oldest_revision: NO_REVISION, indexer: null, beat_at: 0 },
      );
      const row = await readIndex(tx, name, forUpdate(tx.engine));
      if (row === undefined || row.revision >= head.revision) return null;
      if (row.indexer !== null && now() - row.beat_at < INDEXER_SILENT_MS) return null;
      await beat(tx, name, indexer, now());
      return new Indexing(db, name, row.revision, head.revision, indexer, now);
    });
  }

  /**
   * Texts are ended and added beyond the revision that is searched, so that nobody sees them until the last step. Answers
   * false when it was stopped between two batches: the next attempt finds what this one did.
   */
  async run(stopped: () => boolean | Promise<boolean> = () => false): Promise<boolean> {
    const { store, catalog } = this.name;
    const span = { store, catalog, base: this.base, target: this.target };
    const touched = this.base === NO_REVISION ? null : await touchedSkus(this.db, span, TOUCHED_MAX + 1);
    const batches = touched === null || touched.length > TOUCHED_MAX ? this.walk() : this.lookUp(touched);
    for await (const batch of batches) {
      if (await stopped()) {
        await this.giveUp();
        return false;
      }
      await this.settle(batch);
    }
    await this.finish();
    return true;
  }

  private async *walk(): AsyncGenerator<Batch> {
    const { store, catalog } = this.name;
    for (let after = ''; ;) {
      const read = await itemsAt(this.db, { store, catalog, revision: this.target }, after, INDEX_BATCH_ITEMS);
      const items = read.map(({ item }) => item);
      const end = items.length < INDEX_BATCH_ITEMS ? undefined : items.at(-1)?.sku;
      if (end === undefined) {
        yield { items, where: 'sku > ?', values: [after] };
        return;
      }
      yield { items, where: 'sku > ? AND sku <= ?', values: [after, end] };
      after = end;
    }
  }

  private async *lookUp(touched: readonly string[]): AsyncGenerator<Batch> {
    for (let start = 0; start < touched.length; start += INDEX_BATCH_ITEMS) {
      const skus = touched.slice(start, start + INDEX_BATCH_ITEMS);
      yield { items: await this.itemsOf(skus), where: `sku IN (${marks(skus.length)})`, values: skus };
    }
  }

  private async itemsOf(skus: readonly string[]): Promise<CatalogItem[]> {
    const { store, catalog } = this.name;
    const rows = await this.db.all<ContentRow>(
      `SELECT sku, ${CONTENT_COLUMNS.join(', ')} FROM item_versions
       WHERE store = ? AND catalog = ? AND sku IN (${marks(skus.length)})
         AND from_revision <= ? AND to_revision > ?`,
      [store, catalog, ...skus, this.target, this.target],
    );
    return rows.map(itemOf);
  }

  /** Makes the open texts of a batch's skus the texts of its items. */
  private async settle({ items, where, values }: Batch): Promise<void> {
    const { store, catalog } = this.name;
    const texts = items.map((item) => ({ sku: item.sku, words: itemText(this.scope, item) }));
    await this.db.transaction(async (tx) => {
      await this.requireMine(tx);
      const open = await tx.all<OpenText>(
        `SELECT text_id, sku, from_revision, words FROM item_texts
         WHERE store = ? AND catalog = ? AND ${where} AND to_revision = ?`,
        [store, catalog, ...values, OPEN_REVISION],
      );
      const words = new Map(texts.map((text) => [text.sku, text.words]));
      const kept = new Set(open.filter((text) => words.get(text.sku) === text.words).map(({ sku }) => sku));
      await this.end(
        tx,
        open.filter(({ sku }) => !kept.has(sku)),
      );
      await insertRows(
        tx,
        'item_texts',
        ['store', 'catalog', 'sku', 'from_revision', 'to_revision', 'words'],
        texts
          .filter(({ sku }) => !kept.has(sku))
          .map((text) => [store, catalog, text.sku, this.target, OPEN_REVISION, text.words]),
      );
      await beat(tx, this.name, this.indexer, this.now());
    });
  }

  /** Those of an earlier attempt at the same revision were never seen. */
  private async end(tx: Transaction, texts: readonly OpenText[]): Promise<void> {
    const unseen = texts.filter((text) => text.from_revision === this.target).map((text) => text.text_id);
    const seen = texts.filter((text) => text.from_revision !== this.target).map((text) => text.text_id);
    if (unseen.length > 0) await removeTexts(tx, unseen);
    if (seen.length === 0) return;
    await tx.run(`UPDATE item_texts SET to_revision = ? WHERE text_id IN (${marks(seen.length)})`, [
      this.target,
      ...seen,
    ]);
  }

  /** From here on searches see the target. */
  private async finish(): Promise<void> {
    const { store, catalog } = this.name;
    await this.db.transaction(async (tx) => {
      await this.requireMine(tx);
      await tx.run('UPDATE catalog_indexes SET revision = ?, indexer = NULL WHERE store = ? AND catalog = ?', [
        ...[this.target, store, catalog],
      ]);
      await tx.run('UPDATE catalog_revisions SET indexed_at = ? WHERE store = ? AND catalog = ? AND revision = ?', [
        ...[this.now(), store, catalog, this.target],
      ]);
    });
  }

  /** So that the next process need not wait until this one counts as dead. */
  private async giveUp(): Promise<void> {
    await this.db.transaction(async (tx) => {
      await this.requireMine(tx);
      await beat(tx, this.name, null, this.now());
    });
  }

  /** The fence: locks the index's row until the transaction ends, and requires that no later attempt has begun. */
  private async requireMine(tx: Transaction): Promise<void> {
    const row = await readIndex(tx, this.name, forUpdate(tx.engine));
    if (row?.indexer !== this.indexer) throw new IndexingTakenError(this.name);
  }
}

/** A later attempt has taken the work over, because this one was not heard of for so long. */
export class IndexingTakenError extends Error {
  constructor({ store, catalog }: CatalogName) {
    super(`the words of catalogue "${catalog}" of store "${store}" are indexed by a later attempt: nothing is lost`);
  }
}

async function beat(
  tx: Transaction,
  { store, catalog }: CatalogName,
  indexer: string | null,
  now: number,
): Promise<void> {
  await tx.run('UPDATE catalog_indexes SET indexer = ?, beat_at = ? WHERE store = ? AND catalog = ?', [
    ...[indexer, now, store, catalog],
  ]);
}

async function removeTexts(tx: Transaction, ids: readonly number[]): Promise<void> {
  await tx.run(`DELETE FROM item_texts WHERE text_id IN (${marks(ids.length)})`, ids);
}

/** How long a search may be walked after a newer revision can be searched, milliseconds. */
export const WALK_MS = 60 * 60_000;

/** Forgets texts that no walk can come to any more. */
export async function sweepTexts(db: Database, now: number): Promise<void> {
  const names = await db.all<CatalogName>('SELECT store, catalog FROM catalog_indexes ORDER BY store, catalog');
  for (const { store, catalog } of names) {
    const oldest = await db.get<{ revision: number }>(
      `SELECT revision FROM catalog_revisions WHERE store = ? AND catalog = ? AND indexed_at <= ?
       ORDER BY revision DESC LIMIT 1`,
      [store, catalog, now - WALK_MS],
    );
    if (oldest === undefined) continue;
    // First nobody may begin to read them, then they go.
    await db.run('UPDATE catalog_indexes SET oldest_revision = ? WHERE store = ? AND catalog = ?', [
      ...[oldest.revision, store, catalog],
    ]);
    for (let left = true; left;) left = await sweepBatch(db, { store, catalog }, oldest.revision);
  }
}

async function sweepBatch(db: Database, { store, catalog }: CatalogName, oldest: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const ended = await tx.all<{ text_id: number }>(
      `SELECT text_id FROM item_texts WHERE store = ? AND catalog = ? AND to_revision <= ? LIMIT ${INDEX_BATCH_ITEMS}`,
      [store, catalog, oldest],
    );
    if (ended.length > 0) {
      await removeTexts(
        tx,
        ended.map((text) => text.text_id),
      );
    }
    return ended.length === INDEX_BATCH_ITEMS;
  });
}

/** The newest revision of each catalogue that can be searched. */
export async function searchedRevisions(reads: Statements, store: string): Promise<Map<string, number>> {
  const rows = await reads.all<{ catalog: string; revision: number }>(
    'SELECT catalog, revision FROM catalog_indexes WHERE store = ?',
    [store],
  );
  return new Map(rows.map(({ catalog, revision }) => [catalog, revision]));
}
