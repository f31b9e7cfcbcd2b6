import { execFileSync } from 'node:child_process';
import { type Database } from '../../db/database';
import { insertIfAbsent, insertRows } from '../../db/dialect';
import { UnknownCommitError, isDuplicateKey } from '../../db/errors';
import { migrate, openDatabase } from '../../db/migrate';
import { dumpSchema, tablesAndColumns } from '../../db/schema';
import { type FreshDatabase, engines, freshDatabase, freshLocation } from '../support/databases';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

describe.each(engines())('the database interface on %s', (engine) => {
  let fresh: FreshDatabase;
  let db: Database;

  beforeAll(async () => {
    fresh = await freshDatabase(engine);
    db = fresh.db;
  });

  afterAll(() => fresh.drop());

  const insertKey = 'INSERT INTO transfer_sequences (store, incarnation, last_sequence) VALUES (?, ?, ?)';
  const count = async (store: string) =>
    (await db.get<{ rows: number }>('SELECT COUNT(*) AS "rows" FROM transfer_sequences WHERE store = ?', [store]))
      ?.rows;

  test('a second migration finds nothing to do', async () => {
    expect(await migrate(fresh.location)).toEqual({ ran: [], newer: [] });
  });

  test('a body that throws leaves nothing behind and has no effects', async () => {
    let effects = 0;
    const body = db.transaction(async (tx) => {
      await tx.run(insertKey, ['rollback', 1, 1]);
      tx.afterCommit(() => effects++);
      throw new Error('no');
    });
    await expect(body).rejects.toThrow('no');
    expect(await count('rollback')).toBe(0);
    expect(effects).toBe(0);
  });

  test('effects run once the commit is certain', async () => {
    const seen: (number | undefined)[] = [];
    await db.transaction(async (tx) => {
      await tx.run(insertKey, ['effects', 1, 1]);
      tx.afterCommit(() => seen.push(1));
      expect(seen).toEqual([]);
    });
    expect(seen).toEqual([1]);
    expect(await count('effects')).toBe(1);
  });

  test('of many at once, those that throw leave nothing behind, and the others are all there', async () => {
    const effects: number[] = [];
    const one = (number: number) =>
      db.transaction(async (tx) => {
        await tx.run(insertKey, ['many', number, number]);
        tx.afterCommit(() => effects.push(number));
        if (number % 3 === 0) throw new Error(`no ${number}`);
        return number;
      });
    const numbers = Array.from({ length: 60 }, (_, number) => number);
    const outcomes = await Promise.allSettled(numbers.map(one));
    const kept = numbers.filter((number) => number % 3 !== 0);
    expect(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))).toEqual(kept);
    const rows = await db.all<{ incarnation: number }>(
      'SELECT incarnation FROM transfer_sequences WHERE store = ? ORDER BY incarnation',
      ['many'],
    );
    expect(rows.map(({ incarnation }) => incarnation)).toEqual(kept);
    expect(effects.sort((a, b) => a - b)).toEqual(kept);
  });

  test('concurrent guarded updates never take more than there is', async () => {
    await db.run(insertKey, ['guard', 1, 20]);
    const take = () =>
      db.transaction((tx) =>
        tx.run(
          'UPDATE transfer_sequences SET last_sequence = last_sequence - 1 WHERE store = ? AND incarnation = 1 AND last_sequence >= 1',
          ['guard'],
        ),
      );
    const taken = await Promise.all(Array.from({ length: 50 }, take));
    expect(taken.reduce((sum, matched) => sum + matched, 0)).toBe(20);
  });

  test('a whole transaction is tried again after a deadlock', async () => {
    await db.run(insertKey, ['deadlock', 1, 0]);
    await db.run(insertKey, ['deadlock', 2, 0]);
    const add = 'UPDATE transfer_sequences SET last_sequence = last_sequence + 1 WHERE store = ? AND incarnation = ?';
    let bodies = 0;
    // Both hold their first row before either asks for its second.
    const gate = new Gate(2);
    const cross = (first: number, second: number) =>
      db.transaction(async (tx) => {
        bodies++;
        await tx.run(add, ['deadlock', first]);
        if (engine === 'mariadb') await gate.arrive();
        await tx.run(add, ['deadlock', second]);
      });
    await Promise.all([cross(1, 2), cross(2, 1)]);
    const rows = await db.all<{ last_sequence: number }>(
      'SELECT last_sequence FROM transfer_sequences WHERE store = ?',
      ['deadlock'],
    );
    expect(rows.map((row) => row.last_sequence)).toEqual([2, 2]);
    expect(bodies).toBeGreaterThanOrEqual(engine === 'mariadb' ? 3 : 2);
  });

  test('an unknown commit is resolved by business key, and run again only when it did not happen', async () => {
    let asked = 0;
    const found = await db.transaction(
      async () => {
        throw new UnknownCommitError(new Error('connection lost'));
      },
      {
        resolveUnknownCommit: async () => {
          asked++;
          return 'it happened';
        },
      },
    );
    expect([found, asked]).toEqual(['it happened', 1]);
    let attempts = 0;
    const again = await db.transaction(
      async () => {
        if (++attempts === 1) throw new UnknownCommitError(new Error('connection lost'));
        return 'the second time';
      },
      { resolveUnknownCommit: async () => undefined },
    );
    expect([again, attempts]).toEqual(['the second time', 2]);
  });

  test('rows are inserted many at a time; a taken key fails, stays, is updated or grows', async () => {
    const columns = ['store', 'sku', 'account', 'rights'];
    const key = ['store', 'sku', 'account'];
    const rows = Array.from({ length: 250 }, (_, index) => ['rows', `S${index}`, 'own', 1]);
    await insertRows(db, 'stock_levels', columns, rows);
    const refused = await insertRows(db, 'stock_levels', columns, [['rows', 'S1', 'own', 9]]).catch(
      (error: unknown) => error,
    );
    expect(isDuplicateKey(refused)).toBe(true);
    await insertRows(db, 'stock_levels', columns, [['rows', 'S1', 'own', 9]], 'ignore');
    await insertRows(db, 'stock_levels', columns, [['rows', 'S2', 'own', 9]], { key, update: ['rights'] });
    await insertRows(db, 'stock_levels', columns, [['rows', 'S3', 'own', 9]], { key, update: [], add: ['rights'] });
    const levels = await db.all<{ sku: string; rights: number }>(
      `SELECT sku, rights FROM stock_levels WHERE store = 'rows' AND sku IN ('S1', 'S2', 'S3') ORDER BY sku`,
    );
    expect(levels.map((row) => row.rights)).toEqual([1, 9, 10]);
  });

  test('keys tell case and trailing spaces apart', async () => {
    const values = ['A', 'a', 'A ', 'Ä'];
    for (const sku of values) {
      await db.run(`INSERT INTO stock_levels (store, sku, account, rights) VALUES ('case', ?, 'own', 1)`, [sku]);
    }
    const rows = await db.all<{ sku: string }>(`SELECT sku FROM stock_levels WHERE store = 'case' AND sku = 'A'`);
    expect(rows).toEqual([{ sku: 'A' }]);
  });

  test('a value that does not fit is refused, not cut', async () => {
    const long = 'x'.repeat(300);
    const insert = db.run(insertKey, [long, 1, 1]);
    // SQLite has no length of its own; the API's schemas keep what MariaDB would refuse out.
    if (engine === 'mariadb') await expect(insert).rejects.toThrow(/TOO_LONG/);
    else await expect(insert).resolves.toBe(1);
  });

  test('insertIfAbsent has one winner', async () => {
    const insert = () =>
      db.transaction((tx) =>
        insertIfAbsent(tx, 'transfer_sequences', { store: 'once', incarnation: 1 }, { last_sequence: 0 }),
      );
    const won = await Promise.all(Array.from({ length: 10 }, insert));
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  test('a taken key is told from other faults', async () => {
    await db.run(insertKey, ['dup', 1, 1]);
    const error: unknown = await db.run(insertKey, ['dup', 1, 1]).catch((caught: unknown) => caught);
    expect(isDuplicateKey(error)).toBe(true);
    expect(isDuplicateKey(new Error('other'))).toBe(false);
  });

  test('a snapshot sees one state while others write', async () => {
    await db.run(insertKey, ['snapshot', 1, 1]);
    await db.snapshot(async (reads) => {
      const read = () =>
        reads.get<{ last_sequence: number }>(
          `SELECT last_sequence FROM transfer_sequences WHERE store = 'snapshot' AND incarnation = 1`,
        );
      expect((await read())?.last_sequence).toBe(1);
      await db.run(`UPDATE transfer_sequences SET last_sequence = 2 WHERE store = 'snapshot'`);
      expect((await read())?.last_sequence).toBe(1);
    });
  });
});

