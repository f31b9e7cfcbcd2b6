/** Invariant 3, as far as a database can show it: a site's items are those of the revision that it claims. */
import { EVERYONE, showRevision } from '../../domain/catalog';
import { EMPTY_DIGEST, type HashedItem, addToDigest, hashItem } from '../../domain/catalog-digest';
import { listConfirmations } from '../catalog/deliveries';
import { type RevisionRecord, findRevision, listHeads, readHead } from '../catalog/heads';
import { type ViewKey, itemsSeen } from '../catalog/views';
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
  for (const head of await listHeads(reads, store)) {
    const { catalog, revision, itemCount, digest } = head;
    const { count, sum } = await sumOfItems(reads, { store, ...head }, head, ({ item, contentHash }) => {
      if (hashItem(item) === contentHash) return;
      const subject = `${catalog} ${item.sku}`;
      report({ rule: 'catalog-items-digest', site, subject, expected: contentHash, found: hashItem(item) });
    });
    items += count;
    if (count === itemCount && sum === digest) continue;
    const subject = `${catalog} ${showRevision(revision)}`;
    const expected = `${itemCount} items, digest ${digest}`;
    report({ rule: 'catalog-items-digest', site, subject, expected, found: `${count} items, digest ${sum}` });
  }
  return items;
}

/** What the items of a partition come to, counted one by one. */
async function sumOfItems(
  reads: Statements,
  view: ViewKey,
  revision: Pick<RevisionRecord, 'revision' | 'audience'>,
  look: (version: HashedItem) => void = () => undefined,
): Promise<{ count: number; sum: string }> {
  let [count, sum] = [0, EMPTY_DIGEST];
  for (let after: string | null = ''; after !== null;) {
    const read: Awaited<ReturnType<typeof itemsSeen>> = await itemsSeen(reads, view, revision, after, ITEMS_PER_READ);
    read.versions.forEach(look);
    sum = addToDigest(
      sum,
      read.versions.map(({ item }) => hashItem(item)),
    );
    count += read.versions.length;
    after = read.last;
  }
  return { count, sum };
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
  for (const { catalog, partition, revision, digest } of await listHeads(db, store)) {
    if (revision === 0) continue;
    const record = await findRevision(primary.db, store, catalog, revision);
    // The primary's own sum is of what everyone sees; of another part its items say what it must come to.
    const right =
      record && partition !== EVERYONE
        ? (await sumOfItems(primary.db, { store, catalog, partition }, record)).sum
        : record?.digest;
    if (right === digest) continue;
    const subject = `${catalog} ${showRevision(revision)}`;
    const expected = right === undefined ? `a revision of ${primary.site}` : `digest ${right}`;
    report({ rule: 'catalog-revision-digest', site, subject, expected, found: `digest ${digest}` });
  }
}

async function auditConfirmations(
  { site, db }: AuditedSite,
  sites: readonly AuditedSite[],
  store: string,
  report: Report,
): Promise<void> {
  for (const { catalog, site: child, revision } of await listConfirmations(db, store)) {
    const taker = sites.find((candidate) => candidate.site === child);
    if (!taker) continue;
    const head = await readHead(taker.db, store, catalog);
    if (head.revision >= revision) continue;
    const subject = `${catalog} at ${child}`;
    const found = showRevision(head.revision);
    report({ rule: 'catalog-confirmed', site, subject, expected: `${showRevision(revision)} or later`, found });
  }
}
