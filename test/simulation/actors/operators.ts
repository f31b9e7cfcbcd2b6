/** Operators back sites up, and restore one whose disk is lost. */
import { type Site } from '../site';
import { ROOT } from '../shop';
import { type Actor } from './index';

/** How often it would be the root: it loses what it had received, which nothing sends again (docs/guarantees.md). */
const ROOT_ONE_IN = 12;

export const operators: Actor = {
  name: 'operators',
  every: [600, 2_500],
  async act(world) {
    const { dice, weather, oracle } = world;
    const all = [...world.sites.keys()];
    for (const name of dice.some(all, 2)) backUp(world.site(name));
    // Most is at stake where a transfer is on its way, or has come and the giver does not know it.
    const takers = oracle.stock.takersUnderWay();
    const others = (takers.length > 0 ? takers : all).filter((name) => name !== ROOT);
    const site = world.site(others.length === 0 || dice.oneIn(ROOT_ONE_IN) ? ROOT : dice.pick(others));
    const much = takers.length > 0 || site.name === ROOT;
    if (!site.hasBackup || !dice.chance(much ? weather.restore * 4 : weather.restore / 3)) return;
    world.happened('restore');
    if (site.name === ROOT) world.happened('restore of the root');
    if (takers.includes(site.name)) world.happened('restore with a transfer on its way');
    await site.restore();
  },
};

function backUp(site: Site): void {
  // Before its first start there is nothing of a site to back up.
  if (site.hasRegistered) site.backUp();
}
