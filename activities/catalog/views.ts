/** What a site may have of a catalogue, by the groups that are served there and below, and what that comes to. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Span, touchedSkus, versionsAtBoth } from '../../db/catalog/changes';
import { listConfirmations } from '../../db/catalog/deliveries';
import { groupsServed } from '../../db/catalog/groups';
import { type RevisionRecord, findRevision } from '../../db/catalog/heads';
import {
  type ViewKey,
  type ViewSum,
  audienceAt,
  itemsSeen,
  newestView,
  saveView,
  versionSeen,
} from '../../db/catalog/views';
import { type Database, type Statements } from '../../db/database';
import { loadTopology } from '../../db/topology';
import { GROUPS_MAX, formatAudience, groupsIn } from '../../domain/audience';
import { EVERYONE } from '../../domain/catalog';
import { EMPTY_DIGEST, addToDigest } from '../../domain/catalog-digest';
import { TellableError } from '../../domain/errors';
import { sitesBelow } from '../../domain/sites';

/** Items summed at a time. */
const BATCH_ITEMS = 500;

export interface SiteView {
  /** The partition that the site gets: all groups that are served there or below. */
  readonly partition: string;
  /** Which groups it and each site below it serves: no other site's are told. */
  readonly served: Readonly<Record<string, readonly string[]>>;
}

export async function viewOfSite(reads: Statements, store: string, site: string): Promise<SiteView> {
  const { topology } = await loadTopology(reads, store);
  const groups = await groupsServed(reads, store);
  const subTree = [site, ...sitesBelow(topology, site)];
  const served = Object.fromEntries(
    subTree.flatMap((name) => (groups.has(name) ? [[name, groups.get(name) ?? []]] : [])),
  );
  const all = new Set(Object.values(served).flat());
  if (all.size > GROUPS_MAX) {
    throw new TellableError(
      `site "${site}" and those below it serve ${all.size} user groups: at most ${GROUPS_MAX}, for they go in one document`,
    );
  }
  return { partition: formatAudience([...all]), served };
}

/** What the partition comes to at a revision: from the newest that is known, or counted anew; kept for the next time. */
export async function sumOfView(db: Database, key: ViewKey, record: RevisionRecord): Promise<ViewSum> {
  const { revision } = record;
  const before = await newestView(db, key, revision);
  if (before?.revision === revision) return before;
  const sameAudience = before && (await audienceAt(db, key.store, key.catalog, before.revision)) === record.audience;
  const sum = sameAudience ? await countOn(db, key, before, record) : await countAll(db, key, record);
  await db.transaction((tx) => saveView(tx, key, sum));
  return sum;
}

async function countOn(db: Database, key: ViewKey, before: ViewSum, record: RevisionRecord): Promise<ViewSum> {
  const { store, catalog } = key;
  const served = groupsIn(key.partition);
  const span: Span = { store, catalog, base: before.revision, target: record.revision };
  let { digest, itemCount } = before;
  for (let after = ''; ;) {
    const touched = await touchedSkus(db, span, BATCH_ITEMS, after);
    const versions = await versionsAtBoth(db, span, touched);
    const seen = (which: 'before' | 'after') =>
      versions.flatMap((version) => versionSeen(version[which], served, record.audience)?.contentHash ?? []);
    const [gone, come] = [seen('before'), seen('after')];
    digest = addToDigest(digest, come, gone);
    itemCount += come.length - gone.length;
    if (touched.length < BATCH_ITEMS) return { revision: record.revision, itemCount, digest };
    after = touched.at(-1) ?? '';
    await turn();
  }
}

async function countAll(db: Database, key: ViewKey, record: RevisionRecord): Promise<ViewSum> {
  let [digest, itemCount] = [EMPTY_DIGEST, 0];
  for (let after: string | null = ''; after !== null;) {
    const { versions, last }: Awaited<ReturnType<typeof itemsSeen>> = await itemsSeen(
      db,
      key,
      record,
      after,
      BATCH_ITEMS,
    );
    digest = addToDigest(
      digest,
      versions.map(({ contentHash }) => contentHash),
    );
    itemCount += versions.length;
    after = last;
    await turn();
  }
  return { revision: record.revision, itemCount, digest };
}

/** The children that hear of a catalogue: those that serve a group of its audience, and those that had something of it. */
export async function sitesFor(
  reads: Statements,
  { store, catalog }: Pick<ViewKey, 'store' | 'catalog'>,
  revision: number,
  sites: readonly string[],
): Promise<string[]> {
  const audience = (await findRevision(reads, store, catalog, revision))?.audience ?? EVERYONE;
  if (audience === EVERYONE) return [...sites];
  const named = groupsIn(audience);
  const had = new Set((await listConfirmations(reads, store, catalog)).map(({ site }) => site));
  const designated: string[] = [];
  for (const site of sites) {
    const groups = groupsIn((await viewOfSite(reads, store, site)).partition);
    if (had.has(site) || groups.some((group) => named.includes(group))) designated.push(site);
  }
  return designated;
}
