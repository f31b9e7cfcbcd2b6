/** The databases that a command opens directly: those of named configuration files, or of the trial system. */
import { existsSync } from 'node:fs';
import { type Database } from '../db/database';
import { isMariadbUrl, openDatabase } from '../db/migrate';
import { loadTopology } from '../db/topology';
import { withoutSecrets } from '../domain/redaction';
import { type SiteConfig } from '../workers/config';
import { loadConfigFile } from './config';
import { configFiles } from './config-files';
import { unreachable } from './exit-codes';

export function siteConfigs(files: readonly string[], data: string): SiteConfig[] {
  const found = configFiles(files, data);
  return found.files.map((file) => loadConfigFile(file, found.environment));
}

export interface OpenSite {
  readonly config: SiteConfig;
  readonly db: Database;
}

/** Opens every site's database, lets `work` read them, and closes them whatever happens. */
export async function withDatabases<T>(
  configs: readonly SiteConfig[],
  work: (sites: readonly OpenSite[]) => Promise<T>,
): Promise<T> {
  const sites: OpenSite[] = [];
  try {
    for (const config of configs) sites.push({ config, db: await openOne(config) });
    return await work(sites);
  } finally {
    await Promise.all(sites.map(({ db }) => db.close()));
  }
}

async function openOne(config: SiteConfig): Promise<Database> {
  try {
    // Opening would make an empty one.
    if (!isMariadbUrl(config.database) && !existsSync(config.database)) throw new Error('there is no such file');
    const db = openDatabase(config.database);
    for (const store of Object.keys(config.stores)) await loadTopology(db, store);
    return db;
  } catch (error) {
    throw unreachable(
      `the database of site ${config.site}, ${withoutSecrets(config.database)}, can't be read ` +
        `(${error instanceof Error ? error.message : String(error)}): was the site ever started, is the server up?`,
      error,
    );
  }
}
