/** `entrepot restore`: puts a backup in the place of a lost database, as new data of its site. */
import { withoutSecrets } from '../domain/redaction';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { foldSqlite, renewDatabase } from '../db/backup';
import { createMariadbDatabase, databaseName } from '../db/mariadb';
import { isEmptyMariadb } from '../db/mariadb-server';
import { isMariadbUrl, migrate, openDatabase } from '../db/migrate';
import { type SiteConfig } from '../workers/config';
import { type Backup, findBackup } from './backup/manifest';
import { loadMariadb } from './backup/mariadb-tools';
import { requireWhole } from './backup';
import { loadConfigFile } from './config';
import { askSite } from './doctor/site';
import { failed, wrongUsage } from './exit-codes';
import { formatCount, print, printJson, progress } from './output';

export interface RestoreOptions {
  /** The site's configuration file. */
  readonly config: string;
  readonly keepRights?: boolean;
  readonly json?: boolean;
}

export async function runRestore(file: string, options: RestoreOptions): Promise<void> {
  const config = loadConfigFile(options.config);
  const backup = findBackup(file);
  requireSameSite(backup, config, options.config);
  await requireStopped(config);
  await requireEmpty(config);
  await requireWhole(backup);
  progress(`site ${config.site}: restoring ${backup.path} to ${withoutSecrets(config.database)}`);
  const stores = await putInPlace(backup, config, options.keepRights ?? false);
  const result = { site: config.site, database: withoutSecrets(config.database), stores };
  if (options.json) {
    printJson(result);
    return;
  }
  print(`site ${config.site} is restored to what it was at ${backup.manifest.takenAt}; start it now`);
  for (const { store, withdrawn } of stores) {
    print(
      withdrawn === 0
        ? `store ${store}: it gets a new incarnation when it reaches Temporal`
        : `store ${store}: ${formatCount(withdrawn)} units are withdrawn, for they may have been sold or granted since; ` +
            'count what is there, "inventory receive" it at the primary and "inventory allocate" it',
    );
  }
}

function requireSameSite({ path, manifest }: Backup, config: SiteConfig, file: string): void {
  const { site, engine } = manifest;
  if (site !== config.site) throw wrongUsage(`${path} is of site "${site}", ${file} is of site "${config.site}"`);
  const wanted = isMariadbUrl(config.database) ? 'mariadb' : 'sqlite';
  if (engine !== wanted) throw wrongUsage(`${path} is of ${engine}, and database in ${file} names one of ${wanted}`);
}

async function requireStopped({ site, url }: SiteConfig): Promise<void> {
  const { finding } = await askSite({ site, url }, () => Date.now());
  if (finding.level === 'ok') throw failed(`site ${site} runs at ${url}: stop it first`);
}

/** What is there is never overwritten. */
async function requireEmpty({ database }: SiteConfig): Promise<void> {
  if (isMariadbUrl(database)) {
    if (await isEmptyMariadb(database)) return;
    const name = databaseName(database);
    throw failed(
      `the database ${name} holds tables: keep it by another name until the restored site is well ` +
        `(create a database and name that in the configuration), or drop it (DROP DATABASE \`${name}\`)`,
    );
  }
  // A log left behind would be taken for the restored file's own.
  const left = [database, `${database}-wal`, `${database}-shm`].filter((file) => existsSync(file));
  if (left.length > 0) throw failed(`${left.join(', ')} would be overwritten: move all of ${database}* away first`);
}

/** At no moment does the old data's identity stand where a site could start with it: on SQLite, by a last rename. */
async function putInPlace(
  { path }: Backup,
  { database, site }: SiteConfig,
  keepRights: boolean,
): Promise<{ store: string; withdrawn: number }[]> {
  if (!isMariadbUrl(database)) {
    const beside = `${database}.restoring`;
    mkdirSync(dirname(database), { recursive: true });
    rmSync(beside, { force: true });
    copyFileSync(path, beside);
    const stores = await renew(beside, keepRights);
    foldSqlite(beside);
    renameSync(beside, database);
    return stores;
  }
  try {
    await createMariadbDatabase(database);
    await loadMariadb(database, path);
    return await renew(database, keepRights);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw failed(
      `the database of site ${site} is restored in part only (${reason}): do not start the site; ` +
        `DROP DATABASE \`${databaseName(database)}\`, then restore again`,
      error,
    );
  }
}

async function renew(location: string, keepRights: boolean): Promise<{ store: string; withdrawn: number }[]> {
  await migrate(location);
  const db = openDatabase(location);
  try {
    return await renewDatabase(db, { makeDataId: () => uuidv7(), keepRights, now: Date.now() });
  } finally {
    await db.close();
  }
}