/** Opens when that many have arrived. */
describe('a group that SQLite rolls back by itself', () => {
  test('costs only the transaction that did not fit: the others run again and are there', async () => {
    const small = await freshDatabase('sqlite');
    const { db } = small;
    try {
      const insert = `INSERT INTO events (store, subject, sequence, kind, data, occurred_at) VALUES ('s', ?, 1, 'k', ?, 0)`;
      const pages = await db.get<{ page_count: number }>('PRAGMA page_count');
      const room = (pages?.page_count ?? 0) + 20;
      await db.transaction(async (tx) => void (await tx.all(`PRAGMA max_page_count = ${room}`)));
      const effects: number[] = [];
      const write = (number: number) =>
        db.transaction(async (tx) => {
          await tx.run(insert, [`subject ${number}`, number === 5 ? 'x'.repeat(1_000_000) : 'small']);
          tx.afterCommit(() => effects.push(number));
        });
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, number) => write(number)));
      const failed = outcomes.flatMap(({ status }, number) => (status === 'rejected' ? [number] : []));
      expect(failed).toEqual([5]);
      expect(outcomes[5]).toMatchObject({ reason: { code: 'SQLITE_FULL' } });
      expect((await db.get<{ rows: number }>('SELECT COUNT(*) AS "rows" FROM events'))?.rows).toBe(11);
      expect(effects.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]);
    } finally {
      await small.drop();
    }
  });
});

