/**
 * A migrated database of each engine, made once a run by the product's own migrations and copied for each test: to run
 * them every time took most of a test's time on MariaDB. The migrations have tests of their own.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { migrate } from '../../db/migrate';

/** Environment variable: the folder of the template. */
const TEMPLATE = 'ENTREPOT_TEST_TEMPLATE';
const DATABASE = 'entrepot_template';
const SQLITE_FILE = 'template.sqlite';
const MARIADB_FILE = 'template.sql';

const folder = () => process.env[TEMPLATE] ?? '';

/** `server`: of MariaDB; absent where there is none. */
export async function makeTemplate(server: string | undefined): Promise<{ remove(): void }> {
  const made = mkdtempSync(join(tmpdir(), 'entrepot-template-'));
  process.env[TEMPLATE] = made;
  await migrate(join(made, SQLITE_FILE));
  if (server !== undefined) {
    await migrate(server + DATABASE);
    writeFileSync(join(made, MARIADB_FILE), await dump(server + DATABASE));
  }
  return { remove: () => rmSync(made, { recursive: true, force: true }) };
}

/** The statements that make the database's tables with their rows. */
async function dump(url: string): Promise<string> {
  const connection = await mysql.createConnection({ uri: url });
  const rowsOf = async (sql: string) => (await connection.query(sql))[0] as Record<string, string>[];
  const statements = ['SET foreign_key_checks = 0'];
  try {
    for (const table of (await rowsOf('SHOW TABLES')).flatMap((row) => Object.values(row))) {
      const [made] = await rowsOf(mysql.format('SHOW CREATE TABLE ??', [table]));
      statements.push(made?.['Create Table'] ?? '');
      const rows = await rowsOf(mysql.format('SELECT * FROM ??', [table]));
      if (rows.length > 0) statements.push(mysql.format('INSERT INTO ?? VALUES ?', [table, rows.map(Object.values)]));
    }
  } finally {
    await connection.end();
  }
  return statements.join(';\n');
}

/** A migrated database at a place where there is none yet. */
export async function copyTemplate(location: string): Promise<void> {
  if (!location.startsWith('mysql:')) return copyFileSync(join(folder(), SQLITE_FILE), location);
  const slash = location.lastIndexOf('/') + 1;
  const name = mysql.escapeId(location.slice(slash));
  const connection = await mysql.createConnection({ uri: location.slice(0, slash), multipleStatements: true });
  try {
    const tables = readFileSync(join(folder(), MARIADB_FILE), 'utf8');
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4; USE ${name}; ${tables}`);
  } finally {
    await connection.end();
  }
}
