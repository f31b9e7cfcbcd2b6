/**
 * Taking a document at a site: rows of the new revision are staged where no reader sees them, then one flip shows them
 * (figure 7, step 702; invariant 3). What a dead stager left behind is undone by the next.
 */
import { TellableError } from '../../domain/errors';
import { EVERYONE, OPEN_REVISION, showRevision } from '../../domain/catalog';
import { isTaken } from '../../domain/catalog-delta';
import { EMPTY_DIGEST, type HashedItem, addToDigest } from '../../domain/catalog-digest';
import { type Database, type Transaction } from '../database';
import { insertRows } from '../dialect';
import { type Batch, type BatchQueue } from './batch-queue';
import { type CatalogHead, addRevision, lockHead, moveHead } from './heads';
import { CONTENT_COLUMNS, IS_OPEN, contentValues, marks, openHashes } from './items';

export interface StagedDocument {
  readonly store: string;
  readonly catalog: string;
  /** 0: it is taken on anything. */
  readonly base: number;
  readonly target: number;
  /** The part of the catalogue that it speaks of: a delta is taken on the same part only. */
  readonly partition: string;
}

export class Staging {
  private digest: string;
  private itemCount: number;
  /** The greatest sku taken so far: a document's items come in ascending order. */
  private last: string | null = null;

  private constructor(
    private readonly db: Database,
    private readonly store: string,
    private readonly base: CatalogHead,
    readonly target: number,
    private readonly partition: string,
    private readonly stager: string,
  ) {
    this.digest = base.digest;
    this.itemCount = base.itemCount;
  }

  /**
   * Begins, unless the site's revision is the target, later, or not the base of a delta (`base` is 0 for a full
   * document); answers what the site has, too. `stager` is this attempt's own id: from here on an earlier attempt, of this
   * process or another, can neither stage nor flip.
   */
  static async begin(
    db: Database,
    { store, catalog, base, target, partition }: StagedDocument,
    stager: string,
    now: number,
  ): Promise<{ staging: Staging | null; head: CatalogHead }> {
    const { head, mine } = await db.transaction(async (tx) => {
      const head = await lockHead(tx, store, catalog, now);
      if (!isTaken({ base, target, partition }, head)) return { head, mine: false };
      if (head.stagingRevision !== null) await discard(tx, store, head);
      await tx.run('UPDATE catalogs SET staging_revision = ?, stager = ? WHERE store = ? AND catalog = ?', [
        ...[target, stager, store, catalog],
      ]);
      return { head, mine: true };
    });
    return { staging: mine ? new Staging(db, store, head, target, partition, stager) : null, head };
  }

  /**
   * Takes a document's batches as they come; `full`: what the site has and the document does not name goes. A transaction
   * takes what has come meanwhile, for its COMMIT waits for the disk; it never waits for the document. When it fails, so
   * does whoever puts batches.
   */
  async takeAll(batches: BatchQueue, full: boolean): Promise<void> {
    try {
      await this.take(batches, full);
    } catch (error) {
      batches.fail(error);
      throw error;
    }
  }

  private async take(batches: BatchQueue, full: boolean): Promise<void> {
    for (let first = await batches.next(); first; first = await batches.next()) {
      // Kept until the COMMIT: the database may run the transaction again.
      const taken = [first];
      this.last = await this.db.transaction(async (tx) => {
        await this.requireMine(tx);
        let { last } = this;
        let rows = 0;
        for (let at = 0; at < taken.length; at++) {
          const batch = taken[at] as Batch;
          last = full ? await this.replace(tx, batch, last) : await this.change(tx, batch);
          rows += batch.items.length + batch.withdrawn.length;
          const more = at === taken.length - 1 && rows < ROWS_PER_TRANSACTION_MAX ? batches.nextNow() : undefined;
          if (more) taken.push(more);
        }
        return last;
      });
    }
  }

