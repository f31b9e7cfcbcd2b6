/** Runs the migrations, the same source on both engines. */
import knexFactory, { type Knex } from 'knex';
import * as firstSchema from './migrations/0001-first-schema';
import * as stager from './migrations/0002-stager';
import { createMariadbDatabase, openMariadb } from './mariadb';
import { type Database } from './database';
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

/** Opens a migrated database of either engine. */
export function openDatabase(location: DatabaseLocation): Database {
  return isMariadbUrl(location) ? openMariadb(location.replace(/^mariadb:/, 'mysql:')) : openSqlite(location);
}
