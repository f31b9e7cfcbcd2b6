/** Operators take transfers back that do not arrive: the taker refuses first, if it has not credited already. */
import { takeBack } from '../../../activities/inventory/voiding';
import { storeSettings } from '../../../activities/context';
import { parseTransferId } from '../../../domain/inventory';
import { STORE } from '../shop';
import { type Actor } from './index';

export const reclaims: Actor = {
  name: 'reclaims',
  every: [30, 200],
  act(world) {
    const { dice, oracle } = world;
    const open = oracle.stock.transfersUnderWay();
    if (open.length === 0) return;
    const name = dice.pick(open);
    const id = parseTransferId(name);
    if (!id) throw new Error(`"${name}" is no transfer`);
    world.outsideDoes('take back', async () => {
      const became = await world.ask(world.site(id.giver), `take ${name} back`, (context) =>
        takeBack(context, storeSettings(context, STORE), id),
      );
      world.happened(became === 'void' ? 'void' : 'void came too late');
    });
  },
};