class Gate {
  private readonly opened: Promise<void>;
  private open: () => void = () => undefined;

  constructor(private missing: number) {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  arrive(): Promise<void> {
    if (--this.missing === 0) this.open();
    return this.opened;
  }
}

describe('the schema', () => {
  test('is the committed dump: renew it with "npm run schema" after a migration', async () => {
    const { location, remove } = freshLocation('sqlite');
    await migrate(location);
    const db = openDatabase(location);
    const dump = await dumpSchema(db);
    await db.close();
    await remove();
    expect(readFileSync(join(__dirname, '..', '..', 'db', 'schema.sql'), 'utf8')).toBe(dump);
  });

  test('every table leads with store', async () => {
    const fresh = await freshDatabase('sqlite');
    const shapes = await tablesAndColumns(fresh.db);
    await fresh.drop();
    expect(Object.entries(shapes).filter(([, columns]) => columns[0] !== 'store')).toEqual([]);
  });

  if (engines().includes('mariadb')) {
    test('is the same on both engines: tables and columns, in order', async () => {
      const [sqlite, mariadb] = await Promise.all([freshDatabase('sqlite'), freshDatabase('mariadb')]);
      expect(await tablesAndColumns(mariadb.db)).toEqual(await tablesAndColumns(sqlite.db));
      await Promise.all([sqlite.drop(), mariadb.drop()]);
    });

    test('a user who may not make databases is told which right is missing', async () => {
      const server = process.env['ENTREPOT_TEST_MARIADB_URL'] ?? '';
      const { createConnection } = await import('mysql2/promise');
      const root = await createConnection({ uri: server });
      await root.query(`CREATE OR REPLACE USER 'poor'@'%' IDENTIFIED BY 'secret'`);
      await root.end();
      const url = server.replace('root@', 'poor:secret@');
      await expect(migrate(`${url}forbidden`)).rejects.toThrow(
        /user "poor" may not make the database "forbidden": grant it with GRANT ALL PRIVILEGES ON `forbidden`/,
      );
    });
  }

  test('knex leaves no process behind', () => {
    const out = execFileSync(
      process.execPath,
      [
        '-e',
        `require('./dist/db/migrate').migrate(process.argv[1]).then(({ ran }) => console.log(ran.length))`,
        freshLocation('sqlite').location,
      ],
      {
        cwd: join(__dirname, '..', '..'),
        encoding: 'utf8',
      },
    );
    expect(Number(out)).toBeGreaterThan(0);
  });
});
