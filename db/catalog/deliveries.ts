/** The confirmation table at the parent, and the documents that were made. */
import { type CatalogDeliveryState, NO_REVISION } from '../../domain/catalog';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';

export interface Confirmation {
  readonly catalog: string;
  readonly partition: string;
  readonly site: string;
  /** Confirmed by the site. */
  readonly revision: number;
  readonly targetRevision: number;
  readonly state: CatalogDeliveryState;
  readonly payloadId: string | null;
  readonly tries: number;
  /** Milliseconds UTC. */
  readonly heldSince: number | null;
  readonly reason: string | null;
  readonly workflowId: string | null;
  readonly confirmedAt: number | null;
  readonly updatedAt: number;
}

interface ConfirmationRow {
  catalog: string;
  partition_name: string;
  site: string;
  revision: number;
  target_revision: number;
  state: CatalogDeliveryState;
  payload_id: string | null;
  tries: number;
  held_since: number | null;
  reason: string | null;
  workflow_id: string | null;
  confirmed_at: number | null;
  updated_at: number;
}

const COLUMNS = [
  'catalog',
  'partition_name',
  'site',
  'revision',
  'target_revision',
  'state',
  'payload_id',
  'tries',
  'held_since',
  'reason',
  'workflow_id',
  'confirmed_at',
  'updated_at',
] as const;

function confirmationOf(row: ConfirmationRow): Confirmation {
  return {
    catalog: row.catalog,
    partition: row.partition_name,
    site: row.site,
    revision: row.revision,
    targetRevision: row.target_revision,
    state: row.state,
    payloadId: row.payload_id,
    tries: row.tries,
    heldSince: row.held_since,
    reason: row.reason,
    workflowId: row.workflow_id,
    confirmedAt: row.confirmed_at,
    updatedAt: row.updated_at,
  };
}

export interface DeliveryChange {
  readonly store: string;
  readonly catalog: string;
  readonly partition: string;
  readonly site: string;
  readonly state: CatalogDeliveryState;
  readonly revision?: number;
  readonly target: number;
  readonly payloadID: string;
  readonly workflowId: string;
  readonly reason?: string;
  readonly heldSince?: number;
}

/** Records where a delivery stands. The confirmed revision never falls, however late a record arrives. */
export async function recordDelivery(tx: Transaction, change: DeliveryChange, now: number): Promise<void> {
  const { store, catalog, partition, site } = change;
  const row = await tx.get<ConfirmationRow>(
    `SELECT ${COLUMNS.join(', ')} FROM catalog_confirmations
     WHERE store = ? AND catalog = ? AND partition_name = ? AND site = ?`,
    [store, catalog, partition, site],
  );
  if (row && change.target < row.target_revision) return;
  // An attempt at "held" that its workflow gave up as lost may still arrive after "confirmed".
  if (row && change.state !== 'confirmed' && row.revision >= change.target) return;
  if (!(await isNewestPartition(tx, change))) return;
  const revision = Math.max(row?.revision ?? 0, change.revision ?? 0);
  const confirmed = change.state === 'confirmed';
  const sameDocument = row?.payload_id === change.payloadID;
  const tries = (sameDocument ? row.tries : 0) + (change.state === 'delivering' ? 1 : 0);
  await insertRows(
    tx,
    'catalog_confirmations',
    ['store', ...COLUMNS],
    [
      [
        ...[store, catalog, partition, site, revision, change.target, change.state, change.payloadID, tries],
        change.state === 'held' ? (change.heldSince ?? now) : null,
        change.reason ?? null,
        change.workflowId,
        confirmed ? now : (row?.confirmed_at ?? null),
        now,
      ],
    ],
    { key: ['store', 'catalog', 'partition_name', 'site'], update: COLUMNS.slice(3) },
  );
}

/** Another part than a site had comes with a later revision: that part's record goes, and an older one's is not taken. */
async function isNewestPartition(tx: Transaction, change: DeliveryChange): Promise<boolean> {
  const others = 'store = ? AND catalog = ? AND site = ? AND partition_name <> ?';
  const values = [change.store, change.catalog, change.site, change.partition];
  const newer = await tx.get(`SELECT 1 AS found FROM catalog_confirmations WHERE ${others} AND target_revision > ?`, [
    ...values,
    change.target,
  ]);
  if (newer) return false;
  await tx.run(`DELETE FROM catalog_confirmations WHERE ${others}`, values);
  return true;
}

