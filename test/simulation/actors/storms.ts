/** Cuts links, in one direction or both, takes Temporal away, and kills processes. */
import { type World } from '../world';
import { type Actor } from './index';

/** How long something stays away at most, milliseconds. */
const CUT_MS_MAX = 20_000;
const AWAY_MS_MAX = 10_000;

export const storms: Actor = {
  name: 'storms',
  every: [400, 2_500],
  act(world) {
    const { dice, weather, temporal } = world;
    const site = world.site(dice.pick([...world.sites.keys()]));
    const takers = world.oracle.stock.takersUnderWay();
    // Most is at stake where a transfer is on its way.
    if (dice.chance(takers.length > 0 ? weather.cut * 2 : weather.cut)) cut(world, takers);
    if (temporal.up && dice.chance(weather.temporalAway)) away(world);
    if (dice.chance(weather.kill)) site.crash('by nothing in particular');
  },
};

function cut(world: World, takers: readonly string[]): void {
  const { dice, scheduler, outside, oracle } = world;
  const site = world.site(dice.pick(takers.length > 0 && !dice.oneIn(5) ? takers : [...world.sites.keys()]));
  const directions = dice.pick([['toSite'], ['fromSite'], ['toSite', 'fromSite']] as const);
  if (directions.length === 1) world.happened('one-way cut');
  if (takers.includes(site.name)) world.happened('cut during a transfer');
  for (const direction of directions) site.cut[direction] = true;
  oracle.note(site.name, `is cut off: ${directions.join(', ')}`);
  scheduler.later(outside, 'the cut is mended', dice.below(CUT_MS_MAX), () => {
    for (const direction of directions) site.cut[direction] = false;
    oracle.note(site.name, `hears and speaks again: ${directions.join(', ')}`);
  });
}

function away({ dice, scheduler, outside, temporal, oracle, counters }: World): void {
  counters.happened('Temporal away');
  temporal.up = false;
  oracle.note('temporal', 'is away');
  scheduler.later(outside, 'Temporal returns', dice.below(AWAY_MS_MAX), () => {
    temporal.up = true;
    oracle.note('temporal', 'is back');
  });
}
