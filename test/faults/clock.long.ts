/** Sites whose clocks are ten minutes off, one ahead and one behind: they sell, deliver and take catalogues as ever. */
import { engines } from '../support/databases';
import { faketimeLibrary, withClock } from '../support/faketime';
import { Processes } from '../support/processes';
import { World, itemsCsv } from '../support/world';
import { Buyers, drained, stockUp, verify } from './buyers';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 2_000;
const SALES = 200;
/** Seconds that each site's clock is ahead. */
const AHEAD: Readonly<Record<string, number>> = { early: -600, late: 600 };
/** What an order may take from its sale to the look at its time, milliseconds. */
const SLACK_MS = 240_000;
const TEST_TIMEOUT_MS = 5 * 60_000;

const library = faketimeLibrary();
if (library === null && process.env['CI']) {
  throw new Error('libfaketime is missing, and in CI that is a failure: install faketime');
}

(library === null ? describe.skip : describe)('clocks ten minutes off', () => {
  test.each(engines())(
    `on %s: ${SALES} sales are delivered, stock and catalogues arrive (seed ${SEED})`,
    async (engine) => {
      const world = await World.create(engine, Object.keys(AHEAD));
      const processes = new Processes(world, (site) => {
        const seconds = AHEAD[site];
        return seconds === undefined ? [] : withClock(String(library), seconds);
      });
      try {
        await processes.startAll();
        await stockUp(world, UNITS);
        const buyers = new Buyers(world, SEED, Object.keys(AHEAD));
        await buyers.buy(SALES);
        await drained(world);
        await verify(world, buyers.told, UNITS);
        // The clocks are off indeed: it shows in when the orders say that they were placed.
        for (const [site, seconds] of Object.entries(AHEAD)) {
          const sold = buyers.told.find((sale) => sale.site === site);
          const { body } = await world.call('hq', 'GET', `/orders/${sold?.orderId ?? 'none'}`);
          const off = Date.parse(String(body['placedAt'])) - Date.now() - seconds * 1000;
          expect(Math.abs(off)).toBeLessThan(SLACK_MS);
        }
        await world.pushItems(itemsCsv({ A: '1.00', B: '2.00', C: '3.00' }), Object.keys(AHEAD));
      } finally {
        await processes.stopAll();
        await world.stop();
      }
    },
    TEST_TIMEOUT_MS,
  );
});
