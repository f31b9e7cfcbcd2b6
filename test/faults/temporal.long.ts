/**
 * Temporal executes and its answer is lost, for one call in a hundred: starts, signals, completions, and polls that had
 * a task to give. Nothing is lost for that, and nothing done twice.
 */
import { engines } from '../support/databases';
import { GrpcProxy } from '../support/grpc-proxy';
import { Processes } from '../support/processes';
import { seededRandom } from '../support/random';
import { TEMPORAL_ADDRESS } from '../support/servers';
import { World, itemsCsv } from '../support/world';
import { Buyers, drained, stockUp, verify } from './buyers';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 10_000;
const SALES = 600;
const LOST_SHARE = 0.01;
/** As many lost answers as make it a test. */
const LOST_MIN = 8;
/** Few at a time, for a batch is delivered by as many calls as a sale. */
const MORE_SALES = 20;
const MORE_ROUNDS_MAX = 200;
const TEST_TIMEOUT_MS = 6 * 60_000;

describe.each(engines())('answers of Temporal are lost on %s', (engine) => {
  test(
    `${SALES} sales with ${LOST_SHARE * 100} % of the calls executed and not answered (seed ${SEED})`,
    async () => {
      const proxy = await GrpcProxy.start(String(process.env[TEMPORAL_ADDRESS]), seededRandom(SEED));
      const world = await World.create(engine, ['north', 'south'], { temporalAddress: proxy.address });
      const processes = new Processes(world);
      let sales = SALES;
      try {
        await processes.startAll();
        proxy.lose(LOST_SHARE);
        await stockUp(world, UNITS);
        const buyers = new Buyers(world, SEED);
        await buyers.buy(SALES);
        // How many calls that makes is a matter of the machine.
        for (let rounds = 0; proxy.lost < LOST_MIN && rounds < MORE_ROUNDS_MAX; rounds++) {
          await buyers.buy(MORE_SALES);
          sales += MORE_SALES;
        }
        await world.pushItems(itemsCsv({ A: '1.00', B: '2.00', C: '3.00' }), ['north', 'south']);
        await drained(world);
        expect(buyers.told).toHaveLength(sales);
        await verify(world, buyers.told, UNITS);
        const counts = [...proxy.calls].map(([name, count]) => `${name} ${JSON.stringify(count)}`);
        process.stderr.write(`answers lost: ${proxy.lost}: ${counts.join(', ')}\n`);
        expect(proxy.lost).toBeGreaterThanOrEqual(LOST_MIN);
      } finally {
        await processes.stopAll();
        await world.stop();
        await proxy.stop();
      }
    },
    TEST_TIMEOUT_MS,
  );
});
