/** A site that runs low, on the real Temporal server: looked for, asked for, answered, applied once (figure 11). */
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type SiteConfig } from '../../workers/config';
import { runEntrepot } from '../support/command';
import { engines } from '../support/databases';
import { withInventory } from '../support/inventory-settings';
import { until } from '../support/until';
import { World } from '../support/world';

/** Long: what is looked for before is asked for. */
const EVERY_MINUTES = 60;

function replenishing(config: SiteConfig): SiteConfig {
  const everyMinutes = config.site === 'north' ? EVERY_MINUTES : 0;
  return withInventory(config, () => ({
    replenishment: { everyMinutes, threshold: { units: 2 }, refillTo: { units: 6 }, substitutes: { old: ['new'] } },
  }));
}

describe.each(engines())('on %s', (engine) => {
  let world: World;
  let workflowId: string;
  beforeAll(async () => {
    world = await World.start(engine, ['north'], { adapt: replenishing });
    workflowId = formatWorkflowId('inventoryReplenishment', { store: world.store, site: 'north' });
    // It asks for its first share, too: what comes in below is not for that.
    await until('the first share', async () => {
      const asked = await world
        .site('north')
        .context.db.all<{ state: string }>(`SELECT state FROM workflow_runs WHERE kind = 'inventoryAllocation'`);
      return asked.length === 1 && asked.every(({ state }) => state === 'completed');
    });
  });
  afterAll(() => world.stop());
  afterEach(async () => expect(await world.violations()).toEqual([]));

  const receive = (receiptId: string, units: Record<string, number>) =>
    world.call('hq', 'POST', '/inventory/receipts', {
      body: { receiptId, lines: Object.entries(units).map(([sku, quantity]) => ({ sku, quantity })) },
    });
  const requests = async () => (await world.call('north', 'GET', '/inventory/replenishments')).body.items ?? [];
  const run = async () => (await world.call('north', 'GET', `/workflows/${encodeURIComponent(workflowId)}`)).body;
  const replenish = () => world.call('north', 'POST', '/inventory/replenishments');
  const shortBelow = (sku: string, units: number) =>
    world.call('north', 'PUT', `/inventory/thresholds/${sku}`, { body: { threshold: { units } } });
  const own = async (sku: string) => {
    const { body } = await world.call('north', 'GET', `/inventory/levels?sku=${sku}`);
    return Number(body.items?.[0]?.['own'] ?? 0);
  };
  /** So many requests have been answered, and nothing is on its way. */
  const answered = (count: number) =>
    until(`${count} answers`, async () => {
      const all = await requests();
      const { body } = await world.call('hq', 'GET', '/inventory/transfers?state=in-flight');
      return all.length === count && all.every(({ state }) => state === 'answered') && body.items?.length === 0;
    });

  test('looks by itself from the start, and asks for all that is short at once', async () => {
    await until('the first look', async () => /0 items/.test(JSON.stringify((await run())['result'])));
    expect(await requests()).toEqual([]);
    await receive('first', { full: 20, part: 3, new: 9 });
    for (const sku of ['full', 'part', 'old', 'gone']) await shortBelow(sku, 4);
    const told = await replenish();
    expect([told.status, told.body['workflowId']]).toEqual([202, workflowId]);
    await until('the first answer', async () => (await requests()).at(-1)?.['state'] === 'answered');
    expect((await requests()).at(-1)?.['answers']).toEqual([
      { sku: 'full', asked: 8, outcome: 'full', granted: 8 },
      { sku: 'gone', asked: 8, outcome: 'unavailable', granted: 0, reason: 'not-kept' },
      { sku: 'old', asked: 8, outcome: 'substitute', granted: 0, instead: { sku: 'new', quantity: 8 } },
      { sku: 'part', asked: 8, outcome: 'part', granted: 3 },
    ]);
    await answered((await requests()).length);
    expect([await own('full'), await own('part'), await own('new')]).toEqual([8, 3, 8]);
    const known = await world.call('hq', 'GET', '/inventory/transfers?state=credited');
    expect(known.body.items).toMatchObject([{ taker: 'north', units: 19 }]);
    expect(known.body.items?.[0]?.['cause']).toMatch(/^replenishment:/);
  });

  test('asks again for what nobody had when it is told to', async () => {
    const asksFor = async (sku: string) =>
      (await requests()).filter(({ lines }) => (lines as { sku: string }[]).some((line) => line.sku === sku)).length;
    const [before, all] = [await asksFor('gone'), (await requests()).length];
    await replenish();
    await answered(all + 1);
    expect(await asksFor('gone')).toBe(before + 1);
  });

  test('holds its request while the parent is away, and is answered when it is back', async () => {
    for (const sku of ['part', 'old']) await world.call('north', 'DELETE', `/inventory/thresholds/${sku}`);
    await shortBelow('gone', 0);
    await receive('second', { late: 9 });
    await shortBelow('late', 3);
    const before = (await requests()).length;
    await world.stopSite('hq');
    await replenish();
    await until('the hold', async () => (await run())['state'] === 'held');
    expect((await requests())[0]).toMatchObject({ state: 'asked', parent: 'hq' });
    const { body } = await world.call('north', 'GET', '/deliveries');
    expect(body.items).toMatchObject([{ kind: 'stock', state: 'held', site: 'hq', count: 6, workflowId }]);
    await world.startSite('hq');
    await answered(before + 1);
    await until('the hold to end', async () => (await run())['state'] === 'running');
    expect(await own('late')).toBe(6);
  });

  test('thresholds and answers are set and shown by command', async () => {
    const stock = async (...words: string[]) => {
      const all = ['stock', ...words, '--site', 'north', '--data', world.trialDirectory()];
      return runEntrepot(all, { cwd: world.folder });
    };
    const set = await stock('threshold', 'full', '25%', '--refill-to', '3d', '--json');
    expect(JSON.parse(set.stdout)).toEqual([
      {
        ...{ sku: 'full', own: { threshold: { percentage: 25 }, refillTo: { days: 3 } } },
        ...{ thresholdUnits: 2, refillUnits: 2 },
      },
    ]);
    expect((await stock('thresholds')).stdout).toMatch(/full +2 +2 +25 percentage, then 3 days/);
    expect((await stock('threshold', 'full', '--remove')).stdout).toMatch(/full +2 +6 +the store's/);
    const refused = await stock('threshold', 'full', 'many');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('25%, 3d or value:0.05')]);
    expect((await stock('replenishments')).stdout).toMatch(/ hq +old +8 +substitute +0 .* 8 of new/);
    expect((await stock('replenish')).stdout).toContain(workflowId);
  });

  test('a parent has nobody to ask', async () => {
    const refused = await world.call('hq', 'POST', '/inventory/replenishments');
    expect([refused.status, refused.body['type']]).toEqual([422, expect.stringMatching(/no-parent$/)]);
  });
});
