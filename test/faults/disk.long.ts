/**
 * A site's disk is full: the site says so and keeps what it has, reads go on, other sites sell, and everything goes on
 * by itself when there is room. The disk holds the site's database, documents and log.
 */
import { engines } from '../support/databases';
import { Processes } from '../support/processes';
import { startMariadb } from '../support/servers';
import { SmallDisk, noSmallDiskReason } from '../support/small-disk';
import { type Answer, AnswerError, World, itemsCsv } from '../support/world';
import { Buyers, type Told, drained, stockUp, verify } from './buyers';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 3_000;
const SALES = 60;
/** Sizes of the disk, MiB: MariaDB's own files are large from the beginning. */
const DISK_MIB = { sqlite: 16, mariadb: 320 } as const;
/** Refusals that are waited for while the disk is full. */
const REFUSALS = 40;
const TEST_TIMEOUT_MS = 4 * 60_000;

const reason = noSmallDiskReason();
if (reason !== null && process.env['CI'])
  throw new Error(`no disk can be filled, and in CI that is a failure: ${reason}`);

(reason === null ? describe : describe.skip)('a full disk', () => {
  test.each(engines())(
    `at a site on %s is told, loses nothing, and is over when there is room (seed ${SEED})`,
    async (engine) => {
      const disk = SmallDisk.mount(DISK_MIB[engine]);
      const server = engine === 'mariadb' ? await startMariadb(undefined, disk.folder) : null;
      const world = await World.create(engine, ['north', 'south'], {
        place: (site) => (site === 'north' ? { folder: disk.folder, ...(server && { server: server.address }) } : {}),
      });
      const processes = new Processes(world);
      const told: Told[] = [];
      const sell = async (sites: readonly string[], seed: number) => {
        const buyers = new Buyers(world, seed, sites);
        await buyers.buy(SALES);
        told.push(...buyers.told);
      };
      try {
        await processes.startAll();
        await stockUp(world, UNITS);
        await sell(['north', 'south'], SEED);
        const refused = await refusals(world, disk, told);
        expect(refused.filter(({ status }) => status !== 507)).toEqual([]);
        expect(refused[0]?.body).toMatchObject({
          type: 'https://entrepot.dev/problems/disk-full',
          detail: expect.stringMatching(/make room/),
        });
        // Who only looks is served, and the other site sells.
        expect((await world.call('north', 'GET', '/items')).status).toBe(200);
        expect((await world.call('north', 'GET', '/deliveries')).status).toBe(200);
        await sell(['south'], SEED + SALES);
        // What comes from the primary meanwhile waits for room.
        await world.call('hq', 'POST', '/catalogs/main/import', {
          body: itemsCsv({ A: '1.00', B: '2.00', C: '3.00' }),
          headers: { 'Content-Type': 'text/csv' },
        });
        await world.call('hq', 'POST', '/catalogs/main/pushes');
        await world.confirmed(['south']);
        disk.free();
        await sell(['north', 'south'], SEED + 2 * SALES);
        await drained(world);
        await world.confirmed(['north', 'south']);
        await verify(world, told, UNITS);
      } finally {
        await processes.stopAll();
        await world.stop();
        await server?.stop();
        disk.unmount();
      }
    },
    TEST_TIMEOUT_MS,
  );
});

/** Fills the disk and buys until so many were refused; what is sold all the same is told. */
async function refusals(world: World, disk: SmallDisk, told: Told[]): Promise<Answer[]> {
  const refused: Answer[] = [];
  const buyer = async () => {
    while (refused.length < REFUSALS) {
      // What was refused may have left some room.
      disk.fill();
      const answer = await world.buy('north', [{ sku: 'A', quantity: 1 }]).catch((error: unknown) => {
        if (error instanceof AnswerError) return error.answer;
        throw error;
      });
      if (answer.status === 201) told.push({ site: 'north', orderId: String(answer.body['orderId']), units: 1 });
      else refused.push(answer);
    }
  };
  await Promise.all(Array.from({ length: 4 }, buyer));
  return refused;
}
