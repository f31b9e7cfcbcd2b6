/** Sharing out by each rule over HTTP: what a dry run shows is what the allocation gives, and every unit is somewhere. */
import { runEntrepot } from '../support/command';
import { engines } from '../support/databases';
import { type Answer, World, itemsCsv } from '../support/world';
import { until } from '../support/until';

interface DryRun {
  readonly by: string;
  readonly pool: { readonly units: number };
  readonly sites: readonly { readonly site: string; readonly units: number; readonly lines: number }[];
  readonly rest: { readonly units: number };
  readonly items: readonly {
    readonly sku: string;
    readonly pool: number;
    readonly rest: number;
    readonly gets: readonly { readonly site: string; readonly quantity: number }[];
  }[];
  readonly itemsLeftOut: number;
}

const one = (sku: string, quantity: number) => [{ sku, quantity }];

describe.each(engines())('on %s', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(engine, ['north', 'south']);
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.00', V: '3.00' }), ['north', 'south']);
    await world.stock([...one('A', 40), ...one('B', 40), ...one('V', 8)]);
    const sold = await Promise.all([
      world.buy('north', one('A', 3)),
      world.buy('north', [...one('A', 3), ...one('B', 1)]),
      world.buy('south', one('A', 2)),
      world.buy('north', one('V', 4)),
    ]);
    const orders = sold.map(({ body }) => String(body['orderId']));
    await until('the orders to be at the primary', async () => {
      const states = await Promise.all(orders.map((order) => world.orderState('hq', order)));
      return states.every((state) => state === 'confirmed');
    });
  });
  afterAll(() => world.stop());

  let receipts = 0;
  const receive = async (lines: readonly { sku: string; quantity: number }[]) => {
    const body = { receiptId: `receipt-${receipts++}`, lines };
    expect((await world.call('hq', 'POST', '/inventory/receipts', { body })).status).toBe(200);
  };
  const allocate = (body: object): Promise<Answer> => world.call('hq', 'POST', '/inventory/allocations', { body });
  const dryRun = async (body: object): Promise<DryRun> => {
    const answer = await allocate({ ...body, dryRun: true });
    expect(answer.status).toBe(200);
    return answer.body as unknown as DryRun;
  };
  /** Units that the allocation gave, by taker; and to the primary itself. */
  const given = async (body: object): Promise<Record<string, number>> => {
    const started = await allocate(body);
    expect(started.status).toBe(202);
    const id = String(started.body['workflowId']);
    await world.finished('hq', id);
    const { result } = (await world.call('hq', 'GET', `/workflows/${encodeURIComponent(id)}`)).body as {
      result: { ownUnits: number; transfers: readonly { taker: string; units: number }[] };
    };
    const units: Record<string, number> = result.ownUnits > 0 ? { hq: result.ownUnits } : {};
    for (const { taker, units: more } of result.transfers) units[taker] = (units[taker] ?? 0) + more;
    return units;
  };
  const shown = ({ sites }: DryRun) =>
    Object.fromEntries(sites.filter(({ units }) => units > 0).map(({ site, units }) => [site, units]));
  const everything = async () => ({
    levels: await Promise.all(
      ['hq', 'north', 'south'].map(async (site) => (await world.call(site, 'GET', '/inventory/levels')).body.items),
    ),
    workflows: (await world.call('hq', 'GET', '/workflows')).body.items?.length,
    transfers: (await world.call('hq', 'GET', '/inventory/transfers')).body.items?.length,
  });
  const pool = async (sku: string) =>
    Number((await world.call('hq', 'GET', `/inventory/levels?sku=${sku}`)).body.items?.[0]?.['pool'] ?? 0);
  /** Receives what the pool lacks of so many units. */
  const fill = async (sku: string, units: number) => receive(one(sku, units - (await pool(sku))));
  const sum = (units: Readonly<Record<string, number>>) => Object.values(units).reduce((all, each) => all + each, 0);

  test('measured demand is listed by item and site', async () => {
    await allocate({ by: 'traffic', dryRun: true });
    const { items } = (await world.call('hq', 'GET', '/inventory/demand')).body;
    expect(items?.map(({ sku }) => sku)).toEqual(['A', 'B', 'V']);
    const [a] = (await world.call('hq', 'GET', '/inventory/demand?sku=A')).body.items as unknown as {
      sites: { site: string; unitsPerDay: number; linesPerDay: number }[];
    }[];
    const of = (name: string) => a?.sites.find(({ site }) => site === name);
    expect(a?.sites.map(({ site }) => site).sort()).toEqual(['hq', 'north', 'south']);
    expect(of('north')?.unitsPerDay).toBeGreaterThan(of('south')?.unitsPerDay ?? Infinity);
    expect(of('south')?.linesPerDay).toBeGreaterThan(of('hq')?.linesPerDay ?? Infinity);
    const page = (await world.call('hq', 'GET', '/inventory/demand?limit=1')).body;
    expect([page.items?.length, page['next']]).toEqual([1, 'A']);
  });

  test.each([
    [{ by: 'equal' }, { north: 51, south: 50 }],
    [
      { by: 'shares', shares: { north: 3, south: 1 } },
      { north: 76, south: 25 },
    ],
    [{ shares: { south: 1 } }, { south: 101 }],
    [
      { shares: { hq: 1, north: 1 }, ownShare: true },
      { hq: 51, north: 50 },
    ],
    [{ by: 'traffic' }, null],
  ])('%j: a dry run changes nothing, and the allocation gives what it has shown', async (terms, expected) => {
    await fill('A', 101);
    const plan = await dryAndReal(terms, 'A');
    const units = shown(plan);
    // The odd unit goes to either.
    const parts = (of: Readonly<Record<string, number>>) => Object.values(of).sort((a, b) => a - b);
    if (expected) expect([Object.keys(units).sort(), parts(units)]).toEqual([Object.keys(expected), parts(expected)]);
    else expect(units['north']).toBeGreaterThan(units['south'] ?? Infinity);
    expect(plan.rest.units).toBe(0);
  });

  test('by value: sites get what is worth more there, by what they hold and what was asked for; the rest stays', async () => {
    await fill('V', 60);
    // Of a site that does not say what it holds nobody knows what more is worth there.
    await world.stopSite('north');
    expect(shown(await dryRun({ by: 'value', skus: ['V'] }))['north']).toBeUndefined();
    await world.startSite('north');
    const plan = await dryAndReal({ by: 'value' }, 'V');
    const { north = 0, south = 0 } = shown(plan);
    expect(north).toBeGreaterThan(south);
    expect(plan.rest.units).toBeGreaterThan(0);
    // What it has got it holds now, so it gets no more.
    expect(shown(await dryRun({ by: 'value', skus: ['V'] }))).toEqual({});
  });

  /** The dry run, after which the allocation has given the same. */
  const dryAndReal = async (terms: object, sku: string): Promise<DryRun> => {
    const before = await everything();
    const plan = await dryRun({ ...terms, skus: [sku] });
    expect(await everything()).toEqual(before);
    expect(plan.pool.units).toBe(await pool(sku));
    expect(sum(shown(plan)) + plan.rest.units).toBe(plan.pool.units);
    const [item] = plan.items;
    expect(item?.gets.reduce((all, { quantity }) => all + quantity, item.rest)).toBe(item?.pool);
    expect(await given({ ...terms, skus: [sku] })).toEqual(shown(plan));
    expect(await pool(sku)).toBe(plan.rest.units);
    return plan;
  };

  test('only: a site gets its share of what all would get, and the rest stays in the pool', async () => {
    await fill('A', 100);
    const all = await dryRun({ by: 'traffic', skus: ['A'] });
    const north = shown(all)['north'] ?? 0;
    const terms = { by: 'traffic', skus: ['A'], sites: ['north'], only: true };
    expect(await dryRun(terms)).toMatchObject({
      sites: [{ site: 'north', units: north }],
      rest: { units: 100 - north },
    });
    expect(await given(terms)).toEqual({ north });
    expect(await pool('A')).toBe(100 - north);
    expect(shown(await dryRun({ by: 'traffic', skus: ['A'], sites: ['north'] }))).toEqual({ north: 100 - north });
  });

  test('the command line shows demand, and who would get what', async () => {
    await fill('A', 90);
    const inventory = (...words: string[]) =>
      runEntrepot(['inventory', ...words, '--data', world.trialDirectory()], { cwd: world.folder });
    const parts = ['--share', 'north=2', '--share', 'south=1'];
    const { code, stdout, stderr } = await inventory('allocate', '--sku', 'A', ...parts, '--dry-run');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^sku +north +south +stays in the pool$/m);
    expect(stdout).toMatch(/^A +60 +30 +0$/m);
    expect(stdout).toContain('a dry run (by shares): nothing has changed');
    expect(await pool('A')).toBe(90);
    expect((await inventory('demand', '--sku', 'A')).stdout).toMatch(/^A +north +0\.\d{3} +0\.\d{3}$/m);
  });

  test('a request that contradicts itself is refused with the way out', async () => {
    for (const [body, status, said] of [
      [{ shares: { hq: 1 } }, 422, 'no taker has a part'],
      [{ shares: { north: 0 } }, 422, 'takers: north, south'],
      [{ shares: { west: 1 } }, 422, '"west" has a part, and is no site'],
      [{ shares: { north: 1 }, by: 'value' }, 400, 'by'],
      [{ only: true }, 400, 'only'],
    ] as const) {
      const answer = await allocate(body);
      expect([answer.status, JSON.stringify(answer.body).replaceAll('\\', '')]).toEqual([
        status,
        expect.stringContaining(said),
      ]);
    }
  });
});
