/**
 * Twenty rounds of sales, ten on each engine, with kill -9 of a secondary, the primary and the Temporal server while
 * requests are in flight. The buyers' own log of answers is the oracle: nothing told is lost, nothing is doubled, and the
 * stock balances.
 */
import { OwnTemporal } from '../support/own-temporal';
import { engines } from '../support/databases';
import { Processes } from '../support/processes';
import { seededRandom } from '../support/random';
import { World } from '../support/world';
import { Buyers, type Told, drained, stockUp, verify } from './buyers';

/** Sales of each round: some rounds are long, so that batches fill, and most are short, so that kills fall everywhere. */
const ROUNDS: readonly number[] = [...Array<number>(3).fill(500), ...Array<number>(7).fill(60)];
const SALES = ROUNDS.reduce((sum, sales) => sum + sales, 0);
const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 40_000;
const TEST_TIMEOUT_MS = 15 * 60_000;

describe.each(engines())('kill -9 under load on %s', (engine) => {
  test(
    `${ROUNDS.length} rounds, ${SALES} sales in all, lose nothing, double nothing (seed ${SEED})`,
    async () => {
      const random = seededRandom(SEED);
      const temporal = await OwnTemporal.create();
      await temporal.start();
      const world = await World.create(engine, ['north', 'south'], {
        temporalAddress: temporal.address,
      });
      const processes = new Processes(world);
      const told: Told[] = [];
      const killedInFlight: Record<string, number> = { secondary: 0, primary: 0, temporal: 0 };
      try {
        await processes.startAll();
        await stockUp(world, UNITS);
        for (const sales of ROUNDS) {
          const buyers = new Buyers(world, SEED + told.length);
          const secondary = random() < 0.5 ? 'north' : 'south';
          const restarts: Promise<void>[] = [];
          const at = (share: number, what: string, act: () => Promise<void>) => ({
            sale: Math.floor(sales * (share + random() * 0.1)),
            run: () => {
              killedInFlight[what] = (killedInFlight[what] ?? 0) + buyers.inFlight;
              restarts.push(act());
            },
          });
          const kills = [
            at(0.15, 'primary', () =>
              restart(
                () => processes.kill('hq'),
                () => processes.start('hq'),
              ),
            ),
            at(0.4, 'secondary', () =>
              restart(
                () => processes.kill(secondary),
                () => processes.start(secondary),
              ),
            ),
            at(0.65, 'temporal', () =>
              restart(
                () => temporal.kill(),
                () => temporal.start(),
              ),
            ),
          ];
          await buyers.buy(sales, (done) => kills.find(({ sale }) => sale === done)?.run());
          await Promise.all(restarts);
          expect(restarts).toHaveLength(kills.length);
          told.push(...buyers.told);
          await drained(world);
          await verify(world, told, UNITS);
        }
        expect(told).toHaveLength(SALES);
        process.stderr.write(`${engine}: killed with so many requests in flight: ${JSON.stringify(killedInFlight)}\n`);
        for (const requests of Object.values(killedInFlight)) expect(requests).toBeGreaterThan(0);
      } finally {
        await processes.stopAll();
        await world.stop();
        await temporal.remove();
      }
    },
    TEST_TIMEOUT_MS,
  );
});

async function restart(kill: () => Promise<void>, start: () => Promise<void>): Promise<void> {
  await kill();
  await start();
}
