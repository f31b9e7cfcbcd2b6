/** Deltas: whatever becomes of documents on their way, every site ends at the newest revision, and none goes back. */
import { readdirSync } from 'node:fs';
import { applyCatalog } from '../../activities/catalog/apply';
import { catalogActivities } from '../../activities/catalog';
import { openDocumentFile, sweepDocuments } from '../../activities/catalog/documents';
import { decompressed } from '../../activities/catalog/fetch';
import { type CatalogDocumentReference } from '../../activities/contract';
import { itemsAt } from '../../db/catalog/changes';
import { draftItems, draftWithdrawals } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { type Database } from '../../db/database';
import { type CatalogItem, NO_REVISION, parseRevision } from '../../domain/catalog';
import { REAL_RUNTIME } from '../../workers/site';
import { engines } from '../support/databases';
import { type LoneSite, STORE, loneSite } from '../support/lone-site';
import { seededRandom } from '../support/random';

const CATALOG = 'main';
const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const SITES = ['north', 'south'] as const;
const ROUNDS = 60;
const SKUS = Array.from({ length: 40 }, (_, index) => `S${String(index).padStart(2, '0')}`);

function item(sku: string, price: number): CatalogItem {
  return {
    ...{ sku, description: `Item ${sku}`, price, currency: 'GBP', unitOfMeasure: 'EA', leadTimeDays: 2 },
    ...{ classification: { domain: 'UNSPSC', code: '60000000' }, attributes: {}, audience: '' },
  };
}

/** What readers see. */
async function shown(db: Database): Promise<{ revision: number; items: unknown[] }> {
  const { revision } = await readHead(db, STORE, CATALOG);
  return {
    revision,
    items: await itemsAt(db, { store: STORE, catalog: CATALOG, revision: revision }, '', SKUS.length + 1),
  };
}

