/** Which revision of a catalogue this site has: what readers see. */
import { EVERYONE, NO_REVISION } from '../../domain/catalog';
import { EMPTY_DIGEST } from '../../domain/catalog-digest';
import { type Statements, type Transaction } from '../database';
import { forUpdate, insertIfAbsent } from '../dialect';

export interface CatalogHead {
  readonly catalog: string;
  readonly revision: number;
  /** Of the items at that revision: at the primary of those that everyone may see, elsewhere of all that the site has. */
  readonly itemCount: number;
  readonly digest: string;
  /** Whom the whole catalogue is for, as far as this site heard (domain/audience.ts). */
  readonly audience: string;
  /** The part of the catalogue that the site has, by the groups that it is for; the primary has all of it. */
  readonly partition: string;
  /** A revision that is being staged, or was when its stager died. */
  readonly stagingRevision: number | null;
  /** The attempt that stages it. */
  readonly stager: string | null;
  /** Milliseconds UTC. */
  readonly updatedAt: number;
}

interface HeadRow {
  catalog: string;
  revision: number;
  item_count: number;
  digest: string;
  audience: string | null;
  partition_name: string | null;
  staging_revision: number | null;
  stager: string | null;
  updated_at: number;
}

const COLUMNS = 'catalog, revision, item_count, digest, audience, partition_name, staging_revision, stager, updated_at';

function headOf(row: HeadRow): CatalogHead {
  return {
    catalog: row.catalog,
    revision: row.revision,
    itemCount: row.item_count,
    digest: row.digest,
    audience: row.audience ?? EVERYONE,
    partition: row.partition_name ?? EVERYONE,
    stagingRevision: row.staging_revision,
    stager: row.stager,
    updatedAt: row.updated_at,
  };
}

export function emptyHead(catalog: string): CatalogHead {
  const nothing = {
    revision: NO_REVISION,
    itemCount: 0,
    digest: EMPTY_DIGEST,
    audience: EVERYONE,
    partition: EVERYONE,
  };
  return { catalog, ...nothing, stagingRevision: null, stager: null, updatedAt: 0 };
}

/** The head as readers see it; an unknown catalogue is one that has nothing yet. */
export async function readHead(reads: Statements, store: string, catalog: string): Promise<CatalogHead> {
  const row = await reads.get<HeadRow>(`SELECT ${COLUMNS} FROM catalogs WHERE store = ? AND catalog = ?`, [
    store,
    catalog,
  ]);
  return row ? headOf(row) : emptyHead(catalog);
}

/** The head, locked until the transaction ends; made when the catalogue is new. */
export async function lockHead(tx: Transaction, store: string, catalog: string, now: number): Promise<CatalogHead> {
  await insertIfAbsent(
    tx,
    'catalogs',
    { store, catalog },
    { revision: NO_REVISION, item_count: 0, digest: EMPTY_DIGEST, updated_at: now },
  );
  const row = await tx.get<HeadRow>(
    `SELECT ${COLUMNS} FROM catalogs WHERE store = ? AND catalog = ?${forUpdate(tx.engine)}`,
    [store, catalog],
  );
  return headOf(row as HeadRow);
}

/** The flip: from here on readers see this revision. */
export async function moveHead(
  tx: Transaction,
  store: string,
  head: Omit<CatalogHead, 'stagingRevision' | 'stager'>,
): Promise<void> {
  await tx.run(
    `UPDATE catalogs SET revision = ?, item_count = ?, digest = ?, audience = ?, partition_name = ?,
       staging_revision = NULL, stager = NULL, updated_at = ? WHERE store = ? AND catalog = ?`,
    [
      ...[head.revision, head.itemCount, head.digest, head.audience, head.partition],
      ...[head.updatedAt, store, head.catalog],
    ],
  );
}

export async function listHeads(reads: Statements, store: string): Promise<CatalogHead[]> {
  const rows = await reads.all<HeadRow>(`SELECT ${COLUMNS} FROM catalogs WHERE store = ? ORDER BY catalog`, [store]);
  return rows.map(headOf);
}

export interface RevisionRecord {
  readonly revision: number;
  readonly baseRevision: number;
  /** Count, digest, audience and partition as a head has them. */
  readonly itemCount: number;
  readonly digest: string;
  readonly audience: string;
  readonly partition: string;
  readonly publishedAt: number;
  /** What asked for it. */
  readonly request: string;
}

interface RevisionRow {
  revision: number;
  base_revision: number;
  item_count: number;
  digest: string;
  audience: string | null;
  partition_name: string | null;
  published_at: number;
  request: string;
}

function revisionOf(row: RevisionRow): RevisionRecord {
  return {
    revision: row.revision,
    baseRevision: row.base_revision,
    itemCount: row.item_count,
    digest: row.digest,
    audience: row.audience ?? EVERYONE,
    partition: row.partition_name ?? EVERYONE,
    publishedAt: row.published_at,
    request: row.request,
  };
}

const REVISION_COLUMNS = 'revision, base_revision, item_count, digest, audience, partition_name, published_at, request';

export async function addRevision(
  tx: Transaction,
  store: string,
  catalog: string,
  record: RevisionRecord,
): Promise<void> {
  await insertIfAbsent(
    tx,
    'catalog_revisions',
    { store, catalog, revision: record.revision },
    {
      base_revision: record.baseRevision,
      item_count: record.itemCount,
      digest: record.digest,
      audience: record.audience,
      partition_name: record.partition,
      published_at: record.publishedAt,
      request: record.request,
    },
  );
}

export async function findRevision(
  reads: Statements,
  store: string,
  catalog: string,
  revision: number,
): Promise<RevisionRecord | undefined> {
  const row = await reads.get<RevisionRow>(
    `SELECT ${REVISION_COLUMNS} FROM catalog_revisions WHERE store = ? AND catalog = ? AND revision = ?`,
    [store, catalog, revision],
  );
  return row && revisionOf(row);
}

/** The revision that a request has made already. */
export async function revisionOfRequest(
  reads: Statements,
  store: string,
  catalog: string,
  request: string,
): Promise<RevisionRecord | undefined> {
  const row = await reads.get<RevisionRow>(
    `SELECT ${REVISION_COLUMNS} FROM catalog_revisions WHERE store = ? AND catalog = ? AND request = ?`,
    [store, catalog, request],
  );
  return row && revisionOf(row);
}

/** Newest first, below `before`. */
export async function listRevisions(
  reads: Statements,
  store: string,
  catalog: string,
  limit: number,
  before: number,
): Promise<RevisionRecord[]> {
  const rows = await reads.all<RevisionRow>(
    `SELECT ${REVISION_COLUMNS} FROM catalog_revisions
     WHERE store = ? AND catalog = ? AND revision < ? ORDER BY revision DESC LIMIT ${limit}`,
    [store, catalog, before],
  );
  return rows.map(revisionOf);
}
