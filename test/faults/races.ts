/** Searches the interleavings of two acts for one that breaks an invariant. */
import { type Database, type Engine } from '../../db/database';
import { type Interleaved, Interleaver, type Schedule, switchAfter } from '../support/interleave';
import { seededRandom } from '../support/random';

/** Orders drawn by chance, with two switches, beside every order with one. */
const DRAWN_SCHEDULES = Number(process.env['ENTREPOT_SCHEDULES'] ?? 4);
const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);

export interface Race<T> {
  readonly acts: readonly [(db: Database) => Promise<T>, (db: Database) => Promise<T>];
  /** Throws when what must hold does not. */
  readonly holds: (results: readonly PromiseSettledResult<T>[]) => Promise<void>;
}

export interface Searched {
  readonly schedules: number;
  /** Turns at which one waited for the other's lock. */
  readonly blocked: number;
  /** Transactions that were begun again after a deadlock. */
  readonly retried: number;
}

export class Races {
  private constructor(
    private readonly shared: Database,
    private readonly interleaver: Interleaver | null,
  ) {}

  /** On MariaDB two connections that take turns; SQLite has one writer, so there both acts simply run at once. */
  static async open(engine: Engine, location: string, shared: Database): Promise<Races> {
    return new Races(shared, engine === 'mariadb' ? await Interleaver.open(location) : null);
  }

  async close(): Promise<void> {
    await this.interleaver?.close();
  }

  /**
   * Prepares and runs the race once per schedule: every single switch, from either side, and some orders drawn by
   * chance that switch back once more.
   */
  async search<T>(prepare: () => Promise<Race<T>>, draws = DRAWN_SCHEDULES): Promise<Searched> {
    const sum = { schedules: 0, blocked: 0, retried: 0 };
    const one = async (name: string, schedule: Schedule): Promise<Interleaved<T>> => {
      const race = await prepare();
      const ran = await this.run(race, schedule);
      sum.schedules++;
      sum.blocked += ran.blocked;
      sum.retried += ran.retried;
      try {
        await race.holds(ran.results);
      } catch (error) {
        const told = ran.results.map((result) => (result.status === 'rejected' ? String(result.reason) : 'done'));
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`broken by ${name} (${told.join('; ')}): ${message}`, { cause: error });
      }
      return ran;
    };
    if (!this.interleaver) {
      await one('both at once', () => 0);
      return sum;
    }
    const taken = [0, 0];
    for (const first of [0, 1] as const) {
      for (let turns = 0; turns <= (taken[first] ?? 0); turns++) {
        const ran = await one(`actor ${first} stopping after ${turns} turns`, switchAfter(first, turns));
        taken[first] = ran.turns[first] ?? 0;
      }
    }
    const random = seededRandom(SEED);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let draw = 0; draw < draws; draw++) {
      const first = random() < 0.5 ? 0 : 1;
      const [turns, back] = [below(taken[first] ?? 0), 1 + below(taken[1 - first] ?? 0)];
      const name = `actor ${first} stopping after ${turns} turns and going on after ${back} of the other (seed ${SEED})`;
      await one(name, switchAfter(first, turns, back));
    }
    return sum;
  }

  private async run<T>({ acts }: Race<T>, schedule: Schedule): Promise<Interleaved<T>> {
    if (this.interleaver) return this.interleaver.run(acts, schedule);
    const results = await Promise.allSettled(acts.map((act) => act(this.shared)));
    return { results, turns: [], blocked: 0, retried: 0 };
  }
}

/** The values of acts that all succeeded; the first failure otherwise. */
export function values<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
