/** One cart, copied to two sites and ordered at both: the root takes the first, and the other's units go back. */
import { checkOut, fillCart, wantCart } from './carts';
import { type Actor } from './index';

export const splitCarts: Actor = {
  name: 'split carts',
  every: [200, 2_500],
  act(world) {
    const { dice } = world;
    const wanted = wantCart(world);
    for (const name of dice.some([...world.sites.keys()], 2)) {
      const site = world.site(name);
      world.outsideDoes('split cart', async () => {
        await fillCart(world, site, wanted);
        await checkOut(world, site, wanted);
      });
    }
  },
};
