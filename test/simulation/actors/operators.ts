/** Operators back sites up, and restore one whose disk is lost. */
import { ROOT } from '../world';
import { type Actor } from './index';

/** Restores of the root: it loses what it had received, which nothing sends again by itself (docs/guarantees.md). */
const ROOT_ONE_IN = 5;

export const operators: Actor = {
  name: 'operators',
  every: [2_000, 8_000],
  async act(world) {
    const { dice, weather, oracle } = world;
    const site = world.site(dice.pick([...world.sites.keys()]));
    if (site.process && dice.oneIn(2)) return site.backUp();
    if (!site.hasBackup || !dice.chance(weather.restore * 3)) return;
    if (site.name === ROOT && !dice.oneIn(ROOT_ONE_IN)) return;
    world.happened('restore');
    if (oracle.stock.transfersOnTheirWay().length > 0) world.happened('restore with a transfer on its way');
    await site.restore();
  },
};
