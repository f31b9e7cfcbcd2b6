/** Runs the migrations, the same source on both engines. */
import knexFactory, { type Knex } from 'knex';
import * as firstSchema from './migrations/0001-first-schema';
import * as stager from './migrations/0002-stager';
import { createMariadbDatabase, openMariadb } from './mariadb';
import { type Database, type Retries, type Statements, noRetries } from './database';
import { openSqlite } from './sqlite';

/** In the order in which they run; a released migration is never changed. */
const MIGRATIONS: readonly { name: string; migration: Knex.Migration }[] = [
  { name: '0001-first-schema', migration: firstSchema },
  { name: '0002-stager', migration: stager },
];

export const MIGRATIONS_TABLE = 'entrepot_migrations';

/** Where a site's database is: a file of SQLite, or a `mysql://` URL. */
export type DatabaseLocation = string;

export function isMariadbUrl(location: DatabaseLocation): boolean {
  return /^(mysql|mariadb):\/\//.test(location);
}

function knexFor(location: DatabaseLocation): Knex {
  if (!isMariadbUrl(location)) {
    return knexFactory({ client: 'better-sqlite3', connection: { filename: location }, useNullAsDefault: true });
  }
  return knexFactory({ client: 'mysql2', connection: { uri: location.replace(/^mariadb:/, 'mysql:') } });
}

/** Brings the database to the newest schema; answers the names of the migrations that ran. */
export async function migrate(location: DatabaseLocation): Promise<string[]> {
  if (isMariadbUrl(location)) await createMariadbDatabase(location);
  const knex = knexFor(location);
  try {
    const [, ran] = (await knex.migrate.latest({
      migrationSource: {
        getMigrations: async () => MIGRATIONS.map(({ name }) => name),
        getMigrationName: (name: string) => name,
        getMigration: async (name: string) => {
          const found = MIGRATIONS.find((candidate) => candidate.name === name);
          if (!found) throw new Error(`migration "${name}" is recorded in the database but unknown to this release`);
          return found.migration;
        },
      },
      tableName: MIGRATIONS_TABLE,
    })) as [number, string[]];
    return ran;
  } finally {
    await knex.destroy();
  }
}

export interface MigrationState {
  /** Known to this release and not run yet. */
  readonly missing: readonly string[];
  /** Run, and unknown to this release: the database was migrated by a later one. */
  readonly unknown: readonly string[];
}

/** Which migrations a database has and lacks; looks only. */
export async function migrationState(db: Statements): Promise<MigrationState> {
  const known = MIGRATIONS.map(({ name }) => name);
  const ran = await migrationsRun(db);
  return {
    missing: known.filter((name) => !ran.includes(name)),
    unknown: ran.filter((name) => !known.includes(name)),
  };
}

/** In the order in which they ran. */
export async function migrationsRun(db: Statements): Promise<string[]> {
  if (!(await hasTable(db, MIGRATIONS_TABLE))) return [];
  return (await db.all<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)).map(({ name }) => name);
}

async function hasTable(db: Statements, table: string): Promise<boolean> {
  const tables =
    db.engine === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
      : 'SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?';
  return (await db.get(tables, [table])) !== undefined;
}

/** Opens a migrated database of either engine; `retries` counts its transactions that are run again. */
export function openDatabase(location: DatabaseLocation, retries: Retries = noRetries()): Database {
  return isMariadbUrl(location)
    ? openMariadb(location.replace(/^mariadb:/, 'mysql:'), retries)
    : openSqlite(location, retries);
}
