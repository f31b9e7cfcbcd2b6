/**
 * A real shop's catalogue over nine months, pushed day by day to three sites. One is away on random days, one loses its
 * database, and readers at each never see what was not published.
 */
import { itemsAt } from '../../db/catalog/changes';
import { draftWithdrawals } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { formatRevision } from '../../domain/catalog';
import { engines } from '../support/databases';
import { seededRandom } from '../support/random';
import { freePort } from '../support/servers';
import { until } from '../support/until';
import { CATALOG, World } from '../support/world';
import { Truth, changeStream, csvOf, merged } from './change-stream';
import { Readers } from './readers';
import { startSlowLine } from './slow-line';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const SITES = ['north', 'south', 'east'] as const;
/** The share of pushes at which one site is away. */
const AWAY_SHARE = { sqlite: 0.12, mariadb: 0.3 } as const;
const AWAY_MIN = 2;
/** What readers choose depends on how fast they read; what happens must not, so they draw from a row of their own. */
const READERS_SEED = SEED + 1;
const WITHDRAWN_A_DAY = 3;
/** Reads and pages at each site while it takes a document. */
const READS_PER_APPLY = 1_000;
const DAYS_PER_LINE = 20;
/**
 * The changes of so many days go together, for the sake of the test's time; ENTREPOT_STREAM_DAYS=1 replays day by day.
 */
const DAYS_PER_PUSH = {
  sqlite: Number(process.env['ENTREPOT_STREAM_DAYS'] ?? 8),
  mariadb: Number(process.env['ENTREPOT_STREAM_DAYS'] ?? 15),
} as const;
/** Each document waits for thousands of reads at every site, and those for the machine's other work. */
const PUSH_TIMEOUT_MS = 10 * 60_000;
const TEST_TIMEOUT_MS = 30 * 60_000;

/** At least so many different numbers below `below`. */
function pick(random: () => number, below: number, atLeast: number): ReadonlySet<number> {
  const picked = new Set<number>();
  while (picked.size < atLeast) picked.add(Math.floor(random() * below));
  return picked;
}

describe.each(engines())('nine months of changes on %s', (engine) => {
  test(
    `every site ends like the primary, and no reader saw anything else than a revision (seed ${SEED})`,
    async () => {
      const random = seededRandom(SEED);
      const readersRandom = seededRandom(READERS_SEED);
      const days = merged(changeStream(), DAYS_PER_PUSH[engine]);
      const daysAway = pick(random, days.length - 1, Math.max(AWAY_MIN, AWAY_SHARE[engine] * days.length));
      const truth = new Truth();
      const parentPort = await freePort();
      /** Held until every reader has read on. */
      const readOn = async () => {
        for (const reader of live()) reader.wakeUp();
        const wanted = live().map((reader) => [reader, reader.reads + READS_PER_APPLY] as const);
        const done = () =>
          wanted.every(
            ([reader, count]) => reader.reads >= count || !reading.has(reader) || reader.failure !== undefined,
          );
        while (!done()) await new Promise((resolve) => setImmediate(resolve));
      };
      const line = await startSlowLine(parentPort, readOn);
      const world = await World.create(engine, SITES, {
        adapt: (config) =>
          config.site === 'hq'
            ? { ...config, url: `http://127.0.0.1:${line.port}`, listen: { ...config.listen, port: parentPort } }
            : config,
      });
      const readers = new Map(SITES.map((site) => [site, new Readers(world, site, truth, readersRandom)]));
      const reading = new Set<Readers>();
      const live = () => [...reading];
      const begin = (site: (typeof SITES)[number]) => {
        const reader = readers.get(site) as Readers;
        reading.add(reader);
        reader.start();
      };
      const end = async (site: (typeof SITES)[number]) => {
        const reader = readers.get(site) as Readers;
        reading.delete(reader);
        await reader.stop();
      };
      const here = (site: string) => world.site(site).context.db;
      const loses = Math.floor(days.length * (0.3 + random() * 0.4));
      let away = false;
      try {
        for (const site of world.configs.keys()) await world.startSite(site);
        await world.registered();
        for (const [index, day] of days.entries()) {
          const { date, prices } = day;
          const revision = formatRevision(1, index + 1);
          const withdrawn = truth.skus.filter(() => random() < WITHDRAWN_A_DAY / truth.skus.length);
          await here('hq').transaction((tx) => draftWithdrawals(tx, world.store, CATALOG, withdrawn, Date.now()));
          truth.publish(revision, prices, withdrawn);
          const isAway = daysAway.has(index - 1);
          if (isAway && !away) await end('east').then(() => world.stopSite('east'));
          if (!isAway && away) await world.startSite('east').then(() => begin('east'));
          away = isAway;
          if (index === loses) {
            await end('south').then(() => world.stopSite('south'));
            await world.loseDatabase('south');
            readers.get('south')?.forget();
            await world.startSite('south');
            begin('south');
          }
          await world.pushItems(
            csvOf(day),
            SITES.filter((site) => site !== 'east' || !away),
            PUSH_TIMEOUT_MS,
          );
          for (const reader of live()) reader.rest();
          if (index === 0) for (const site of SITES) begin(site);
          for (const { failure } of readers.values()) if (failure !== undefined) throw failure;
          if (index % DAYS_PER_LINE === 0) process.stderr.write(`${engine}: ${date}\n`);
        }
        if (away) await world.startSite('east').then(() => begin('east'));
        await world.confirmed(SITES, PUSH_TIMEOUT_MS);
        for (const site of SITES) await end(site);
        const head = await readHead(here('hq'), world.store, CATALOG);
        const right = await itemsAt(
          here('hq'),
          { store: world.store, catalog: CATALOG, revision: head.revision },
          '',
          head.itemCount + 1,
        );
        expect(head).toMatchObject({ revision: formatRevision(1, days.length), itemCount: truth.count(head.revision) });
        for (const site of SITES) {
          await until(`${site} to be at the newest`, async () => {
            return (await readHead(here(site), world.store, CATALOG)).revision === head.revision;
          });
          const { itemCount, digest } = await readHead(here(site), world.store, CATALOG);
          expect({ site, itemCount, digest }).toEqual({ site, itemCount: head.itemCount, digest: head.digest });
          const items = await itemsAt(
            here(site),
            { store: world.store, catalog: CATALOG, revision: head.revision },
            '',
            head.itemCount + 1,
          );
          expect(items).toEqual(right);
        }
        for (const [site, { reads, walks, walksAcross }] of readers) {
          process.stderr.write(`${engine}, ${site}: ${reads} reads, ${walks} walks, ${walksAcross} across an apply\n`);
          expect(reads).toBeGreaterThan(READS_PER_APPLY * (days.length - daysAway.size));
          expect(walksAcross).toBeGreaterThan(days.length / 4);
        }
      } finally {
        for (const site of SITES) await end(site).catch(() => undefined);
        await world.stop();
        await line.stop();
      }
    },
    TEST_TIMEOUT_MS,
  );
});
