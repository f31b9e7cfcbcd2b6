/** What does not move is listed over all sites, and goes from the list when it has moved. */
import { parkDocument } from '../../db/orders';
import { runEntrepot } from '../support/command';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

test('held list shows what every site holds or has parked, for whom, why, and the workflow', async () => {
  const world = await World.start('sqlite', ['north', 'south']);
  try {
    await world.pushItems(itemsCsv({ A: '1.00' }), ['north', 'south']);
    const data = world.trialDirectory();
    const list = (...words: string[]) => runEntrepot([...words, '--data', data], { cwd: world.folder });
    const none = await list('held', 'list');
    expect(none).toMatchObject({ code: 0, stdout: 'nothing is held or parked\n', stderr: '' });

    const parked = { store: world.store, payloadId: 'p', kind: 'OrderRequest', sender: 'north', document: '' };
    await world
      .site('south')
      .context.db.transaction((tx) =>
        parkDocument(tx, { ...parked, subject: 'order o', reason: 'its total is wrong', now: Date.now() }),
      );
    await world.stopSite('north');
    await world.pushItems(itemsCsv({ A: '2.00' }), ['south']);
    const held = await until('the hold', async () => {
      const answer = await list('held', 'list', '--json');
      const found = JSON.parse(answer.stdout) as Record<string, unknown>[];
      return found.some(({ state }) => state === 'held') && { ...answer, found };
    });
    expect(held.code).toBe(3);
    expect(held.stderr).toContain(`no answer from ${world.config('north').url}`);
    expect(held.found).toMatchObject([
      {
        at: 'south',
        kind: 'document',
        subject: 'order o',
        site: 'south',
        state: 'parked',
        reason: 'its total is wrong',
      },
      {
        ...{ at: 'hq', kind: 'catalog', subject: 'main 1.2', site: 'north', state: 'held' },
        reason: expect.stringContaining('north has not taken the document'),
        temporalUi: expect.stringContaining(encodeURIComponent(`catalogDelivery/${world.store}/main/north`)),
      },
    ]);
    const one = await list('held', 'list', '--site', 'south');
    expect(one).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^south +document +order o +1 +south +parked /m),
    });
    expect(one.stdout).not.toContain('main 1.2');

    await world.startSite('north');
    await world.confirmed(['north']);
    const left = await list('deliveries', '--json');
    expect(left.code).toBe(0);
    expect(JSON.parse(left.stdout)).toMatchObject([{ at: 'south', state: 'parked' }]);
  } finally {
    await world.stop();
  }
});