  /** Items of a full document: what the site has between the last batch and this one's end, and is not in it, goes. */
  private async replace(tx: Transaction, { items }: Batch, last: string | null): Promise<string | null> {
    const end = items.at(-1)?.item.sku;
    if (end === undefined) return last;
    requireOrder(items, last);
    const { hashes } = await this.stage(tx, items, await this.presentBetween(tx, last, end));
    tx.afterCommit(() => {
      // A full document is counted by itself, so that it mends whatever was wrong here before.
      if (last === null) [this.digest, this.itemCount] = [EMPTY_DIGEST, 0];
      this.count(hashes);
    });
    return end;
  }

  /** After the last batch of a full document: whatever comes after it goes. */
  async replaceRest(): Promise<void> {
    await this.db.transaction(async (tx) => {
      await this.requireMine(tx);
      await this.stage(tx, [], await this.presentBetween(tx, this.last, null));
      // A document without items: nothing is left.
      if (this.last === null) tx.afterCommit(() => void ([this.digest, this.itemCount] = [EMPTY_DIGEST, 0]));
    });
  }

  /** Items of an incremental document, and the withdrawn ones. */
  private async change(tx: Transaction, { items, withdrawn }: Batch): Promise<null> {
    const skus = [...items.map(({ item }) => item.sku), ...withdrawn];
    const { added, removed } = await this.stage(tx, items, await this.presentAmong(tx, skus));
    tx.afterCommit(() => this.count(added, removed));
    return null;
  }

  private count(added: readonly string[], removed: readonly string[] = []): void {
    this.digest = addToDigest(this.digest, added, removed);
    this.itemCount += added.length - removed.length;
  }

  /** What the staged items add up to. */
  get result(): { itemCount: number; digest: string } {
    return { itemCount: this.itemCount, digest: this.digest };
  }

  /** Shows the staged revision to readers, in one transaction; `andThen` in the same. */
  async flip(
    { now, request, audience }: { now: number; request: string; audience: string },
    andThen?: (tx: Transaction) => Promise<void>,
  ): Promise<void> {
    const { catalog } = this.base;
    const { itemCount, digest, target, partition } = this;
    const sum = { itemCount, digest, audience, partition };
    await this.db.transaction(async (tx) => {
      await this.requireMine(tx);
      await moveHead(tx, this.store, { catalog, revision: target, ...sum, updatedAt: now });
      await addRevision(tx, this.store, catalog, {
        revision: target,
        baseRevision: this.base.revision,
        ...sum,
        publishedAt: now,
        request,
      });
      await andThen?.(tx);
    });
  }

  /** The fence: locks the head until the transaction ends, and requires that no later attempt has begun. */
  private async requireMine(tx: Transaction): Promise<void> {
    const { catalog, revision } = this.base;
    const head = await lockHead(tx, this.store, catalog, this.base.updatedAt);
    if (head.revision === revision && head.stager === this.stager) return;
    throw new TellableError(
      `revision ${showRevision(this.target)} of catalogue "${catalog}" is staged by a later attempt, or was: ask again`,
    );
  }

  /** `present` holds the hashes of what is there now, in the range that the batch speaks of. Answers hashes. */
  private async stage(
    tx: Transaction,
    items: readonly HashedItem[],
    present: Map<string, string>,
  ): Promise<{ hashes: string[]; added: string[]; removed: string[] }> {
    const { catalog } = this.base;
    const isUnchanged = ({ item, contentHash }: HashedItem) => present.get(item.sku) === contentHash;
    const unchanged = new Set(present.size === 0 ? [] : items.filter(isUnchanged).map(({ item }) => item.sku));
    const added = unchanged.size === 0 ? items : items.filter(({ item }) => !unchanged.has(item.sku));
    const closed = [...present].filter(([sku]) => !unchanged.has(sku));
    for (const skus of chunks(closed.map(([sku]) => sku))) {
      await tx.run(
        `UPDATE item_versions SET to_revision = ?
         WHERE store = ? AND catalog = ? AND ${IS_OPEN} AND sku IN (${marks(skus.length)})`,
        [this.target, this.store, catalog, OPEN_REVISION, ...skus],
      );
    }
    await insertRows(
      tx,
      'item_versions',
      ['store', 'catalog', 'sku', 'from_revision', 'to_revision', 'partition_name', ...CONTENT_COLUMNS],
      added.map((version) => [
        this.store,
        catalog,
        version.item.sku,
        this.target,
        OPEN_REVISION,
        EVERYONE,
        ...contentValues(version),
      ]),
    );
    return {
      hashes: items.map(({ contentHash }) => contentHash),
      added: added.map(({ contentHash }) => contentHash),
      removed: closed.map(([, hash]) => hash),
    };
  }

