/** What a push is measured against: the same rows into the same table by multi-row upserts on nothing but the driver. */
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { CONTENT_COLUMNS, contentValues } from '../../db/catalog/items';
import { type SqlValue } from '../../db/database';
import { OPEN_REVISION, formatRevision } from '../../domain/catalog';
import { hashed } from '../../domain/catalog-digest';
import { parametersOf } from '../../db/dialect';
import { batches, items } from './items';

const COLUMNS = ['store', 'catalog', 'sku', 'from_revision', 'to_revision', 'partition_name', ...CONTENT_COLUMNS];
/** Rows of one statement; the fastest of them counts. */
export const UPSERT_ROWS = [100, 500, 1_000] as const;

/** Milliseconds for `count` rows of a catalogue in one transaction; `database` has the product's schema. */
export async function bareUpsert(database: string, catalog: string, count: number, rowsEach: number): Promise<number> {
  const made = [...items(count)].map((item): SqlValue[] => [
    ...['bench', catalog, item.sku, formatRevision(1, 1), OPEN_REVISION, ''],
    ...contentValues(hashed(item)),
  ]);
  return database.startsWith('mysql:') ? onMariadb(database, made, rowsEach) : onSqlite(database, made, rowsEach);
}

function statement(rows: number, end: string): string {
  const row = `(${COLUMNS.map(() => '?').join(', ')})`;
  return `INSERT INTO item_versions (${COLUMNS.join(', ')}) VALUES ${Array.from({ length: rows }, () => row).join(', ')} ${end}`;
}

async function onMariadb(database: string, rows: readonly SqlValue[][], rowsEach: number): Promise<number> {
  const connection = await mysql.createConnection({ uri: database });
  const update = CONTENT_COLUMNS.map((column) => `${column} = VALUES(${column})`).join(', ');
  try {
    const startedAt = performance.now();
    await connection.beginTransaction();
    for (const batch of batches(rows, rowsEach)) {
      await connection.execute(statement(batch.length, `ON DUPLICATE KEY UPDATE ${update}`), parametersOf(batch));
    }
    await connection.commit();
    return performance.now() - startedAt;
  } finally {
    await connection.query('DELETE FROM item_versions WHERE store = ?', ['bench']);
    await connection.end();
  }
}

async function onSqlite(file: string, rows: readonly SqlValue[][], rowsEach: number): Promise<number> {
  const db = new Sqlite(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  const update = CONTENT_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ');
  const end = `ON CONFLICT (store, catalog, sku, from_revision) DO UPDATE SET ${update}`;
  try {
    const startedAt = performance.now();
    db.prepare('BEGIN IMMEDIATE').run();
    const whole = db.prepare(statement(rowsEach, end));
    for (const batch of batches(rows, rowsEach)) {
      (batch.length === rowsEach ? whole : db.prepare(statement(batch.length, end))).run(parametersOf(batch));
    }
    db.prepare('COMMIT').run();
    return performance.now() - startedAt;
  } finally {
    db.prepare('DELETE FROM item_versions WHERE store = ?').run('bench');
    db.close();
  }
}
