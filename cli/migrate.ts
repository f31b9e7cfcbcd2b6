/** `entrepot migrate`: brings databases to this release's schema; a site does the same when it starts. */
import { migrate } from '../db/migrate';
import { withoutSecrets } from '../domain/redaction';
import { siteConfigs } from './databases';
import { unreachable } from './exit-codes';
import { printList, progress } from './output';

export async function runMigrate(files: string[], options: { data: string; json?: boolean }): Promise<void> {
  const done = [];
  for (const { site, database } of siteConfigs(files, options.data)) {
    const where = withoutSecrets(database);
    progress(`site ${site}: migrating ${where}`);
    const { ran, newer } = await migrate(database).catch((error: unknown) => {
      throw unreachable(`the database of site ${site}, ${where}, can't be migrated: ${String(error)}`, error);
    });
    done.push({ site, database: where, migrations: ran, newer });
  }
  printList(
    options.json,
    done,
    ['site', 'database', 'migrations run'],
    done.map(({ site, database, migrations, newer }) => [site, database, outcome(migrations, newer)]),
    'no sites',
  );
}

function outcome(ran: readonly string[], newer: readonly string[]): string {
  if (newer.length > 0) return `none: a newer release has added ${newer.join(', ')}, and this one runs on it`;
  return ran.join(', ') || 'none: it is up to date';
}
