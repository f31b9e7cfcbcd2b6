/** One episode: a world of its own, rough for so many steps, then calm until everything has arrived. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beginActing } from './actors';
import { type Counters } from './counters';
import { partSeed } from './dice';
import { Violation } from './oracle';
import { type Sandbox } from './temporal/sandbox';
import { calm } from './weather';
import { World } from './world';

export interface EpisodeOptions {
  readonly seed: number;
  readonly episode: number;
  readonly sandbox: Sandbox;
  readonly template: string;
  /** A folder in memory. */
  readonly folder: string;
}

export interface EpisodeResult {
  readonly steps: number;
  /** Looks of the oracle at something new. */
  readonly checks: number;
  /** Of everything that was decided, in its order. */
  readonly hash: string;
  readonly counters: Counters;
}

/** An episode found something. */
export class EpisodeFailure extends Error {
  constructor(
    readonly seed: number,
    readonly episode: number,
    readonly step: number,
    readonly violation: Error,
    readonly history: string,
  ) {
    super(
      `seed ${seed}, episode ${episode}, step ${step}: ${violation instanceof Violation ? violation.message : violation.stack}\n` +
        `What happened to it:\n${history}\n` +
        `The same again: ENTREPOT_SEED=${seed} ENTREPOT_EPISODE=${episode} npm run simulation`,
    );
  }
}

/** Steps of the rough part. */
const ROUGH_STEPS = 4_000;
/** Steps that may pass until everything has arrived. */
const CALM_STEPS_MAX = 40_000;
/** How often it is asked whether all has arrived, steps. */
const SETTLED_ASKED_STEPS = 25;

export async function runEpisode({ seed, episode, sandbox, template, folder }: EpisodeOptions): Promise<EpisodeResult> {
  const own = join(folder, `episode-${episode}`);
  mkdirSync(own, { recursive: true });
  const world = new World({ seed: partSeed(seed, episode), sandbox, template, folder: own });
  const { scheduler, oracle, counters } = world;
  try {
    await world.begin();
    beginActing(world);
    while (scheduler.steps < ROUGH_STEPS && (await scheduler.step()));
    settleDown(world);
    const last = scheduler.steps + CALM_STEPS_MAX;
    while (!isSettled(world) && scheduler.steps < last && (await scheduler.step()));
    requireEnd(world);
    for (let twice = oracle.orders.cartsSoldTwice; twice > 0; twice--) counters.happened('two orders of one cart');
    for (let { replenished } = oracle.stock; replenished > 0; replenished--) counters.happened('replenished');
    for (let { expired } = oracle.stock; expired > 0; expired--) counters.happened('reservation went back');
    for (let { borrowed } = oracle.stock; borrowed > 0; borrowed--) counters.happened('borrowed from another site');
    for (let { returns } = oracle.orders; returns > 0; returns--) counters.happened('return');
    return { steps: scheduler.steps, checks: oracle.checks, hash: scheduler.traceHash(), counters };
  } catch (error) {
    const subjects = error instanceof Violation ? error.subjects : [];
    throw new EpisodeFailure(seed, episode, scheduler.steps, error as Error, oracle.history.about(subjects));
  } finally {
    await end(world);
    rmSync(own, { recursive: true, force: true });
  }
}

/** Nobody begins anything new, and nothing goes wrong any more. */
function settleDown(world: World): void {
  world.calm = true;
  Object.assign(world.weather, calm());
  world.temporal.up = true;
  for (const { cut } of world.sites.values()) cut.toSite = cut.fromSite = false;
  world.oracle.note('the world', 'is calm from here on');
}

function isSettled(world: World): boolean {
  const { scheduler, oracle } = world;
  if (scheduler.steps % SETTLED_ASKED_STEPS !== 0) return false;
  return world.asking === 0 && unfinished(world).length === 0 && oracle.unsettled().length === 0;
}

/** A workflow that waits for the answer to an order waits in vain where the order was lost with its site's data. */
function unfinished({ temporal, sites }: World): string[] {
  const inVain = [...sites.values()].filter(({ restores }) => restores > 0).map(({ name }) => `/${name}/`);
  return temporal.unfinished().filter((id) => !id.startsWith('cartTo') || !inVain.some((site) => id.includes(site)));
}

function requireEnd(world: World): void {
  world.oracle.requireSettled();
  const { temporal, sites } = world;
  const [failed] = temporal.failed();
  if (failed !== undefined && [...sites.values()].every(({ restores }) => restores === 0)) {
    throw new Violation(2, `${failed} has failed, and no site has lost its data`, failed.split('/').slice(-1));
  }
  const [open] = unfinished(world);
  if (open === undefined) return;
  throw new Violation(2, `when all was calm again, ${open} has not come to an end`, open.split('/').slice(-1));
}

async function end({ sites, scheduler, temporal, oracle, outside }: World): Promise<void> {
  for (const { process } of sites.values()) {
    if (!process) continue;
    scheduler.kill(process.life);
    await process.context.db.close();
  }
  scheduler.kill(outside);
  await temporal.close();
  oracle.close();
}
