/** For each rule: one row is corrupted in a world that was made by the product itself, and that row is named. */
import { ALL_SITES, AUDIT_RULES, auditStore } from '../../db/audit';
import { type Database, type SqlParameters } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';
import { CORRUPTIONS, type Facts, type SiteName } from './corruptions';

const SITES: readonly SiteName[] = ['hq', 'north', 'south'];

/** Every table that a corruption touches. */
const TABLES = [
  ...['stock_levels', 'stock_ledger', 'transfers', 'transfer_lines', 'orders', 'order_lines', 'order_documents'],
  ...['cart_orders', 'carts', 'outbox', 'item_versions', 'catalog_revisions', 'catalog_confirmations'],
];

type Rows = Record<string, SqlParameters[number]>[];

describe.each(engines())('on %s', (engine) => {
  let world: World;
  let facts: Facts;
  const databases = new Map<SiteName, Database>();
  const dbOf = (site: SiteName) => databases.get(site) as Database;
  const audit = (sites: readonly SiteName[] = SITES) =>
    auditStore(
      sites.map((site) => ({ site, db: dbOf(site) })),
      world.store,
    );

  beforeAll(async () => {
    world = await World.start(engine);
    await world.pushItems(itemsCsv({ A: '2.50', B: '4.00' }), ['north', 'south']);
    await world.stock([
      { sku: 'A', quantity: 40 },
      { sku: 'B', quantity: 20 },
    ]);
    // More arrives, of which the primary takes a share for its own sales.
    const receipt = { receiptId: 'second', lines: [{ sku: 'A', quantity: 9 }] };
    await world.call('hq', 'POST', '/inventory/receipts', { body: receipt });
    const asked = await world.call('hq', 'POST', '/inventory/allocations', { body: { ownShare: true } });
    await until('the second allocation', async () => {
      const run = await world.call('hq', 'GET', `/workflows/${encodeURIComponent(String(asked.body['workflowId']))}`);
      return run.body['state'] === 'completed';
    });
    const sold = await world.buy('north', [{ sku: 'A', quantity: 2 }]);
    const order = String(sold.body['orderId']);
    const other = String((await world.buy('south', [{ sku: 'B', quantity: 1 }])).body['orderId']);
    await until('the orders to be confirmed', async () => {
      const states = [await world.orderState('north', order), await world.orderState('south', other)];
      return states.every((state) => state === 'confirmed');
    });
    await world.stopSite('hq');
    const late = await world.buy('north', [{ sku: 'B', quantity: 1 }]);
    for (const site of ['north', 'south']) await world.stopSite(site);
    for (const site of SITES) databases.set(site, openDatabase(world.config(site).database));
    const [row] = await dbOf('north').all<{ cart_id: string }>('SELECT cart_id FROM orders WHERE order_id = ?', [
      order,
    ]);
    const [given] = await dbOf('hq').all<{ transfer_id: string }>(
      "SELECT transfer_id FROM stock_ledger WHERE counterparty = 'north' AND sku = 'A' ORDER BY recorded_at, transfer_id",
    );
    facts = {
      order,
      cart: row?.cart_id ?? '',
      waiting: String(late.body['orderId']),
      transfer: given?.transfer_id ?? '',
    };
  });
  afterAll(async () => {
    for (const db of databases.values()) await db.close();
    await world.stop();
  });

  const save = (db: Database) =>
    Promise.all(TABLES.map(async (table) => [table, await db.all<Rows[number]>(`SELECT * FROM ${table}`)] as const));

  async function restore(db: Database, saved: Awaited<ReturnType<typeof save>>): Promise<void> {
    await db.transaction(async (tx) => {
      for (const [table, rows] of saved) {
        await tx.run(`DELETE FROM ${table}`);
        for (const row of rows) {
          const columns = Object.keys(row);
          const values = Object.values(row);
          await tx.run(
            `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
            values,
          );
        }
      }
    });
  }

  test('the world as the product made it holds every rule', async () => {
    const { violations, counts } = await audit();
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ sites: 3, stockItems: 2, violations: 0 });
    // Two at their sellers and at the primary, and the one that waits.
    expect(counts['orders']).toBe(5);
    expect(counts['transfers']).toBe(4);
    expect(counts['items']).toBe(6);
  });

  test.each(CORRUPTIONS.map((corruption) => [corruption.rule, corruption.what, corruption] as const))(
    '%s: %s',
    async (rule, _what, { at, change, named }) => {
      const db = dbOf(at);
      const saved = await save(db);
      try {
        const [sql, ...parameters] = change(facts);
        expect(await db.run(sql, parameters)).toBeGreaterThan(0);
        const { violations } = await audit();
        const { site, subject } = named(facts);
        const found = violations.filter((violation) => violation.rule === rule && violation.site === site);
        expect(found.map((violation) => violation.subject)).toContainEqual(expect.stringContaining(subject));
        for (const { explanation, expected, found: is } of found) {
          expect(explanation).not.toBe('');
          expect(expected).not.toBe(is);
        }
      } finally {
        await restore(db, saved);
      }
      expect((await audit()).violations).toEqual([]);
    },
  );

  test('audit-complete: a site that was not given is named', async () => {
    const { violations } = await audit(['hq', 'north']);
    expect(violations.filter(({ rule }) => rule === 'audit-complete')).toEqual([
      expect.objectContaining({ site: ALL_SITES, expected: 'the database of site "south"' }),
    ]);
  });

  test("another site's database is refused", async () => {
    await expect(auditStore([{ site: 'north', db: dbOf('south') }], world.store)).rejects.toThrow(
      'the database given for site "north" is that of site "south"',
    );
  });
});

test('every rule has a corruption that names it', () => {
  const tried = new Set<string>([...CORRUPTIONS.map(({ rule }) => rule), 'audit-complete']);
  expect(Object.keys(AUDIT_RULES).filter((rule) => !tried.has(rule))).toEqual([]);
});
