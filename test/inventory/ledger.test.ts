/** The ledger and its balances on both engines. */
import { type Database } from '../../db/database';
import {
  ReceiptConflictError,
  TransferRefusedError,
  allocationCause,
  availableUnits,
  bookReceipt,
  debitSale,
  giveTransfer,
  grantToSelf,
  listLevels,
  listTransfers,
  recordRefusedDemand,
  returnSale,
  settleTransfer,
  shortOf,
  strandIfForLostData,
  takeSequences,
  takeTransfer,
} from '../../db/inventory';
import { type StockLine, isForLostData } from '../../domain/inventory';
import { engines } from '../support/databases';
import { STORE, type StockSite, stockSite } from './stock-site';

const COMMON = { store: STORE, epoch: 1, incarnation: 7, now: 1_000 };

describe.each(engines())('on %s', (engine) => {
  let site: StockSite;
  let db: Database;
  beforeEach(async () => {
    site = await stockSite(engine, 'hq');
    db = site.db;
  });
  afterEach(() => site.drop());

  const receive = (receiptId: string, lines: readonly StockLine[]) =>
    db.transaction((tx) => bookReceipt(tx, { ...COMMON, site: 'hq', receiptId, lines }));

  /** Units in the site's own account. */
  async function own(lines: readonly StockLine[]): Promise<void> {
    await receive('first', lines);
    await db.transaction((tx) =>
      grantToSelf(tx, { ...COMMON, request: 'first', cause: allocationCause('first'), lines }),
    );
  }

  class Short extends Error {
    constructor(readonly short: object) {
      super('short');
    }
  }

  /** As the sale does it: what is short is looked up once the transaction is undone. */
  async function sell(orderId: string, lines: readonly StockLine[]): Promise<void> {
    try {
      await db.transaction(async (tx) => {
        if (!(await debitSale(tx, { ...COMMON, orderId, lines }))) throw new Short({});
      });
    } catch (error) {
      throw error instanceof Short ? new Short(await shortOf(db, STORE, lines)) : error;
    }
  }

  const ledgerSum = async (sku: string, account: string) =>
    (
      await db.get<{ units: number | null }>(
        'SELECT SUM(quantity) AS units FROM stock_ledger WHERE store = ? AND sku = ? AND account = ?',
        [STORE, sku, account],
      )
    )?.units ?? 0;

  test('a receipt is booked once, into the pool; the same id with other lines is refused', async () => {
    const lines = [
      { sku: 'B', quantity: 2 },
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 1 },
    ];
    expect(await receive('r1', lines)).toBe(true);
    expect(await receive('r1', [...lines].reverse())).toBe(false);
    await expect(receive('r1', [{ sku: 'A', quantity: 6 }])).rejects.toThrow(ReceiptConflictError);
    expect(await listLevels(db, STORE, { after: '', limit: 10 })).toEqual([
      { sku: 'A', own: 0, pool: 5, inFlight: 0 },
      { sku: 'B', own: 0, pool: 3, inFlight: 0 },
    ]);
  });

  test('a sale debits the sum of an item over its lines', async () => {
    await own([
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 5 },
    ]);
    await sell('o1', [
      { sku: 'B', quantity: 2 },
      { sku: 'A', quantity: 1 },
      { sku: 'B', quantity: 3 },
    ]);
    expect(await availableUnits(db, STORE, ['A', 'B', 'C'])).toEqual(
      new Map([
        ['A', 4],
        ['B', 0],
      ]),
    );
    expect(await ledgerSum('B', 'own')).toBe(0);
    await expect(sell('o1', [{ sku: 'A', quantity: 1 }])).rejects.toMatchObject({
      code: expect.stringMatching(/PRIMARYKEY|DUP_ENTRY/) as string,
    });
    expect((await availableUnits(db, STORE, ['A'])).get('A')).toBe(4);
  });

  test.each([1, 2, 250])('a short sale of %i lines names what is short and changes nothing', async (count) => {
    const lines = Array.from({ length: count }, (_, index) => ({ sku: `S${1000 + index}`, quantity: 3 }));
    await own(lines);
    const wanted = lines.map((line, index) => ({ ...line, quantity: index === count - 1 ? 4 : 3 }));
    const last = wanted.at(-1)?.sku ?? '';
    await expect(sell('o1', [...wanted, { sku: 'missing', quantity: 1 }])).rejects.toMatchObject({
      short: [
        { sku: last, requested: 4, available: 3 },
        { sku: 'missing', requested: 1, available: 0 },
      ],
    });
    const levels = await availableUnits(
      db,
      STORE,
      lines.map(({ sku }) => sku),
    );
    expect([...levels.values()]).toEqual(lines.map(() => 3));
    expect(await ledgerSum(last, 'own')).toBe(3);
    await sell('o2', lines);
    expect([...(await availableUnits(db, STORE, [last])).values()]).toEqual([0]);
  });

  test('fifty buyers at once for twenty units: twenty are sold', async () => {
    await own([
      { sku: 'A', quantity: 20 },
      { sku: 'B', quantity: 100 },
    ]);
    const buyers = Array.from({ length: 50 }, (_, index) => {
      const lines = [
        { sku: 'A', quantity: 1 },
        { sku: 'B', quantity: 1 },
      ];
      return sell(`o${index}`, index % 2 === 0 ? lines : lines.reverse());
    });
    const outcomes = await Promise.allSettled(buyers);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(Short);
    expect(await availableUnits(db, STORE, ['A', 'B'])).toEqual(
      new Map([
        ['A', 0],
        ['B', 80],
      ]),
    );
  });

  test("an order's units are given back once", async () => {
    const lines = [{ sku: 'A', quantity: 2 }];
    await own([{ sku: 'A', quantity: 5 }]);
    await sell('o1', lines);
    await db.transaction((tx) => returnSale(tx, { ...COMMON, orderId: 'o1', lines }, 7));
    await db.transaction((tx) => returnSale(tx, { ...COMMON, orderId: 'o1', lines }, 7));
    expect((await availableUnits(db, STORE, ['A'])).get('A')).toBe(5);
  });

  test('what lost data had sold is given back, and withdrawn at once: they may have given it back before', async () => {
    const lines = [{ sku: 'A', quantity: 2 }];
    await own([{ sku: 'A', quantity: 5 }]);
    await sell('o1', lines);
    for (const _again of [1, 2]) {
      await db.transaction((tx) => returnSale(tx, { ...COMMON, orderId: 'o1', lines }, 6));
      expect((await availableUnits(db, STORE, ['A'])).get('A')).toBe(3);
    }
    const booked = await db.all(
      "SELECT kind, quantity FROM stock_ledger WHERE cause = 'order:o1' ORDER BY movement_id",
    );
    expect(booked).toEqual([
      { kind: 'adjustment', quantity: -2 },
      { kind: 'return', quantity: 2 },
      { kind: 'sale', quantity: -2 },
    ]);
  });

  test('refused demand is recorded as it was offered', async () => {
    const demand = { store: STORE, demandId: 'd1', cartId: 'c1', now: 5 };
    const lines = [{ sku: 'A', requested: 9, available: 2 }];
    await db.transaction((tx) => recordRefusedDemand(tx, { ...demand, lines }));
    expect(await db.all('SELECT cart_id, sku, offered, available FROM refused_demand')).toEqual([
      { cart_id: 'c1', sku: 'A', offered: 9, available: 2 },
    ]);
  });

  describe('transfers', () => {
    const id = { giver: 'hq', incarnation: 7, sequence: 1 };
    const lines = [{ sku: 'A', quantity: 4 }];
    const given = { taker: 'north', takerIncarnation: 7, cause: 'allocation:1', payloadId: 'p1', lines };
    const transfer = { ...COMMON, id, ...given };

    test('a giver that has too little gives nothing', async () => {
      await receive('r', [{ sku: 'A', quantity: 3 }]);
      await expect(db.transaction((tx) => giveTransfer(tx, transfer, 'pool'))).rejects.toThrow(
        'transfer hq.7.1: 4 of "A" asked, 3 there',
      );
      expect(await ledgerSum('A', 'pool')).toBe(3);
    });

    test('units are in flight until the taker has confirmed', async () => {
      await receive('r', [{ sku: 'A', quantity: 10 }]);
      await db.transaction((tx) => giveTransfer(tx, transfer, 'pool'));
      const level = async () => (await listLevels(db, STORE, { skus: ['A'], after: '', limit: 1 }))[0];
      expect(await level()).toEqual({ sku: 'A', own: 0, pool: 6, inFlight: 4 });
      await db.transaction((tx) => settleTransfer(tx, STORE, id, 9));
      expect(await level()).toEqual({ sku: 'A', own: 0, pool: 6, inFlight: 0 });
      const [listed] = await listTransfers(db, STORE, { states: ['credited'], limit: 5 });
      expect(listed).toMatchObject({ id, taker: 'north', state: 'credited', settledAt: 9, lines: 1, units: 4 });
    });

    test('a taker credits once, never other lines, and never what it has refused for ever', async () => {
      const take = (taken: typeof transfer) => db.transaction((tx) => takeTransfer(tx, taken, 'own'));
      const foreign = { ...transfer, id: { ...id, giver: 'south' }, taker: 'hq' };
      expect(await take(foreign)).toBe(true);
      expect(await take({ ...foreign, payloadId: 'p2' })).toBe(false);
      await expect(take({ ...foreign, lines: [{ sku: 'A', quantity: 5 }] })).rejects.toThrow(TransferRefusedError);
      expect((await availableUnits(db, STORE, ['A'])).get('A')).toBe(4);
      await db.run(
        `INSERT INTO transfers (store, giver, giver_incarnation, sequence, taker, state, cause, payload_id, epoch, created_at)
         VALUES (?, 'south', 7, 2, 'hq', 'tombstone', 'void', '', 1, 1)`,
        [STORE],
      );
      await expect(take({ ...foreign, id: { ...foreign.id, sequence: 2 } })).rejects.toThrow('tombstone');
      expect((await availableUnits(db, STORE, ['A'])).get('A')).toBe(4);
    });

    test('what was given to data that are lost is stranded, once, and never credited', async () => {
      const foreign = { ...transfer, id: { ...id, giver: 'south' }, taker: 'hq', takerIncarnation: 6 };
      const strand = (taken: typeof transfer) => db.transaction((tx) => strandIfForLostData(tx, taken));
      const take = (taken: typeof transfer) => db.transaction((tx) => takeTransfer(tx, taken, 'own'));
      await expect(take(foreign)).rejects.toThrow('lost');
      expect(await strand(foreign)).toBe(true);
      expect(await strand(foreign)).toBe(true);
      await expect(take(foreign)).rejects.toThrow('lost');
      expect(await ledgerSum('A', 'own')).toBe(0);
      // Given to these data; or to the site's first, which had no number when it was given.
      expect(await strand({ ...foreign, id: { ...foreign.id, sequence: 2 }, takerIncarnation: 7 })).toBe(false);
      expect(isForLostData(0, 1)).toBe(false);
      expect(isForLostData(0, 2)).toBe(true);
      // An older release does not say; what these data have credited themselves they know.
      expect(isForLostData(null, 9)).toBe(false);
      const credited = { ...foreign, id: { ...foreign.id, sequence: 3 }, takerIncarnation: 7 };
      expect(await take(credited)).toBe(true);
      expect(await strand({ ...credited, incarnation: 8 })).toBe(false);
    });

    test('running numbers are taken once, also at once', async () => {
      const taken = await Promise.all(
        Array.from({ length: 8 }, () => db.transaction((tx) => takeSequences(tx, STORE, 7, 3))),
      );
      expect(taken.sort((a, b) => a - b)).toEqual([1, 4, 7, 10, 13, 16, 19, 22]);
    });

    test('pages of transfers hold each once, newest first', async () => {
      await receive('r', [{ sku: 'A', quantity: 100 }]);
      for (let sequence = 1; sequence <= 7; sequence++) {
        const another = { ...transfer, id: { ...id, sequence }, now: 1_000 + Math.floor(sequence / 3) };
        await db.transaction((tx) => giveTransfer(tx, another, 'pool'));
      }
      const seen: number[] = [];
      for (let page = await listTransfers(db, STORE, { states: ['in-flight'], limit: 2 }); page.length > 0;) {
        seen.push(...page.map((entry) => entry.id.sequence));
        const last = page.at(-1) as (typeof page)[number];
        const after = { createdAt: last.createdAt, ...last.id };
        page = await listTransfers(db, STORE, { states: ['in-flight'], limit: 2, after });
      }
      expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    });
  });
});
