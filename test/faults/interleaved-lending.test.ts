/** Borrowers and sales of one item while two connections take turns, statement by statement. */
import { type SiteContext, storeSettings } from '../../activities/context';
import { takePart } from '../../activities/inventory/borrowing';
import { refuseHere } from '../../activities/inventory/voiding';
import { type Database } from '../../db/database';
import { TransferRefusedError, bookReceipt, debitSale, grantToSelf, takeTransfer } from '../../db/inventory';
import { unitsOf } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { STORE, type StockSite, stockSite } from '../inventory/stock-site';
import { engines } from '../support/databases';
import { Races, values } from './races';

const AT = { store: STORE, epoch: 1, incarnation: 7, now: 1_000 };

describe.each(engines())('interleaved on %s', (engine) => {
  let hq: StockSite;
  let races: Races;
  beforeAll(async () => {
    hq = await stockSite(engine, 'hq');
    races = await Races.open(engine, hq.location, hq.db);
  });
  afterAll(async () => {
    await races.close();
    await hq.drop();
  });

  const newId = () => REAL_RUNTIME.ids.uuid();
  const on = (db: Database): SiteContext => ({ ...hq.context, db });
  const has = async (sku: string, pool: number, own: number) => {
    const lines = (quantity: number) => (quantity > 0 ? [{ sku, quantity }] : []);
    await hq.db.transaction(async (tx) => {
      const receiptId = newId();
      await bookReceipt(tx, { ...AT, site: 'hq', receiptId, lines: lines(pool + own) });
      await grantToSelf(tx, { ...AT, request: receiptId, cause: 'a test', lines: lines(own) });
    });
  };
  const left = async (sku: string) =>
    (await hq.db.get<{ units: number }>('SELECT SUM(rights) AS units FROM stock_levels WHERE sku = ?', [sku]))?.units;
  /** Asked too late to ask others, so that only this site gives. */
  const borrow = (borrowing: string, taker: string, sku: string, quantity: number) => async (db: Database) => {
    const context = on(db);
    const lines = [{ sku, quantity }];
    const asked = {
      store: STORE,
      borrowing,
      asker: taker,
      taker,
      takerIncarnation: 3,
      cartId: null,
      lines,
      digest: 'd',
    };
    const { transfers } = await takePart(context, storeSettings(context, STORE), asked, Date.now());
    return unitsOf(transfers.flatMap((transfer) => transfer.lines));
  };

  test('two borrowers never get more than there is, and together all of it', async () => {
    await races.search(async () => {
      const sku = newId();
      await has(sku, 3, 2);
      return {
        acts: [borrow(`${newId()}.1`, 'north', sku, 4), borrow(`${newId()}.1`, 'south', sku, 4)],
        holds: async (results) => {
          const given = values(results);
          expect([given.reduce((sum, units) => sum + units, 0), await left(sku)]).toEqual([5, 0]);
        },
      };
    });
  });

  test('one borrowing asked for twice at once gives once, and both hear the same', async () => {
    await races.search(async () => {
      const [sku, name] = [newId(), `${newId()}.1`];
      await has(sku, 3, 2);
      const ask = borrow(name, 'north', sku, 4);
      return {
        acts: [ask, ask],
        holds: async (results) => {
          expect([values(results), await left(sku)]).toEqual([[4, 4], 1]);
        },
      };
    });
  });

  test('a borrower and a sale never get more than there is', async () => {
    await races.search<number>(async () => {
      const [sku, orderId] = [newId(), newId()];
      await has(sku, 0, 5);
      const sell = async (db: Database) => {
        const short = new Error('short');
        const sold = db.transaction(async (tx) => {
          if (!(await debitSale(tx, { ...AT, orderId, lines: [{ sku, quantity: 3 }] }))) throw short;
          return 3;
        });
        return sold.catch((error: unknown) => {
          if (error !== short) throw error;
          return 0;
        });
      };
      return {
        acts: [borrow(`${newId()}.1`, 'north', sku, 4), sell],
        holds: async (results) => {
          const [lent = 0, sold = 0] = values(results);
          expect([
            [4, 0],
            [2, 3],
          ]).toContainEqual([lent, sold]);
          expect(await left(sku)).toBe(5 - lent - sold);
        },
      };
    });
  });

  test('of a credit and a tombstone for one transfer the first holds, and the other is told', async () => {
    await races.search<string>(async () => {
      const [sku, sequence] = [newId(), Math.floor(Math.random() * 1e9)];
      const id = { giver: 'north', incarnation: 3, sequence };
      const transfer = {
        ...AT,
        id,
        taker: 'hq',
        takerIncarnation: 7,
        cause: 'c',
        payloadId: 'p',
        lines: [{ sku, quantity: 2 }],
      };
      const credit = async (db: Database) => {
        const credited = db.transaction((tx) => takeTransfer(tx, transfer, 'pool'));
        return credited.then(
          () => 'credited',
          (error: unknown) => {
            if (!(error instanceof TransferRefusedError)) throw error;
            return 'refused';
          },
        );
      };
      return {
        acts: [credit, (db: Database) => refuseHere(on(db), STORE, id, 7)],
        holds: async (results) => {
          const both = values(results);
          expect([
            ['credited', 'credited'],
            ['refused', 'tombstone'],
          ]).toContainEqual(both);
          expect((await left(sku)) ?? 0).toBe(both[0] === 'credited' ? 2 : 0);
        },
      };
    });
  });
});
