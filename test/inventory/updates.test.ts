/** Unsolicited updates: each once, in any order of arrival; what can't be taken is told. */
import fc from 'fast-check';
import { updateActivities } from '../../activities/inventory/updates';
import { reallocationActivities } from '../../activities/inventory/reallocation';
import { listUpdates } from '../../db/inventory';
import { type UpdateKind, type UpdateLine } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { StockTree } from './stock-tree';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const RUNS = Number(process.env['ENTREPOT_SCHEDULES'] ?? 15);

interface Update {
  readonly id: string;
  readonly kind: UpdateKind;
  readonly line: Omit<UpdateLine, 'sku'>;
}

/** What a site has more or less of by an update, when nothing is short. */
const effect = ({ kind, line }: Update) =>
  kind === 'count'
    ? line.quantity - (line.expected ?? 0)
    : kind === 'receipt' || kind === 'return'
      ? line.quantity
      : -line.quantity;

const units = fc.integer({ min: 1, max: 9 });
const update = fc.oneof(
  fc.record({
    kind: fc.constantFrom('receipt', 'return', 'shrinkage', 'recall'),
    line: fc.record({ quantity: units }),
  }),
  fc.record({ kind: fc.constant('count'), line: fc.record({ quantity: units, expected: units }) }),
) as fc.Arbitrary<Omit<Update, 'id'>>;
/** Updates, and an order in which they arrive, some of them twice. */
const arrivals = fc.array(update, { minLength: 1, maxLength: 6 }).chain((updates) =>
  fc.tuple(
    fc.constant(updates),
    fc.shuffledSubarray(
      updates.flatMap((_, index) => [index, index]),
      { minLength: updates.length },
    ),
  ),
);

describe.each(engines())('on %s', (engine) => {
  let tree: StockTree;
  beforeAll(async () => {
    tree = await StockTree.grow(engine, { hq: null, north: 'hq', south: 'hq' });
  });
  afterAll(() => tree.fell());
  afterEach(async () => expect(await tree.violations()).toEqual([]));

  const newId = () => REAL_RUNTIME.ids.uuid();
  const at = (site: string) => updateActivities(tree.site(site).context);
  const apply = (site: string, sku: string, { id, kind, line }: Update) =>
    at(site).applyInventoryUpdate({ store: STORE, update: id, kind, lines: [{ sku, ...line }] });
  const rights = async (site: string, sku: string) => {
    const { own, pool } = await tree.units(site, sku);
    return own + pool;
  };

  test('with enough there, every order and repetition leaves the same', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ([updates, order]) => {
        const sku = newId();
        await tree.has('north', [{ sku, quantity: 1_000 }]);
        const named = updates.map((each): Update => ({ ...each, id: newId() }));
        for (const index of [...order, ...named.keys()]) {
          const { result } = await apply('north', sku, named[index] as Update);
          expect(result.short).toEqual([]);
        }
        const expected = named.reduce((sum, each) => sum + effect(each), 1_000);
        expect(await rights('north', sku)).toBe(expected);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  test('with too little there, nothing falls below zero, and what is short is told', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ([updates, order]) => {
        const sku = newId();
        await tree.has('north', [{ sku, quantity: 3 }]);
        const named = updates.map((each): Update => ({ ...each, id: newId() }));
        const short = new Map<string, number>();
        for (const index of [...order, ...named.keys()]) {
          const each = named[index] as Update;
          const { result } = await apply('north', sku, each);
          expect(await rights('north', sku)).toBeGreaterThanOrEqual(0);
          short.set(each.id, result.short[0]?.quantity ?? 0);
        }
        const told = [...short.values()].reduce((sum, quantity) => sum + quantity, 0);
        expect(await rights('north', sku)).toBe(named.reduce((sum, each) => sum + effect(each), 3) + told);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  test('other content under a known id is refused for good, and the parent lists what was short', async () => {
    const sku = newId();
    await tree.has('north', [{ sku, quantity: 2 }]);
    const gone: Update = { id: newId(), kind: 'shrinkage', line: { quantity: 5 } };
    const { result } = await apply('north', sku, gone);
    expect(result).toEqual({ added: [], taken: [{ sku, quantity: 2 }], short: [{ sku, quantity: 3 }] });
    await expect(apply('north', sku, { ...gone, line: { quantity: 4 } })).rejects.toMatchObject({ nonRetryable: true });
    expect(await listUpdates(tree.site('north').db, STORE, { limit: 1, short: true })).toMatchObject([
      { updateId: gone.id, result },
    ]);
  });

  describe('a reallocation', () => {
    const act = (site: string) => reallocationActivities(tree.site(site).context);

    test('analyses what the taker lacks now, takes from the pool first, and leaves every giver its floor', async () => {
      const sku = newId();
      await tree.has('hq', [{ sku, quantity: 2 }], 'pool');
      await tree.has('south', [{ sku, quantity: 4 }]);
      await tree.has('north', [{ sku, quantity: 1 }]);
      const wanted = [{ sku, quantity: 9 }];
      const needs = await act('north').reportNeeds({ store: STORE, wanted });
      expect(needs).toEqual([{ sku, quantity: 8 }]);
      const spare = [{ site: 'south', lines: await act('south').reportSpare({ store: STORE, lines: needs }) }];
      const plan = await act('hq').planReallocation({ store: STORE, taker: 'north', needs, spare });
      expect(plan).toEqual({
        givers: [
          { site: 'hq', lines: [{ sku, quantity: 2 }] },
          { site: 'south', lines: [{ sku, quantity: 3 }] },
        ],
        missing: [{ sku, quantity: 3 }],
      });
      expect(await act('north').reportNeeds({ store: STORE, wanted: [{ sku, quantity: 1 }] })).toEqual([]);
    });

    test('a giver gives once per request, never below its floor, and nothing when it is too late', async () => {
      const sku = newId();
      await tree.has('south', [{ sku, quantity: 4 }]);
      const gift = {
        ...{ store: STORE, taker: 'north', takerIncarnation: 2, lines: [{ sku, quantity: 9 }] },
        ...{ request: newId(), until: Date.now() + 60_000 },
      };
      expect(await act('south').giveStock({ ...gift, request: newId(), until: 0 })).toEqual([]);
      const [first, second] = await Promise.all([act('south').giveStock(gift), act('south').giveStock(gift)]);
      expect(first).toMatchObject([{ taker: 'north', units: 3 }]);
      expect(second).toEqual(first);
      expect(await act('south').giveStock({ ...gift, request: newId() })).toEqual([]);
      expect(await rights('south', sku)).toBe(1);
    });
  });
});
