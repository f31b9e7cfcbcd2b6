/** A site is told from when on it runs low, and to look for what it is short of. */
import { storeSettings } from '../../../activities/context';
import { lookForShortItems } from '../../../activities/inventory/replenishment-request';
import { setThreshold } from '../../../activities/inventory/thresholds';
import { ITEMS, ROOT, STORE } from '../shop';
import { type Actor } from './index';

export const replenishments: Actor = {
  name: 'replenishments',
  every: [600, 4_000],
  act(world) {
    const { dice } = world;
    const site = world.site(dice.pick([...world.sites.keys()].filter((name) => name !== ROOT)));
    const { sku } = dice.pick(ITEMS);
    const [threshold, refillTo] = [{ units: dice.between(1, 20) }, { units: dice.between(10, 40) }];
    world.outsideDoes('replenishment', () =>
      world.ask(site, 'look for short items', async (context) => {
        await setThreshold(context, storeSettings(context, STORE), sku, { threshold, refillTo });
        await lookForShortItems(context, STORE, 'simulated');
      }),
    );
  },
};
