/**
 * Old rows of the inbox go: what must hold for ever has a key of its own beside it (design, section 3). So a document may
 * come again when nobody remembers it.
 */
import { STORE } from '../shop';
import { type Actor } from './index';

/** How old a row may become, milliseconds: far less than in life, so that a document can outlast it. */
const AGE_MS_MAX = 5_000;

export const janitors: Actor = {
  name: 'janitors',
  every: [150, 1_500],
  act(world) {
    const { dice, weather } = world;
    if (!dice.chance(weather.sweep * 2)) return;
    const age = dice.below(AGE_MS_MAX);
    for (const site of world.sites.values()) {
      world.outsideDoes('janitor', async () => {
        const swept = await world.ask(site, 'sweep the inbox', ({ db, runtime }) =>
          db.run('DELETE FROM inbox WHERE store = ? AND received_at < ?', [STORE, runtime.clock.now() - age]),
        );
        if (swept > 0) world.happened('inbox swept');
      });
    }
  },
};
