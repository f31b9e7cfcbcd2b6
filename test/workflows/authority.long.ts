/** A delivery that is held while nobody speaks for the topology hears of changes all the same, once somebody does. */
import { sellWithoutAuthority, startTree } from './lost-authority';

test('an order goes to the new data of a site that came back after the authority was lost', async () => {
  const world = await startTree();
  try {
    await sellWithoutAuthority(world);
  } finally {
    await world.stop();
  }
}, 300_000);
