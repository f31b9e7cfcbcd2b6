/** Buyers at all sites, who want much the same, ask again when no answer comes, and press the button twice. */
import { checkOut, fillCart, wantCart } from './carts';
import { type Actor } from './index';

export const buyers: Actor = {
  name: 'buyers',
  every: [50, 1_500],
  act(world) {
    const { dice } = world;
    const site = world.site(dice.pick([...world.sites.keys()]));
    const wanted = wantCart(world);
    world.outsideDoes('buyer', async () => {
      await fillCart(world, site, wanted);
      if (dice.oneIn(4)) world.outsideDoes('buyer, again', () => checkOut(world, site, wanted));
      await checkOut(world, site, wanted);
    });
  },
};