/** Ordered by catalogue and site. */
export async function listConfirmations(reads: Statements, store: string, catalog?: string): Promise<Confirmation[]> {
  const rows = await reads.all<ConfirmationRow>(
    `SELECT ${COLUMNS.join(', ')} FROM catalog_confirmations
     WHERE store = ? ${catalog === undefined ? '' : 'AND catalog = ?'} ORDER BY catalog, partition_name, site`,
    catalog === undefined ? [store] : [store, catalog],
  );
  return rows.map(confirmationOf);
}

/** What each of the sites has confirmed, in their order; 0 for nothing. */
export async function confirmedRevisions(
  reads: Statements,
  store: string,
  { catalog, partition }: { catalog: string; partition: string },
  sites: readonly string[],
): Promise<number[]> {
  const rows = await reads.all<{ site: string; revision: number }>(
    'SELECT site, revision FROM catalog_confirmations WHERE store = ? AND catalog = ? AND partition_name = ?',
    [store, catalog, partition],
  );
  const confirmed = new Map(rows.map((row) => [row.site, row.revision]));
  return sites.map((site) => confirmed.get(site) ?? NO_REVISION);
}

/** A site's data are new: what it confirmed of older ones is no more. */
export async function forgetConfirmations(tx: Transaction, store: string, site: string, now: number): Promise<void> {
  await tx.run(
    'UPDATE catalog_confirmations SET revision = 0, confirmed_at = NULL, updated_at = ? WHERE store = ? AND site = ?',
    [now, store, site],
  );
}

export interface StoredDocument {
  readonly catalog: string;
  readonly partition: string;
  readonly base: number;
  readonly target: number;
  readonly payloadId: string;
  /** Of the XML. */
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly contentDigest: string;
  readonly itemCount: number;
  /** Milliseconds UTC. */
  readonly createdAt: number;
}

interface DocumentRow {
  payload_id: string;
  bytes: number;
  compressed_bytes: number;
  content_digest: string;
  item_count: number;
  created_at: number;
}

export type DocumentKey = Pick<StoredDocument, 'catalog' | 'partition' | 'base' | 'target'>;

const DOCUMENT_COLUMNS = ['payload_id', 'bytes', 'compressed_bytes', 'content_digest', 'item_count', 'created_at'];

export async function findDocument(
  reads: Statements,
  store: string,
  key: DocumentKey,
): Promise<StoredDocument | undefined> {
  const row = await reads.get<DocumentRow>(
    `SELECT ${DOCUMENT_COLUMNS.join(', ')} FROM catalog_documents
     WHERE store = ? AND catalog = ? AND partition_name = ? AND base_revision = ? AND revision = ?`,
    [store, key.catalog, key.partition, key.base, key.target],
  );
  return (
    row && {
      ...key,
      payloadId: row.payload_id,
      bytes: row.bytes,
      compressedBytes: row.compressed_bytes,
      contentDigest: row.content_digest,
      itemCount: row.item_count,
      createdAt: row.created_at,
    }
  );
}

export async function saveDocument(tx: Transaction, store: string, document: StoredDocument): Promise<void> {
  const { catalog, partition, base, target } = document;
  const { payloadId, bytes, compressedBytes, contentDigest, itemCount, createdAt } = document;
  const key = ['store', 'catalog', 'partition_name', 'base_revision', 'revision'];
  await insertRows(
    tx,
    'catalog_documents',
    [...key, ...DOCUMENT_COLUMNS],
    [[store, catalog, partition, base, target, payloadId, bytes, compressedBytes, contentDigest, itemCount, createdAt]],
    { key, update: DOCUMENT_COLUMNS },
  );
}

/** Documents made before then, of revisions that are not the newest any more. */
export async function oldDocuments(
  reads: Statements,
  before: number,
  limit: number,
): Promise<{ store: string; key: DocumentKey }[]> {
  const rows = await reads.all<
    Record<'store' | 'catalog' | 'partition_name', string> & { base: number; target: number }
  >(
    `SELECT documents.store, documents.catalog, documents.partition_name,
       documents.base_revision AS base, documents.revision AS target
     FROM catalog_documents documents
     JOIN catalogs ON catalogs.store = documents.store AND catalogs.catalog = documents.catalog
     WHERE documents.created_at < ? AND documents.revision < catalogs.revision LIMIT ${limit}`,
    [before],
  );
  return rows.map(({ store, catalog, partition_name: partition, base, target }) => ({
    store,
    key: { catalog, partition, base, target },
  }));
}

export async function forgetDocument(tx: Transaction, store: string, key: DocumentKey): Promise<void> {
  await tx.run(
    `DELETE FROM catalog_documents
     WHERE store = ? AND catalog = ? AND partition_name = ? AND base_revision = ? AND revision = ?`,
    [store, key.catalog, key.partition, key.base, key.target],
  );
}
