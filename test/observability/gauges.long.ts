/** A scrape reads few rows, however full the outbox is: by the engines' own word, on a hundred thousand of each. */
import { type Engine, type SqlParameters, type Statements } from '../../db/database';
import { readGauges } from '../../db/gauges';
import { saveTopology, seedTopology } from '../../db/topology';
import { type FreshDatabase, engines, freshDatabase } from '../support/databases';
import { STORE, topology } from '../support/lone-site';

const ROWS = 100_000;
const ITEMS = 3_500;
const NOW = 1_800_000_000_000;
/** Rows that are open work: four batches of 200, some transfers. */
const OPEN_ORDERS = 800;
const OPEN_TRANSFERS = 7;
const PARKED = 500;
/** Items of the one request that is open. */
const ASKED = 2;
/** Far less than a look through any of the large tables; the items' levels are the most of it. */
const ROWS_READ_MAX = 12_000;

/** The numbers from 0 on, made inside the database. */
function numbers(count: number): string {
  const digits = `(SELECT 0 AS d ${[1, 2, 3, 4, 5, 6, 7, 8, 9].map((d) => `UNION ALL SELECT ${d}`).join(' ')})`;
  const places = [1, 10, 100, 1_000, 10_000];
  const sum = places.map((place) => `d${place}.d * ${place}`).join(' + ');
  return `(SELECT ${sum} AS n FROM ${places.map((place) => `${digits} d${place}`).join(', ')}) AS numbers WHERE n < ${count}`;
}

async function fill(db: FreshDatabase['db'], engine: Engine): Promise<void> {
  const id = engine === 'sqlite' ? "printf('%08d', n)" : "LPAD(n, 8, '0')";
  const batch = `CASE WHEN n < ${OPEN_ORDERS} THEN ${engine === 'sqlite' ? "'b' || (n / 200)" : "CONCAT('b', n DIV 200)"} END`;
  const inserts = [
    `INSERT INTO outbox (store, outbox_id, destination, kind, subject, epoch, tries, batch, batched_at, created_at)
     SELECT '${STORE}', ${id}, 'hq', 'order', ${id}, 1, 0, ${batch}, CASE WHEN n < ${OPEN_ORDERS} THEN ${NOW} - 60000 END,
       ${NOW} - 90000 + n / 10 FROM ${numbers(ROWS)}`,
    `INSERT INTO events (store, subject, sequence, kind, data, occurred_at)
     SELECT '${STORE}', ${id}, 1, 'placed', '{}', 1 FROM ${numbers(ROWS)}`,
    `INSERT INTO events (store, subject, sequence, kind, data, occurred_at)
     SELECT '${STORE}', 'audit', n + 1, 'audited', '{"violations":3}', ${NOW} - 5000 FROM ${numbers(1_000)}`,
    `INSERT INTO transfers (store, giver, giver_incarnation, sequence, taker, state, cause, payload_id, epoch, created_at)
     SELECT '${STORE}', 'hq', 7, n, 'north', CASE WHEN n < ${OPEN_TRANSFERS} THEN 'in-flight' WHEN n = ${ROWS - 1} THEN 'stranded'
       ELSE 'credited' END, ${id}, ${id}, 1, ${NOW} - 30000 FROM ${numbers(ROWS)}`,
    `INSERT INTO transfer_lines (store, giver, giver_incarnation, sequence, sku, quantity)
     SELECT '${STORE}', 'hq', 7, n, 'A', 3 FROM ${numbers(ROWS)}`,
    `INSERT INTO stock_levels (store, sku, account, rights) SELECT '${STORE}', ${id}, 'own', 2 FROM ${numbers(ITEMS)}`,
    `INSERT INTO stock_levels (store, sku, account, rights) SELECT '${STORE}', ${id}, 'pool', 1 FROM ${numbers(ITEMS)}`,
    `INSERT INTO replenishments (store, request, parent, line_list, answers, created_at, answered_at)
     SELECT '${STORE}', ${id}, 'above', '[]', '[{"sku":"A","asked":1,"granted":0,"outcome":"unavailable"}]',
       ${NOW} - 60000 * (1001 - n), ${NOW} - 60000 * (1001 - n) + 1 FROM ${numbers(1_000)}`,
    `INSERT INTO replenishments (store, request, parent, line_list, created_at)
     VALUES ('${STORE}', 'open', 'above', '${JSON.stringify(Array.from({ length: ASKED }, () => ({ sku: 'A', quantity: 1 })))}',
       ${NOW} - 40000)`,
    `INSERT INTO parked_documents (store, payload_id, kind, sender, subject, reason, document, parked_at)
     SELECT '${STORE}', ${id}, 'OrderRequest', 'north', ${id}, 'r', 'x', 1 FROM ${numbers(PARKED)}`,
  ];
  for (const insert of inserts) await db.run(insert);
  if (engine === 'mariadb')
    for (const table of ['outbox', 'events', 'transfers', 'transfer_lines', 'replenishments'])
      await db.all(`ANALYZE TABLE ${table}`);
}

