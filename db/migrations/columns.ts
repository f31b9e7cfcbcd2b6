/** Column types that mean the same on both engines, in one place. */
import { type Knex } from 'knex';

export type ColumnType =
  'name' | 'sku' | 'id' | 'code' | 'label' | 'digest' | 'integer' | 'bigint' | 'text' | 'longtext';
export type Column = readonly [name: string, type: ColumnType, nullable?: 'null'];

/** Longest values, in characters. */
const LENGTHS: Partial<Record<ColumnType, number>> = { name: 32, sku: 64, id: 36, code: 32, label: 255, digest: 64 };

export interface TableShape {
  readonly columns: readonly Column[];
  readonly indexes?: readonly (readonly string[])[];
}

/**
 * MariaDB commits each statement of a migration by itself, so one that a killed process left half-done runs again: what
 * is there already is left as it is.
 */
export async function createTable(
  knex: Knex,
  name: string,
  key: readonly Column[],
  { columns, indexes = [] }: TableShape,
): Promise<void> {
  const collation = onMariadb(knex) ? await caseAndSpaceSensitiveCollation(knex) : null;
  if (!(await isThere(knex, 'SHOW TABLES LIKE ?', [name]))) {
    await knex.schema.createTable(name, (table) => {
      if (collation) {
        table.charset('utf8mb4');
        table.collate(collation);
      }
      for (const column of [...key, ...columns]) addColumn(table, column);
      table.primary(key.map(([keyColumn]) => keyColumn));
    });
  }
  for (const index of indexes) await createIndex(knex, name, index);
}

/** As `createTable`, for one index. */
export async function createIndex(knex: Knex, table: string, columns: readonly string[]): Promise<void> {
  const name = `${table}_${columns.join('_')}`.slice(0, 64);
  if (await isThere(knex, 'SHOW INDEX FROM ?? WHERE Key_name = ?', [table, name])) return;
  await knex.schema.alterTable(table, (altered) => altered.index([...columns], name));
}

/** What a statement of MariaDB shows; by these, because the information schema looks at every database of the server. */
async function isThere(knex: Knex, show: string, names: readonly string[]): Promise<boolean> {
  if (!onMariadb(knex)) return false; // There a migration is one transaction, whole or not at all.
  const [rows] = (await knex.raw(show, [...names])) as [unknown[]];
  return rows.length > 0;
}

export function onMariadb(knex: Knex): boolean {
  return (knex.client as { config: { client: string } }).config.client === 'mysql2';
}

/** As `createTable`, for columns of a table that is there: they may be null, for older releases do not fill them in. */
export async function addColumns(knex: Knex, table: string, columns: readonly Column[]): Promise<void> {
  for (const column of columns) {
    if (await isThere(knex, 'SHOW COLUMNS FROM ?? LIKE ?', [table, column[0]])) continue;
    await knex.schema.alterTable(table, (altered) => addColumn(altered, column));
  }
}

function addColumn(table: Knex.CreateTableBuilder, [name, type, nullable]: Column): void {
  const builder = columnBuilder(table, name, type);
  if (nullable === 'null') builder.nullable();
  else builder.notNullable();
}

function columnBuilder(table: Knex.CreateTableBuilder, name: string, type: ColumnType): Knex.ColumnBuilder {
  if (type === 'integer') return table.integer(name);
  if (type === 'bigint') return table.bigInteger(name);
  if (type === 'text') return table.text(name, 'text');
  if (type === 'longtext') return table.text(name, 'longtext');
  return table.string(name, LENGTHS[type]);
}

/** 'A' and 'A ' and 'a' are three values: MariaDB's and MySQL's names for that differ; SQLite always compares so. */
export async function caseAndSpaceSensitiveCollation(knex: Knex): Promise<string> {
  const [rows] = (await knex.raw('SELECT VERSION() AS version')) as [{ version: string }[]];
  return rows[0]?.version.includes('MariaDB') ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}
