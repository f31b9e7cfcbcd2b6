/** One transfer, its steps in every order, twice and late: its units are never lost and never twice. */
import { carryLent } from '../../activities/inventory/carrying';
import { moveStock } from '../../activities/inventory/moving';
import { allocationOf, bookConfirmation, creditAllocation } from '../../activities/inventory/transfer-documents';
import { type Refusal, bookRefusal, refuseHere, takeBack } from '../../activities/inventory/voiding';
import { TransferRefusedError, findTransfer, voidTransfer } from '../../db/inventory';
import { type TransferId, formatTransferId } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { seededRandom } from '../support/random';
import { StockTree } from './stock-tree';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const UNITS = 5;
/** Orders with repetitions, drawn by chance, beside every order without. */
const DRAWN = Number(process.env['ENTREPOT_SCHEDULES'] ?? 12);

/** credit: the document comes; settle: a confirmation comes; refuse: the giver asks; book: the refusal's answer comes. */
const STEPS = ['credit', 'settle', 'refuse', 'book'] as const;
type Step = (typeof STEPS)[number];

function ordersOf(steps: readonly Step[]): Step[][] {
  if (steps.length === 0) return [[]];
  return steps.flatMap((step, index) =>
    ordersOf(steps.filter((_, other) => other !== index)).map((rest) => [step, ...rest]),
  );
}

function drawnOrders(): Step[][] {
  const random = seededRandom(SEED);
  return Array.from({ length: DRAWN }, () =>
    Array.from({ length: 9 }, () => STEPS[Math.floor(random() * STEPS.length)] as Step),
  );
}

