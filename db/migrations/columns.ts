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

export async function createTable(
  knex: Knex,
  name: string,
  key: readonly Column[],
  { columns, indexes = [] }: TableShape,
): Promise<void> {
  const collation = await caseAndSpaceSensitiveCollation(knex);
  await knex.schema.createTable(name, (table) => {
    if (collation) {
      table.charset('utf8mb4');
      table.collate(collation);
    }
    for (const column of [...key, ...columns]) addColumn(table, column);
    table.primary(key.map(([keyColumn]) => keyColumn));
    for (const index of indexes) table.index([...index], `${name}_${index.join('_')}`.slice(0, 64));
  });
}

export function addColumn(table: Knex.CreateTableBuilder, [name, type, nullable]: Column): void {
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
async function caseAndSpaceSensitiveCollation(knex: Knex): Promise<string | null> {
  const client = knex.client as { config: { client: string } };
  if (client.config.client !== 'mysql2') return null;
  const [rows] = (await knex.raw('SELECT VERSION() AS version')) as [{ version: string }[]];
  return rows[0]?.version.includes('MariaDB') ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}
