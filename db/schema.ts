/** What the migrations have made: for the committed dump, and to hold both engines' schemas against each other. */
import { type Statements } from './database';

/** Of knex, of SQLite, and SQLite's full-text index, which MariaDB has as an index of `item_texts`. */
const OWN_TABLES = /^(entrepot_migrations|sqlite_|item_words)/;
const FULL_TEXT_INDEX = 'item_words';

/** SQLite's tables, indexes and triggers as SQL, in the order of their names. */
export async function dumpSchema(reads: Statements): Promise<string> {
  const rows = await reads.all<{ name: string; sql: string }>(
    `SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL
     ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name`,
  );
  const statements = rows
    .filter(({ name }) => name === FULL_TEXT_INDEX || !OWN_TABLES.test(name))
    .map(
      ({ sql }) =>
        `${sql.replaceAll('`', '').replace(/, (?=\w+ (varchar|integer|bigint|text|char)|primary key)/g, ',\n  ')};`,
    );
  return `-- Made by the migrations on SQLite; renewed by "npm run schema".\n\n${statements.join('\n\n')}\n`;
}

/** Column names by table, in their order. */
export async function tablesAndColumns(reads: Statements): Promise<Record<string, string[]>> {
  const rows =
    reads.engine === 'sqlite'
      ? await reads.all<{ table_name: string; column_name: string }>(
          `SELECT tables.name AS table_name, columns.name AS column_name FROM sqlite_master tables
           JOIN pragma_table_info(tables.name) columns WHERE tables.type = 'table' ORDER BY tables.name, columns.cid`,
        )
      : await reads.all<{ table_name: string; column_name: string }>(
          `SELECT table_name AS table_name, column_name AS column_name FROM information_schema.columns
           WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
        );
  const shapes: Record<string, string[]> = {};
  for (const { table_name: table, column_name: column } of rows) {
    if (!OWN_TABLES.test(table)) shapes[table] = [...(shapes[table] ?? []), column];
  }
  return shapes;
}
