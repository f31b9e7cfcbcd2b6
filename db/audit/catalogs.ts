/** Invariant 3, as far as a database can show it: a site's items are those of the revision that it claims. */
import { EVERYONE, showRevision } from '../../domain/catalog';
import { EMPTY_DIGEST, addToDigest, hashItem } from '../../domain/catalog-digest';
import { itemsAfter } from '../catalog/browse';
import { listConfirmations } from '../catalog/deliveries';
import { findRevision, listHeads, readHead } from '../catalog/heads';
import { type Statements } from '../database';
import { loadTopology } from '../topology';
import { type AuditedSite, type Report } from './index';

/** Items hashed at a time. */
const ITEMS_PER_READ = 1000;

export async function auditCatalogs(
  sites: readonly AuditedSite[],
  store: string,
  report: Report,
): Promise<Record<string, number>> {
  let items = 0;
  for (const site of sites) {
    items += await site.db.snapshot((reads) => auditItems(site.site, reads, store, report));
    await auditRevisions(site, sites, store, report);
    await auditConfirmations(site, sites, store, report);
  }
  return { items };
}

async function auditItems(site: string, reads: Statements, store: string, report: Report): Promise<number> {
  let items = 0;
  for (const { catalog, revision, itemCount, digest } of await listHeads(reads, store)) {
    let count = 0;
    let sum = EMPTY_DIGEST;
    for (let after = ''; ;) {
      const batch = await itemsAfter(reads, store, catalog, revision, after, ITEMS_PER_READ);
      for (const { item, contentHash } of batch) {
        if (hashItem(item) === contentHash) continue;
        const subject = `${catalog} ${item.sku}`;
        report({ rule: 'catalog-items-digest', site, subject, expected: contentHash, found: hashItem(item) });
      }
      sum = addToDigest(
        sum,
        batch.map(({ item }) => hashItem(item)),
      );
      count += batch.length;
      if (batch.length < ITEMS_PER_READ) break;
      after = batch.at(-1)?.item.sku ?? '';
    }
    items += count;
    if (count === itemCount && sum === digest) continue;
    const subject = `${catalog} ${showRevision(revision)}`;
    const expected = `${itemCount} items, digest ${digest}`;
    report({ rule: 'catalog-items-digest', site, subject, expected, found: `${count} items, digest ${sum}` });
  }
  return items;
}

/** The primary's word on a revision is what every site is held to. */
async function auditRevisions(
  { site, db }: AuditedSite,
  sites: readonly AuditedSite[],
  store: string,
  report: Report,
): Promise<void> {
  const { topology } = await loadTopology(db, store);
  const primary = sites.find((candidate) => candidate.site === topology.primary);
  if (!primary || primary.site === site) return;
  for (const { catalog, revision, digest } of await listHeads(db, store)) {
    if (revision === 0) continue;
    const record = await findRevision(primary.db, store, catalog, revision);
    if (record?.digest === digest) continue;
    const subject = `${catalog} ${showRevision(revision)}`;
    const expected = record ? `digest ${record.digest}` : `a revision of ${primary.site}`;
    report({ rule: 'catalog-revision-digest', site, subject, expected, found: `digest ${digest}` });
  }
}

async function auditConfirmations(
  { site, db }: AuditedSite,
  sites: readonly AuditedSite[],
  store: string,
  report: Report,
): Promise<void> {
  for (const { catalog, partition, site: child, revision } of await listConfirmations(db, store)) {
    const taker = sites.find((candidate) => candidate.site === child);
    if (!taker || partition !== EVERYONE) continue;
    const head = await readHead(taker.db, store, catalog);
    if (head.revision >= revision) continue;
    const subject = `${catalog} at ${child}`;
    const found = showRevision(head.revision);
    report({ rule: 'catalog-confirmed', site, subject, expected: `${showRevision(revision)} or later`, found });
  }
}
