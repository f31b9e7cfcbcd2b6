/** Runs the migrations, the same source on both engines. */
import knexFactory, { type Knex } from 'knex';
import { newerMigrations, schemaProblem } from '../domain/migrations';
import * as firstSchema from './migrations/0001-first-schema';
import * as stager from './migrations/0002-expand-stager';
import * as drafts from './migrations/0003-expand-drafts';
import * as search from './migrations/0004-expand-search';
import * as triggers from './migrations/0005-expand-triggers';
import * as audiences from './migrations/0006-expand-audiences';
import * as borrowing from './migrations/0006-expand-borrowing';
import * as takerIncarnation from './migrations/0007-expand-taker-incarnation';
import * as stockUpdates from './migrations/0008-expand-stock-updates';
import * as demand from './migrations/0009-expand-demand';
import * as replenishment from './migrations/0010-expand-replenishment';
import { createMariadbDatabase, openMariadb, withMariadbMigrationLock } from './mariadb';
import { type Database, type Retries, type Statements, noRetries } from './database';
import { openSqlite } from './sqlite';

/** In the order in which they run; a released migration is never changed. Their names are of `domain/migrations`. */
export const MIGRATIONS: readonly { name: string; migration: Knex.Migration }[] = [
  { name: '0001-first-schema', migration: firstSchema },
  { name: '0002-expand-stager', migration: stager },
  { name: '0003-expand-drafts', migration: drafts },
  { name: '0004-expand-search', migration: search },
  { name: '0005-expand-triggers', migration: triggers },
  { name: '0006-expand-audiences', migration: audiences },
  { name: '0006-expand-borrowing', migration: borrowing },
  { name: '0007-expand-taker-incarnation', migration: takerIncarnation },
  { name: '0008-expand-stock-updates', migration: stockUpdates },
  { name: '0009-expand-demand', migration: demand },
  { name: '0010-expand-replenishment', migration: replenishment },
];

const MIGRATIONS_TABLE = 'entrepot_migrations';

/** Where a site's database is: a file of SQLite, or a `mysql://` URL. */
export type DatabaseLocation = string;

export interface Migrated {
  /** Names of the migrations that ran now. */
  readonly ran: readonly string[];
  /** Names of those that a newer release has run: this one runs on what they left. */
  readonly newer: readonly string[];
}

export function isMariadbUrl(location: DatabaseLocation): boolean {
  return /^(mysql|mariadb):\/\//.test(location);
}

function knexFor(location: DatabaseLocation): Knex {
  if (!isMariadbUrl(location)) {
    return knexFactory({ client: 'better-sqlite3', connection: { filename: location }, useNullAsDefault: true });
  }
  return knexFactory({ client: 'mysql2', connection: { uri: mysqlUrl(location) } });
}

function mysqlUrl(location: DatabaseLocation): string {
  return location.replace(/^mariadb:/, 'mysql:');
}

/**
 * Brings the database to this release's schema. One that a newer release has expanded is left as it is; one that a newer
 * release has contracted beyond what this release can use is an error. Of several processes one migrates; one that
 * died meanwhile is no obstacle.
 */
export async function migrate(location: DatabaseLocation): Promise<Migrated> {
  if (!isMariadbUrl(location)) return runMigrations(location);
  await createMariadbDatabase(location);
  return withMariadbMigrationLock(mysqlUrl(location), () => runMigrations(location));
}

async function runMigrations(location: DatabaseLocation): Promise<Migrated> {
  const knex = knexFor(location);
  const known = MIGRATIONS.map(({ name }) => name);
  const config: Knex.MigratorConfig = {
    migrationSource: {
      getMigrations: async () => known,
      getMigrationName: (name: string) => name,
      getMigration: async (name: string) => migrationNamed(name),
    },
    tableName: MIGRATIONS_TABLE,
    // Knex would refuse whatever it does not know.
    disableMigrationsListValidation: true,
  };
  try {
    const recorded = await recordedMigrations(knex, config);
    const problem = schemaProblem(known, recorded);
    if (problem !== null) throw new Error(problem);
    // Whoever ran knex before is gone: its own lock in the database outlives a killed process, MariaDB's does not.
    if (isMariadbUrl(location)) await knex.migrate.forceFreeMigrationsLock(config);
    const [, ran] = (await knex.migrate.latest(config)) as [number, string[]];
    return { ran, newer: newerMigrations(known, recorded) };
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

async function recordedMigrations(knex: Knex, config: Knex.MigratorConfig): Promise<string[]> {
  const [completed] = (await knex.migrate.list(config)) as [{ name: string }[], unknown];
  return completed.map(({ name }) => name);
}

function migrationNamed(name: string): Knex.Migration {
  const found = MIGRATIONS.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`this release has no migration "${name}"`);
  return found.migration;
}

/** Opens a migrated database of either engine; `retries` counts its transactions that are run again. */
export function openDatabase(location: DatabaseLocation, retries: Retries = noRetries()): Database {
  return isMariadbUrl(location) ? openMariadb(mysqlUrl(location), retries) : openSqlite(location, retries);
}
