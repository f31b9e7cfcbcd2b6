/** Any order, duplication and loss of documents, merges and changes of audience end in the newest revision, and never leak. */
import { engines } from '../support/databases';
import { loneSite } from '../support/lone-site';
import { seededRandom } from '../support/random';
import { Converging } from './converging';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const ROUNDS = { sqlite: 150, mariadb: 60 } as const;
/** Each kind of thing happened at least so often. */
const TIMES_MIN = 4;

test.each(engines())(
  `every site ends with what is its own, and never had more, on %s (seed ${SEED})`,
  async (engine) => {
    const [primary, ...sites] = await Promise.all(['hq', 'north', 'south'].map((site) => loneSite(engine, site)));
    if (!primary) throw new Error('there is no primary');
    try {
      const converging = new Converging(primary, sites, seededRandom(SEED));
      await converging.run(ROUNDS[engine]);
      for (const [what, times] of Object.entries(converging.counts)) {
        expect({ what, enough: times >= TIMES_MIN }).toEqual({ what, enough: true });
      }
    } finally {
      await Promise.all([primary, ...sites].map((site) => site.drop()));
    }
  },
);