  private async presentAmong(tx: Transaction, skus: readonly string[]): Promise<Map<string, string>> {
    const present = new Map<string, string>();
    for (const some of chunks(skus)) {
      for (const [sku, hash] of await openHashes(tx, this.store, this.base.catalog, some)) present.set(sku, hash);
    }
    return present;
  }

  private async presentBetween(
    tx: Transaction,
    after: string | null,
    upTo: string | null,
  ): Promise<Map<string, string>> {
    if (this.base.itemCount === 0) return new Map();
    const rows = await tx.all<{ sku: string; content_hash: string }>(
      `SELECT sku, content_hash FROM item_versions WHERE store = ? AND catalog = ? AND ${IS_OPEN}
       ${after === null ? '' : 'AND sku > ?'} ${upTo === null ? '' : 'AND sku <= ?'}`,
      [
        ...[this.store, this.base.catalog, OPEN_REVISION],
        ...(after === null ? [] : [after]),
        ...(upTo === null ? [] : [upTo]),
      ],
    );
    return new Map(rows.map((row) => [row.sku, row.content_hash]));
  }
}

/** `before`: the sku before the first. */
function requireOrder(items: readonly HashedItem[], before: string | null): void {
  for (const { item } of items) {
    const { sku } = item;
    if (before !== null && !isBefore(before, sku)) {
      throw new CatalogOrderError(
        `item "${sku}" comes after "${before}": a full document lists each sku once, in order`,
      );
    }
    before = sku;
  }
}

/** In UTF-16 characters beyond U+FFFF are pairs of these, which come before U+E000; in UTF-8 they come after it. */
const SURROGATE = /[\ud800-\udfff]/;

/** Whether the sku comes before the other by the bytes of their UTF-8, as the database has them. */
function isBefore(sku: string, other: string): boolean {
  if (!SURROGATE.test(sku) && !SURROGATE.test(other)) return sku < other;
  return Buffer.compare(Buffer.from(sku), Buffer.from(other)) < 0;
}

/** A full document's items are not in ascending order of their skus. */
export class CatalogOrderError extends TellableError {}

/** Rows after which a transaction takes no further batch. */
const ROWS_PER_TRANSACTION_MAX = 1_000;
/** Skus of one statement. */
const SKUS_PER_STATEMENT_MAX = 500;

function* chunks(skus: readonly string[]): Generator<string[]> {
  for (let start = 0; start < skus.length; start += SKUS_PER_STATEMENT_MAX) {
    yield skus.slice(start, start + SKUS_PER_STATEMENT_MAX);
  }
}

/** Undoes what was staged beyond the head. */
async function discard(tx: Transaction, store: string, head: CatalogHead): Promise<void> {
  const where = [store, head.catalog, head.revision];
  await tx.run('DELETE FROM item_versions WHERE store = ? AND catalog = ? AND from_revision > ?', where);
  await tx.run(
    `UPDATE item_versions SET to_revision = ? WHERE store = ? AND catalog = ? AND to_revision > ? AND to_revision < ?`,
    [OPEN_REVISION, ...where, OPEN_REVISION],
  );
}