describe.each(engines())('on %s', (engine) => {
  let tree: StockTree;
  beforeAll(async () => {
    tree = await StockTree.grow(engine, { hq: null, north: 'hq', south: 'hq' });
  });
  afterAll(() => tree.fell());
  beforeEach(() => {
    tree.fateOf = () => 'passes';
  });
  afterEach(async () => {
    await tree.quiet();
    expect(await tree.violations()).toEqual([]);
  });

  const at = (site: string) => tree.site(site).context;
  const newSku = () => REAL_RUNTIME.ids.uuid();

  async function given(sku: string, to = 'north'): Promise<TransferId> {
    await tree.has('hq', [{ sku, quantity: UNITS }], 'pool');
    const { context, settings } = tree.site('hq');
    const move = { request: newSku(), to, account: 'pool', lines: [{ sku, quantity: UNITS }] } as const;
    const moved = await moveStock(context, settings, move);
    if (moved.outcome !== 'given') throw new Error('nothing was given');
    return moved.transfer;
  }

  /** What has come of the steps so far, to be taken by later ones. */
  interface Post {
    readonly confirmations: string[];
    readonly refusals: Refusal[];
  }

  async function take(step: Step, id: TransferId, post: Post): Promise<void> {
    if (step === 'credit') {
      const { xml } = await allocationOf(at('hq'), STORE, id);
      try {
        post.confirmations.push((await creditAllocation(at('north'), STORE, Buffer.from(xml))).xml);
      } catch (error) {
        expect(error).toBeInstanceOf(TransferRefusedError);
      }
    }
    if (step === 'settle') for (const xml of post.confirmations) await bookConfirmation(at('hq'), STORE, xml);
    if (step === 'refuse') post.refusals.push(await refuseHere(at('north'), STORE, id, 2));
    if (step === 'book') for (const said of post.refusals) await bookRefusal(at('hq'), STORE, id, said);
  }

  async function whereabouts(sku: string, id: TransferId): Promise<{ hq: number; north: number; moving: boolean }> {
    const { state } = (await findTransfer(tree.site('hq').db, STORE, id)) ?? { state: 'unknown' };
    const [hq, north] = [(await tree.units('hq', sku)).pool, (await tree.units('north', sku)).own];
    return { hq, north, moving: state === 'in-flight' };
  }

  test('in every order, with repetitions drawn by chance', async () => {
    const ends: Record<string, number> = {};
    for (const order of [...ordersOf(STEPS), ...drawnOrders()]) {
      const sku = newSku();
      const id = await given(sku);
      const post: Post = { confirmations: [], refusals: [] };
      const check = async () => {
        const { hq, north, moving } = await whereabouts(sku, id);
        expect({ order, hq, north, sound: hq + north === UNITS || (moving && hq === 0) }).toMatchObject({
          sound: true,
        });
      };
      for (const step of order) {
        await take(step, id, post);
        await check();
      }
      // Whatever is still to come comes.
      for (const step of STEPS) await take(step, id, post);
      const { hq, north, moving } = await whereabouts(sku, id);
      expect({ order, sum: hq + north, moving }).toEqual({ order, sum: UNITS, moving: false });
      const end = hq > 0 ? 'void' : 'credited';
      ends[end] = (ends[end] ?? 0) + 1;
    }
    expect(Object.keys(ends).sort()).toEqual(['credited', 'void']);
  });

  test('what the lost data of its taker may have credited is not void, and not credited', async () => {
    const sku = newSku();
    const id = await given(sku);
    expect(await refuseHere(at('north'), STORE, id, 1)).toBe('stranded');
    expect(await bookRefusal(at('hq'), STORE, id, 'stranded')).toBe('stranded');
    expect(await whereabouts(sku, id)).toEqual({ hq: 0, north: 0, moving: false });
    await expect(bookRefusal(at('hq'), STORE, id, 'tombstone')).rejects.toThrow("can't be void");
  });

  test('what the lost data of its giver may have had back already is withdrawn', async () => {
    const sku = newSku();
    const id = await given(sku);
    expect(await refuseHere(at('north'), STORE, id, 2)).toBe('tombstone');
    const { db } = tree.site('hq');
    const restored = { store: STORE, id, epoch: 1, incarnation: id.incarnation + 1, now: 1 };
    expect(await db.transaction((tx) => voidTransfer(tx, restored))).toBe('voided');
    expect(await db.transaction((tx) => voidTransfer(tx, restored))).toBe('void before');
    expect(await whereabouts(sku, id)).toEqual({ hq: 0, north: 0, moving: false });
    const booked = await db.all(
      'SELECT kind, quantity FROM stock_ledger WHERE store = ? AND sku = ? AND cause = ? ORDER BY quantity DESC',
      [...[STORE, sku, `void:${formatTransferId(id)}`]],
    );
    expect(booked).toEqual([
      { kind: 'transfer-in', quantity: UNITS },
      { kind: 'adjustment', quantity: -UNITS },
    ]);
  });

  test('an operator takes back what its taker has not credited; a taker that is away may credit it yet', async () => {
    const sku = newSku();
    const id = await given(sku);
    const { context, settings } = tree.site('hq');
    tree.fateOf = () => 'lost';
    await expect(takeBack(context, settings, id)).rejects.toThrow('is cut');
    expect(await whereabouts(sku, id)).toMatchObject({ hq: 0, moving: true });
    tree.fateOf = () => 'answer-lost';
    await expect(takeBack(context, settings, id)).rejects.toThrow('was lost');
    expect(await whereabouts(sku, id)).toMatchObject({ hq: 0, moving: true });
    tree.fateOf = () => 'passes';
    expect([await takeBack(context, settings, id), await takeBack(context, settings, id)]).toEqual(['void', 'void']);
    expect(await whereabouts(sku, id)).toEqual({ hq: UNITS, north: 0, moving: false });
  });

  describe('what was lent, and whose answer was lost', () => {
    /** As the giver's own process would find it later. */
    const later = (site: string, ms: number) => ({
      ...at(site),
      runtime: { ...at(site).runtime, clock: { now: () => Date.now() + ms } },
    });
    const lend = async (sku: string) => {
      await tree.has('south', [{ sku, quantity: UNITS }]);
      tree.fateOf = (_from, to, what) => (what === 'inventory/borrowings' && to === 'hq' ? 'answer-lost' : 'passes');
      await tree.borrow('north', newSku(), [{ sku, requested: 3, available: 0 }]);
      await tree.quiet();
      expect((await tree.units('north', sku)).own).toBe(0);
      tree.fateOf = () => 'passes';
    };

    test('is brought to its taker by its giver, once', async () => {
      const sku = newSku();
      await lend(sku);
      expect(await carryLent(later('south', 0), STORE)).toEqual({ settled: 0, left: 0 });
      expect(await carryLent(later('south', 3_000), STORE)).toEqual({ settled: 1, left: 0 });
      expect(await carryLent(later('south', 3_000), STORE)).toEqual({ settled: 0, left: 0 });
      expect([(await tree.units('north', sku)).own, (await tree.units('south', sku)).own]).toEqual([3, 2]);
    });

    test('is in doubt while its taker is away, and has a workflow that outlives its giver', async () => {
      const sku = newSku();
      await lend(sku);
      const [lent] = await tree
        .site('south')
        .db.all<{ sequence: number }>("SELECT sequence FROM transfers WHERE giver = 'south' AND state = 'in-flight'");
      const id: TransferId = { giver: 'south', incarnation: 3, sequence: lent?.sequence ?? 0 };
      tree.fateOf = () => 'lost';
      for (const ms of [3_000, 11_000, 12_000]) {
        expect(await carryLent(later('south', ms), STORE)).toEqual({ settled: 0, left: 1 });
      }
      expect((await findTransfer(tree.site('south').db, STORE, id))?.state).toBe('in-doubt');
      const asked = await tree
        .site('south')
        .db.all<{ subject: string }>("SELECT subject FROM outbox WHERE kind = 'workflow'");
      expect(asked).toEqual([{ subject: `inventoryReallocation/${STORE}/south/${formatTransferId(id)}` }]);
      expect(await tree.violations()).toEqual([]);
      tree.fateOf = () => 'passes';
      expect(await carryLent(later('south', 13_000), STORE)).toEqual({ settled: 1, left: 0 });
    });
  });
});