describe.each(engines())('deltas on %s', (engine) => {
  let hq: LoneSite;
  let sites: LoneSite[];

  beforeEach(async () => {
    hq = await loneSite(engine, 'hq');
    sites = await Promise.all(SITES.map((site) => loneSite(engine, site)));
  });
  afterEach(() => Promise.all([hq, ...sites].map((site) => site.drop())));

  const draft = (items: readonly CatalogItem[]) => hq.db.transaction((tx) => draftItems(tx, STORE, CATALOG, items, 1));
  const withdraw = (...skus: string[]) => hq.db.transaction((tx) => draftWithdrawals(tx, STORE, CATALOG, skus, 1));
  const publish = async (request: string) =>
    (await catalogActivities(hq.context).publishCatalog({ store: STORE, epoch: 1, catalog: CATALOG, request }))
      .revision;
  const prepare = (base: number, target: number) =>
    catalogActivities(hq.context).prepareCatalogDocument({
      ...{ store: STORE, epoch: 1, catalog: CATALOG, partition: '', base, target },
    });

  /** As the site does, but for the way: the parent's file. */
  const apply = (site: LoneSite, reference: CatalogDocumentReference) =>
    applyCatalog(
      site.context,
      reference,
      async () => decompressed(openDocumentFile(hq.context, STORE, reference)),
      () => undefined,
    );

  test('a delta carries what changed, and is taken on its base alone', async () => {
    await draft(SKUS.map((sku) => item(sku, 100)));
    const first = await publish('r1');
    await draft([item('S00', 200), item('new', 300)]);
    await withdraw('S01', 'S02');
    const second = await publish('r2');
    const [north] = sites as [LoneSite, LoneSite];
    const delta = await prepare(first, second);
    expect(delta).toMatchObject({ base: first, target: second });
    expect(await apply(north, delta)).toEqual({ revision: NO_REVISION, takesBase: NO_REVISION });
    expect(await apply(north, await prepare(NO_REVISION, first))).toEqual({ revision: first });
    expect(await apply(north, delta)).toEqual({ revision: second });
    expect(await shown(north.db)).toEqual(await shown(hq.db));
    expect(await apply(north, delta)).toEqual({ revision: second });
    expect(await apply(north, await prepare(NO_REVISION, first))).toEqual({ revision: second });
    const [small, full] = [delta, await prepare(NO_REVISION, second)].map(({ bytes }) => bytes) as [number, number];
    expect(small).toBeLessThan(full / 4);
  });

  test('what was changed and changed back travels as an item that stays as it is', async () => {
    await draft(SKUS.map((sku) => item(sku, 100)));
    const first = await publish('r1');
    await draft([item('S03', 200)]);
    await publish('r2');
    await draft([item('S03', 100)]);
    const third = await publish('r3');
    const [north] = sites as [LoneSite, LoneSite];
    await apply(north, await prepare(NO_REVISION, first));
    const delta = await prepare(first, third);
    expect(delta.base).toBe(first);
    expect(await apply(north, delta)).toEqual({ revision: third });
    expect(await shown(north.db)).toEqual(await shown(hq.db));
  });

  test('a full document goes where it is smaller, or the base is unknown; an emptied catalogue is a delta', async () => {
    await draft(SKUS.map((sku) => item(sku, 100)));
    const first = await publish('r1');
    await draft(SKUS.map((sku) => item(sku, 200)));
    const second = await publish('r2');
    expect(await prepare(first, second)).toMatchObject({ base: NO_REVISION });
    expect(await prepare(first + 1_000, second)).toMatchObject({ base: NO_REVISION });
    await withdraw(...SKUS);
    const third = await publish('r3');
    const emptied = await prepare(second, third);
    expect(emptied.base).toBe(second);
    const [north, south] = sites as [LoneSite, LoneSite];
    await apply(north, await prepare(NO_REVISION, second));
    expect(await apply(north, emptied)).toEqual({ revision: third });
    expect(await apply(south, await prepare(NO_REVISION, third))).toEqual({ revision: third });
    for (const { db } of sites) expect(await shown(db)).toEqual({ revision: third, items: [] });
  });

  test('a site whose revision is not what its number says asks for the full document', async () => {
    await draft(SKUS.map((sku) => item(sku, 100)));
    const first = await publish('r1');
    await draft([item('S00', 200)]);
    const second = await publish('r2');
    const [north] = sites as [LoneSite, LoneSite];
    await apply(north, await prepare(NO_REVISION, first));
    await north.db.transaction((tx) =>
      tx.run("UPDATE item_versions SET content_hash = ? WHERE sku = 'S00'", ['0'.repeat(64)]),
    );
    const before = await shown(north.db);
    expect(await apply(north, await prepare(first, second))).toEqual({ revision: first, takesBase: NO_REVISION });
    expect(await shown(north.db)).toEqual(before);
    expect(await apply(north, await prepare(NO_REVISION, second))).toEqual({ revision: second });
    expect(await shown(north.db)).toEqual(await shown(hq.db));
  });

  test('old documents are swept away, but for the newest revision; one that is asked for again is the same', async () => {
    await draft(SKUS.map((sku) => item(sku, 100)));
    const first = await publish('r1');
    const old = await prepare(NO_REVISION, first);
    await draft([item('S00', 200)]);
    const newest = await prepare(NO_REVISION, await publish('r2'));
    const files = () => readdirSync(hq.context.documentsDir).length;
    await sweepDocuments(hq.context);
    expect(files()).toBe(2);
    const clock = { now: () => REAL_RUNTIME.clock.now() + 25 * 3_600_000 };
    await sweepDocuments({ ...hq.context, runtime: { ...REAL_RUNTIME, clock } });
    expect(files()).toBe(1);
    expect(await prepare(NO_REVISION, newest.target)).toEqual(newest);
    expect((await prepare(NO_REVISION, first)).contentDigest).toBe(old.contentDigest);
  });

  test(`documents in any order, twice or lost, merged or not, end in the newest revision (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const published: number[] = [];
    const states = new Map<number, unknown>();
    const underway: { site: LoneSite; reference: CatalogDocumentReference }[] = [];
    const seen = { refused: 0, stale: 0, deltas: 0, full: 0, lost: 0 };
    const deliver = async (site: LoneSite, reference: CatalogDocumentReference) => {
      const before = (await readHead(site.db, STORE, CATALOG)).revision;
      const answer = await apply(site, reference);
      const now = await shown(site.db);
      expect(now.revision).toBeGreaterThanOrEqual(before);
      if (now.revision > NO_REVISION) expect(now.items).toEqual(states.get(now.revision));
      if (answer.takesBase !== undefined) seen.refused++;
      else if (before >= reference.target) seen.stale++;
      else if (reference.base === NO_REVISION) seen.full++;
      else seen.deltas++;
      return answer;
    };
    for (let round = 0; round < ROUNDS; round++) {
      const some = SKUS.filter(() => random() < 0.15);
      await draft(some.filter(() => random() < 0.7).map((sku) => item(sku, 1 + Math.floor(random() * 5))));
      await withdraw(...some.filter(() => random() < 0.4));
      const revision = await publish(`round ${round}`);
      if (revision === NO_REVISION) continue;
      if (!states.has(revision)) {
        published.push(revision);
        states.set(revision, (await shown(hq.db)).items);
      }
      for (const site of sites) {
        // From what the parent believes, which may be wrong, and to what it wants, which may be old.
        const base = pick([NO_REVISION, ...published, (await readHead(site.db, STORE, CATALOG)).revision]);
        const target = pick(published.slice(-3));
        underway.push({ site, reference: await prepare(base < target ? base : NO_REVISION, target) });
      }
      for (const one of [...underway]) {
        if (random() < 0.4) continue;
        if (random() < 0.7) underway.splice(underway.indexOf(one), 1);
        if (random() < 0.2) seen.lost++;
        else await deliver(one.site, one.reference);
      }
    }
    const newest = published.at(-1) as number;
    expect(parseRevision(newest).n).toBeGreaterThan(ROUNDS / 2);
    for (const site of sites) {
      // As catalogDelivery does: from what the site says that it has.
      let base = (await readHead(site.db, STORE, CATALOG)).revision;
      for (let tries = 0; base !== newest; tries++) {
        expect(tries).toBeLessThan(3);
        const { revision, takesBase } = await deliver(site, await prepare(base, newest));
        base = takesBase ?? revision;
      }
      expect(await shown(site.db)).toEqual(await shown(hq.db));
      expect(await readHead(site.db, STORE, CATALOG)).toMatchObject(
        (({ itemCount, digest }) => ({ itemCount, digest }))(await readHead(hq.db, STORE, CATALOG)),
      );
    }
    for (const [what, times] of Object.entries(seen))
      expect({ what, enough: times > 3 }).toEqual({ what, enough: true });
  });
});
