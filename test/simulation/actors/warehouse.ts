/** Units come in, and are booked at the root: once, however often the warehouse has to ask. */
import { bookReceiptLines } from '../../../activities/inventory/receipts';
import { unitsOf } from '../oracle/amounts';
import { ITEMS, STORE } from '../shop';
import { type World } from '../world';
import { type Actor } from './index';

const ATTEMPTS_MAX = 6;

export const warehouse: Actor = {
  name: 'warehouse',
  every: [250, 3_000],
  act(world) {
    const { dice, oracle } = world;
    const receipt = `receipt-${dice.below(2 ** 31)}`;
    const lines = dice.some(ITEMS, dice.between(1, 3)).map(({ sku }) => ({ sku, quantity: dice.between(1, 25) }));
    oracle.stock.arrive(receipt, unitsOf(lines));
    oracle.note(
      'warehouse',
      `receives ${receipt}`,
      lines.map(({ sku }) => sku),
    );
    // By more than one hand, at times.
    const hands = dice.oneIn(5) ? 2 : 1;
    for (let hand = 1; hand <= hands; hand++) world.outsideDoes('warehouse', () => book(world, receipt, lines));
  },
};

async function book(world: World, receipt: string, lines: readonly { sku: string; quantity: number }[]): Promise<void> {
  const { root, scheduler, outside, dice } = world;
  const { restores } = root;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    // Once the root's data are others, nobody knows what was booked: what is there is counted, not booked again.
    if (root.restores !== restores) return;
    try {
      await world.ask(root, 'receipt', async (context) => {
        if (root.restores === restores) await bookReceiptLines(context, STORE, receipt, lines);
      });
      return;
    } catch {
      await scheduler.wait(outside, 'warehouse tries again', { delay: dice.below(10_000) });
    }
  }
}
