/** The audit reads one database after the other; it must be right while units move between the readings. */
import { type Database } from '../../db/database';
import { auditStore } from '../../db/audit';
import { bookReceipt, giveTransfer, settleTransfer, takeTransfer } from '../../db/inventory';
import { engines } from '../support/databases';
import { STORE, type StockSite, stockSite } from '../inventory/stock-site';

const COMMON = { store: STORE, epoch: 1, now: 1_000 };
const ID = { giver: 'hq', incarnation: 7, sequence: 1 };
const TRANSFER = {
  ...COMMON,
  id: ID,
  taker: 'north',
  cause: 'test',
  payloadId: 'p',
  lines: [{ sku: 'A', quantity: 4 }],
};

/** The database, where something happens just before the audit first looks at it. */
function meanwhile(db: Database, happens: () => Promise<unknown>): Database {
  let happened = false;
  return {
    engine: db.engine,
    all: (sql, parameters) => db.all(sql, parameters),
    get: (sql, parameters) => db.get(sql, parameters),
    run: (sql, parameters) => db.run(sql, parameters),
    transaction: (body, options) => db.transaction(body, options),
    async snapshot(body) {
      if (!happened) await happens();
      happened = true;
      return db.snapshot(body);
    },
    close: () => db.close(),
  };
}

describe.each(engines())('on %s', (engine) => {
  let hq: StockSite;
  let north: StockSite;
  beforeEach(async () => {
    hq = await stockSite(engine, 'hq');
    north = await stockSite(engine, 'north');
    const lines = [{ sku: 'A', quantity: 10 }];
    await hq.db.transaction((tx) => bookReceipt(tx, { ...COMMON, site: 'hq', receiptId: 'r', incarnation: 7, lines }));
  });
  afterEach(async () => {
    await hq.drop();
    await north.drop();
  });

  const give = () =>
    hq.db.transaction((tx) => giveTransfer(tx, { ...TRANSFER, incarnation: 7, takerIncarnation: 3 }, 'pool'));
  const take = () =>
    north.db.transaction((tx) => takeTransfer(tx, { ...TRANSFER, incarnation: 3, takerIncarnation: 3 }, 'own'));
  const settle = () => hq.db.transaction((tx) => settleTransfer(tx, STORE, ID, 2_000));
  const steps = [give, take, settle];
  const both = { hq: ['hq', 'north'], north: ['north', 'hq'] } as const;

  describe.each(['hq', 'north'] as const)('with %s read first', (first) => {
    // What is done before the first reading, and what between the two.
    test.each([
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 2],
      [2, 3],
      [3, 3],
    ])('%i steps done before, %i by the second reading', async (before, after) => {
      for (const step of steps.slice(0, before)) await step();
      const between = async () => {
        for (const step of steps.slice(before, after)) await step();
      };
      const [one, two] = both[first].map((site) => (site === 'hq' ? hq : north)) as [StockSite, StockSite];
      const sites = [
        { site: one.site, db: one.db },
        { site: two.site, db: meanwhile(two.db, between) },
      ];
      const { violations, counts } = await auditStore(sites, STORE);
      expect(violations).toEqual([]);
      expect(counts['violations']).toBe(0);
    });
  });
});
