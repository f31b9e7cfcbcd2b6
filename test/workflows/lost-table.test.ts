/** A parent that has lost its table of confirmations has it again when its push has ended. */
import { World, itemsCsv } from '../support/world';
import { askAgainAfterLoss, stateInTable } from './lost-table';

test('a delivery that is asked again for what it has brought says so again', async () => {
  const world = await World.start('sqlite', ['north']);
  try {
    await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
    await askAgainAfterLoss(world);
    expect(await stateInTable(world)).toBe('confirmed');
  } finally {
    await world.stop();
  }
});
