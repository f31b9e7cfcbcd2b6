/** A process that lets sites converge and says what went wrong: planted.long.ts starts it on copies of the source. */
import { loneSite } from '../support/lone-site';
import { seededRandom } from '../support/random';
import { Converging, Diverged } from './converging';

async function main(seed: number, rounds: number): Promise<string> {
  const [primary, ...sites] = await Promise.all(['hq', 'north', 'south'].map((site) => loneSite('sqlite', site)));
  if (!primary) throw new Error('there is no primary');
  try {
    await new Converging(primary, sites, seededRandom(seed)).run(rounds);
    return 'nothing';
  } catch (error) {
    if (error instanceof Diverged) return error.message;
    throw error;
  } finally {
    await Promise.all([primary, ...sites].map((site) => site.drop()));
  }
}

const [seed, rounds] = process.argv.slice(2).map(Number) as [number, number];
main(seed, rounds).then(
  (found) => process.stdout.write(`${JSON.stringify({ found })}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
