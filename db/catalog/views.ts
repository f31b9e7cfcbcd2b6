/**
 * A revision as a site gets it that serves some groups: its items, and what they come to. The partition of a document
 * names the groups (domain/audience.ts); what everyone sees at the primary is the revision's own record.
 */
import { groupsIn, seenBy } from '../../domain/audience';
import { type HashedItem, hashed } from '../../domain/catalog-digest';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';
import { itemsAt } from './changes';
import { type RevisionRecord, findRevision } from './heads';

export interface ViewKey {
  readonly store: string;
  readonly catalog: string;
  readonly partition: string;
}

export interface ViewSum {
  readonly revision: number;
  readonly itemCount: number;
  /** Of the items as that partition has them. */
  readonly digest: string;
}

interface ViewRow {
  revision: number;
  item_count: number;
  digest: string;
}

/** What is known of the newest revision up to `target`; undefined where the partition was never summed. */
export async function newestView(
  reads: Statements,
  { store, catalog, partition }: ViewKey,
  target: number,
): Promise<ViewSum | undefined> {
  const sums = await Promise.all(
    [
      `SELECT revision, item_count, digest FROM catalog_revisions
       WHERE store = ? AND catalog = ? AND COALESCE(partition_name, '') = ? AND revision <= ?`,
      `SELECT revision, item_count, digest FROM catalog_views
       WHERE store = ? AND catalog = ? AND partition_name = ? AND revision <= ?`,
    ].map((sql) => reads.get<ViewRow>(`${sql} ORDER BY revision DESC LIMIT 1`, [store, catalog, partition, target])),
  );
  const [newest] = sums.filter((row) => row !== undefined).sort((a, b) => b.revision - a.revision);
  return newest && { revision: newest.revision, itemCount: newest.item_count, digest: newest.digest };
}

export async function saveView(tx: Transaction, { store, catalog, partition }: ViewKey, sum: ViewSum): Promise<void> {
  const key = ['store', 'catalog', 'partition_name', 'revision'];
  await insertRows(
    tx,
    'catalog_views',
    [...key, 'item_count', 'digest'],
    [[store, catalog, partition, sum.revision, sum.itemCount, sum.digest]],
    'ignore',
  );
}

/** The version as that partition has it; null where it has none. `ofCatalog` is the catalogue's own audience. */
export function versionSeen(
  version: HashedItem | null,
  served: readonly string[],
  ofCatalog: string,
): HashedItem | null {
  if (version === null) return null;
  const item = seenBy(version.item, served, ofCatalog);
  if (item === null || item === version.item) return item && version;
  return hashed(item);
}

/** Items of a revision beyond `after` as the partition has them, in the order of their skus; `last` is null at the end. */
export async function itemsSeen(
  reads: Statements,
  { store, catalog, partition }: ViewKey,
  { revision, audience }: Pick<RevisionRecord, 'revision' | 'audience'>,
  after: string,
  limit: number,
): Promise<{ versions: HashedItem[]; last: string | null }> {
  const served = groupsIn(partition);
  const found = await itemsAt(reads, { store, catalog, revision }, after, limit);
  const versions = found.flatMap((version) => versionSeen(version, served, audience) ?? []);
  return { versions, last: found.length < limit ? null : (found.at(-1)?.item.sku ?? null) };
}

/** The catalogue's audience at a revision; everyone's before the first. */
export async function audienceAt(reads: Statements, store: string, catalog: string, revision: number): Promise<string> {
  return (await findRevision(reads, store, catalog, revision))?.audience ?? '';
}
