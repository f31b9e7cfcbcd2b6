/** Operators back sites up, and restore one whose disk is lost. */
import { type Site } from '../site';
import { ROOT } from '../shop';
import { type Actor } from './index';

/** Restores of the root: it loses what it had received, which nothing sends again by itself (docs/guarantees.md). */
const ROOT_ONE_IN = 5;

export const operators: Actor = {
  name: 'operators',
  every: [600, 2_500],
  async act(world) {
    const { dice, weather, oracle } = world;
    const all = [...world.sites.keys()];
    for (const name of dice.some(all, 2)) backUp(world.site(name));
    // Most is at stake where a transfer is on its way, or has come and the giver does not know it.
    const takers = oracle.stock.takersUnderWay();
    const site = world.site(dice.pick(takers.length > 0 ? takers : all));
    if (!site.hasBackup || !dice.chance(takers.length > 0 ? weather.restore * 4 : weather.restore / 3)) return;
    if (site.name === ROOT && !dice.oneIn(ROOT_ONE_IN)) return;
    world.happened('restore');
    if (takers.includes(site.name)) world.happened('restore with a transfer on its way');
    await site.restore();
  },
};

function backUp(site: Site): void {
  // Before its first start there is nothing of a site to back up.
  if (site.hasRegistered) site.backUp();
}
