/** Many episodes of one seed, in two processes side by side, in their order, until there is enough of them. */
import { type Compiled } from './compile';
import { RARE_CASES } from './counters';
import { type RunReport } from './report';
import { type RunRequest, run } from './run';

/** The seed of every run that is not told another: `ENTREPOT_SEED` tells it. */
export const DEFAULT_SEED = 20_260_105;
/** Processes side by side: the machines that run this have two processors. */
export const LANES = 2;
/** Episodes that one process runs before its report. */
const CHUNK = 10;
/** How often each rare case must have happened. */
export const RARE_CASES_LEAST = 100;

export function seedOfThisRun(): number {
  const told = process.env['ENTREPOT_SEED'];
  if (told === undefined) return DEFAULT_SEED;
  if (!/^\d{1,10}$/.test(told)) throw new Error(`ENTREPOT_SEED is "${told}": a whole number is needed`);
  return Number(told);
}

export interface Campaign {
  readonly seed: number;
  episodes: number;
  steps: number;
  checks: number;
  readonly hashes: string[];
  readonly counts: Record<string, number>;
  found: RunReport['found'];
}

/** Runs chunks until `enough`, or until `seconds` have passed, or something is found. */
export async function campaign(
  compiled: Compiled,
  { seed, seconds, enough }: { seed: number; seconds: number; enough: (so: Campaign) => boolean },
): Promise<Campaign> {
  const counts = Object.fromEntries(RARE_CASES.map((name) => [name, 0]));
  const sum: Campaign = { seed, episodes: 0, steps: 0, checks: 0, hashes: [], counts, found: null };
  const until = performance.now() + seconds * 1000;
  for (let first = 0; sum.found === null && !enough(sum); first += LANES * CHUNK) {
    const left = (until - performance.now()) / 1000;
    if (left <= 0) break;
    const requests = Array.from({ length: LANES }, (_, lane): RunRequest => {
      return { seed, first: first + lane * CHUNK, count: CHUNK, seconds: Infinity };
    });
    for (const report of await Promise.all(requests.map((request) => run(compiled, request)))) add(sum, report);
  }
  return sum;
}

function add(sum: Campaign, report: RunReport): void {
  sum.episodes += report.episodes;
  sum.steps += report.steps;
  sum.checks += report.checks;
  sum.hashes.push(...report.hashes);
  for (const [name, count] of Object.entries(report.counts)) sum.counts[name] = (sum.counts[name] ?? 0) + count;
  sum.found ??= report.found;
}

/** Rare cases that have not happened often enough. */
export function tooRare({ counts }: Campaign): string[] {
  return Object.entries(counts)
    .filter(([, count]) => count < RARE_CASES_LEAST)
    .map(([name, count]) => `${name}: ${count}`);
}

/** What a run was, in some lines. */
export function describeCampaign({ seed, episodes, steps, checks, counts }: Campaign): string {
  const cases = Object.entries(counts).map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`);
  const head = `simulation: seed ${seed}, ${episodes} episodes, ${steps} steps, ${checks} states checked`;
  return [head, ...cases].join('\n');
}

/** Works things off with so many at a time, in their order. */
export async function inLanes<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