describe.each(engines())('a scrape on %s', (engine) => {
  let fresh: FreshDatabase;

  beforeAll(async () => {
    fresh = await freshDatabase(engine);
    await fresh.db.transaction(async (tx) => {
      await seedTopology(tx, topology(0), 'hq', 'data', 0);
      await saveTopology(tx, topology(1), 0);
    });
    await fill(fresh.db, engine);
  });
  afterAll(() => fresh.drop());

  test('says what is there', async () => {
    const gauges = await readGauges(fresh.db, STORE, NOW);
    expect(gauges).toMatchObject({
      ...{ epoch: 1, outboxSince: NOW - 90_000, parked: PARKED, transferSince: NOW - 30_000 },
      held: [
        { kind: 'orders', count: OPEN_ORDERS / 200, since: NOW - 60_000 },
        { kind: 'catalog', count: 0, since: null },
        { kind: 'stock', count: OPEN_TRANSFERS, since: NOW - 30_000 },
      ],
      rights: { own: 2 * ITEMS, pool: ITEMS },
      transfers: [
        { state: 'in-flight', count: OPEN_TRANSFERS, units: 3 * OPEN_TRANSFERS },
        { state: 'in-doubt', count: 0, units: 0 },
        { state: 'stranded', count: 1, units: 3 },
      ],
      replenishment: { short: null, asked: ASKED, since: NOW - 40_000, unavailable: 1 },
      audit: { violations: 3, at: NOW - 5_000 },
    });
  });

  if (engine === 'mariadb') {
    test('reads few rows', async () => {
      const read = await fresh.db.snapshot(async (reads) => {
        const before = await rowsRead(reads);
        await readGauges(reads, STORE, NOW);
        return (await rowsRead(reads)) - before;
      });
      expect(read).toBeGreaterThan(2 * ITEMS);
      expect(read).toBeLessThan(ROWS_READ_MAX);
    });
  } else {
    test('finds every row by an index, in order', async () => {
      const asked: [string, SqlParameters][] = [];
      const told: Statements = {
        engine,
        all: (sql, parameters = []) => (asked.push([sql, parameters]), fresh.db.all(sql, parameters)),
        get: (sql, parameters = []) => (asked.push([sql, parameters]), fresh.db.get(sql, parameters)),
        run: (sql, parameters) => fresh.db.run(sql, parameters),
      };
      await readGauges(told, STORE, NOW);
      const plans: string[] = [];
      for (const [sql, parameters] of asked) {
        const steps = await fresh.db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
        plans.push(...steps.map(({ detail }) => detail));
      }
      expect(plans.length).toBeGreaterThan(5);
      // No table is looked through, and none is sorted.
      expect(plans.filter((step) => /^SCAN|TEMP B-TREE/.test(step))).toEqual([]);
    });
  }
});

/** Rows that this connection has had the engine read. */
async function rowsRead(reads: Statements): Promise<number> {
  const rows = await reads.all<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler_read%'");
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
}
