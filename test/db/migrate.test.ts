/** Migrations on both engines: which release runs on which schema, and what a process leaves that dies at it. */
import mysql from 'mysql2/promise';
import { MIGRATIONS, migrate, openDatabase } from '../../db/migrate';
import { tablesAndColumns } from '../../db/schema';
import { isMigrationName } from '../../domain/migrations';
import { type FreshDatabase, engines, freshDatabase, freshLocation } from '../support/databases';
import { MARIADB_URL } from '../support/servers';

test('every migration says by its name what it does to a release that does not know it', () => {
  expect(MIGRATIONS.map(({ name }) => name).filter((name) => !isMigrationName(name))).toEqual([]);
});

describe.each(engines())('a database that a newer release has migrated, on %s', (engine) => {
  let fresh: FreshDatabase;
  const record = (name: string) =>
    fresh.db.run('INSERT INTO entrepot_migrations (name, batch, migration_time) VALUES (?, 9, ?)', [
      name,
      '2026-11-25 12:00:00',
    ]);

  beforeEach(async () => {
    fresh = await freshDatabase(engine);
  });

  afterEach(() => fresh.drop());

  test('is run on when it was expanded', async () => {
    await record('9001-expand-notes');
    expect(await migrate(fresh.location)).toEqual({ ran: [], newer: ['9001-expand-notes'] });
  });

  test('is refused when it was contracted', async () => {
    await record('9001-expand-notes');
    await record('9002-contract-after-9001-notes');
    await expect(migrate(fresh.location)).rejects.toThrow(
      /"9002-contract-after-9001-notes" is recorded.*Run a release that knows migration 9001, or a later one/,
    );
  });
});

test.each(engines())(
  'what waited in a draft moves to the one of that name, and no change is lost, on %s',
  async (engine) => {
    const fresh = await freshDatabase(engine);
    const { db } = fresh;
    const content = `'d', 100, 'GBP', 'EA', 'UNSPSC', '60000000', 2, '{}', '', 'hash'`;
    const columns = `description, price_amount, currency, unit_of_measure, classification_domain, classification_code,
    lead_time_days, attributes, audience, content_hash, updated_at`;
    for (const [sku, withdrawn] of [
      ['A', 0],
      ['B', 1],
    ] as const) {
      await db.run(
        `INSERT INTO catalog_drafts (store, catalog, sku, withdrawn, ${columns}) VALUES ('s', 'c', ?, ?, ${content}, 5)`,
        [sku, withdrawn],
      );
    }
    // As a migration that was cut off on MariaDB left it; on SQLite it is whole or not at all.
    await db.run(
      `INSERT INTO draft_changes (store, catalog, draft, sku, holds_from, withdrawn, price_only, ${columns})
     VALUES ('s', 'c', 'next', 'A', 0, 0, 0, ${content}, 5)`,
    );
    await db.run(`DELETE FROM entrepot_migrations WHERE name = '0003-expand-drafts'`);
    if (engine === 'sqlite') await db.run('ALTER TABLE draft_changes RENAME TO before_that');
    expect(await migrate(fresh.location)).toEqual({ ran: ['0003-expand-drafts'], newer: [] });
    expect(await db.all('SELECT draft, sku, withdrawn, updated_at FROM draft_changes ORDER BY sku')).toEqual([
      { draft: 'next', sku: 'A', withdrawn: 0, updated_at: 5 },
      { draft: 'next', sku: 'B', withdrawn: 1, updated_at: 5 },
    ]);
    expect(await db.all('SELECT sku FROM catalog_drafts')).toEqual([]);
    await fresh.drop();
  },
);

if (engines().includes('mariadb')) {
  describe('on MariaDB', () => {
    let location: string;
    let remove: () => Promise<void>;

    beforeEach(() => {
      ({ location, remove } = freshLocation('mariadb'));
    });

    afterEach(() => remove());

    /** Leaves the database as a process does that dies while it migrates. */
    const interrupt = async (...statements: string[]) => {
      await migrate(location);
      const connection = await mysql.createConnection({ uri: location });
      for (const statement of statements) await connection.query(statement);
      await connection.end();
    };

    test('a migration that a killed process left half-done is done by the next', async () => {
      await interrupt(
        'DROP TABLE idempotency_keys',
        'ALTER TABLE outbox DROP INDEX outbox_store_batch',
        'DELETE FROM entrepot_migrations',
        'UPDATE entrepot_migrations_lock SET is_locked = 1',
      );
      expect(await migrate(location)).toEqual({ ran: MIGRATIONS.map(({ name }) => name), newer: [] });
      const db = openDatabase(location);
      const whole = await freshDatabase('mariadb');
      const indexes = `SELECT table_name, index_name, column_name FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name NOT LIKE 'entrepot%' ORDER BY 1, 2, seq_in_index`;
      expect(await tablesAndColumns(db)).toEqual(await tablesAndColumns(whole.db));
      expect(await db.all(indexes)).toEqual(await whole.db.all(indexes));
      await db.close();
      await whole.drop();
    });

    test('of processes that start together one migrates, and the others wait for it', async () => {
      const migrated = await Promise.all(Array.from({ length: 4 }, () => migrate(location)));
      expect(migrated.map(({ ran }) => ran.length).sort()).toEqual([0, 0, 0, MIGRATIONS.length]);
    });

    test("the server's other databases are let be", async () => {
      const connection = await mysql.createConnection({ uri: process.env[MARIADB_URL] ?? '' });
      await connection.query(`SELECT GET_LOCK(CONCAT('entrepot-', MD5('another')), 0)`);
      expect((await migrate(location)).ran).toHaveLength(MIGRATIONS.length);
      await connection.end();
    });
  });
}
