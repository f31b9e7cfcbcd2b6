/** Background work gives way to buyers' requests, and to nobody else's; it waits for them, but not for ever. */
import { BuyersUnderWay } from '../../activities/buyers';

test('work gives way until the last buyer has an answer', async () => {
  const buyers = new BuyersUnderWay();
  await buyers.giveWay();
  const [first, second] = [buyers.enter(), buyers.enter()];
  const told: string[] = [];
  const working = buyers.giveWay().then(() => told.push('works'));
  first();
  await Promise.resolve();
  told.push('first answered');
  second();
  await working;
  expect(told).toEqual(['first answered', 'works']);
  await buyers.giveWay();
});

test('work goes on by itself where buyers never stop coming', async () => {
  const buyers = new BuyersUnderWay();
  const done = buyers.enter();
  await buyers.giveWay();
  await buyers.giveWay();
  done();
});
