/** `entrepot backup` and `backup verify`: a consistent copy of a site's database while the site sells. */
import { withoutSecrets } from '../domain/redaction';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { copySqlite, readFacts, sqliteProblem } from '../db/backup';
import { isMariadbUrl } from '../db/migrate';
import { type SiteConfig } from '../workers/config';
import { type Backup, MANIFEST_SUFFIX, type Manifest, findBackup, hashFile, requireUnchanged } from './backup/manifest';
import { dumpMariadb, dumpProblem } from './backup/mariadb-tools';

import { type OpenSite, siteConfigs, withDatabases } from './databases';
import { failed } from './exit-codes';
import { formatCount, formatTime, print, printJson, printList, progress } from './output';
import { PACKAGE_VERSION } from './version';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Behind the name of a copy that is not whole yet. */
const PART_SUFFIX = '.part';

export interface BackupOptions {
  readonly data: string;
  /** The folder that the copies go to. */
  readonly to: string;
  readonly json?: boolean;
}

export async function runBackup(files: string[], options: BackupOptions): Promise<void> {
  const configs = siteConfigs(files, options.data);
  mkdirSync(options.to, { recursive: true, mode: FOLDER_MODE });
  const backups = await withDatabases(configs, async (sites) => {
    const made: Backup[] = [];
    for (const site of sites) made.push(await backUp(site, resolve(options.to)));
    return made;
  });
  printList(
    options.json,
    backups.map(({ path, manifest }) => ({ path, ...manifest })),
    ['site', 'backup', 'bytes', 'incarnation'],
    backups.map(({ path, manifest }) => [manifest.site, path, manifest.bytes, incarnationsOf(manifest)]),
    'no sites',
  );
}

async function backUp({ config, db }: OpenSite, folder: string): Promise<Backup> {
  const { site, database } = config;
  progress(`site ${site}: copying ${withoutSecrets(database)}`);
  const takenAt = new Date().toISOString();
  const name = `${site}-${takenAt.replace(/[-:]|\.\d+/g, '')}.${isMariadbUrl(database) ? 'sql.gz' : 'sqlite'}`;
  const path = join(folder, name);
  if (existsSync(path)) throw failed(`${path} is there already: wait a second`);
  const facts = await readFacts(db);
  const other = facts.stores.find((store) => store.site !== site);
  if (other) throw failed(`the database of ${site}'s configuration is that of site "${other.site}": mend database`);
  try {
    await copy(config, path + PART_SUFFIX);
    const manifest: Manifest = {
      ...{ format: 'entrepot-backup', version: 1, site, engine: db.engine, takenAt, release: PACKAGE_VERSION },
      ...{ migrations: [...facts.migrations], file: name, bytes: statSync(path + PART_SUFFIX).size },
      sha256: await hashFile(path + PART_SUFFIX),
      stores: facts.stores.map(({ store, epoch, topologyVersion, incarnation, dataId }) => {
        return { store, epoch, topologyVersion, incarnation, dataId };
      }),
    };
    settle(path);
    writeFileSync(path + MANIFEST_SUFFIX + PART_SUFFIX, `${JSON.stringify(manifest, null, 2)}\n`, { mode: FILE_MODE });
    settle(path + MANIFEST_SUFFIX);
    return { path, manifest };
  } finally {
    rmSync(path + PART_SUFFIX, { force: true });
  }
}

async function copy({ database }: SiteConfig, to: string): Promise<void> {
  rmSync(to, { force: true });
  if (isMariadbUrl(database)) {
    await dumpMariadb(database, to);
    return;
  }
  // Made first, so that nobody else may read it for a moment.
  closeSync(openSync(to, 'w', FILE_MODE));
  copySqlite(database, to);
}

/** What is whole reaches the disk, then gets its name. */
function settle(path: string): void {
  for (const [name, then] of [
    [path + PART_SUFFIX, () => renameSync(path + PART_SUFFIX, path)],
    [dirname(path), () => undefined],
  ] as const) {
    const handle = openSync(name, 'r');
    fsyncSync(handle);
    closeSync(handle);
    then();
  }
}

export async function runBackupVerify(files: string[], options: { json?: boolean }): Promise<void> {
  const backups = files.map(findBackup);
  for (const backup of backups) await requireWhole(backup);
  if (options.json) {
    printJson(backups.map(({ path, manifest }) => ({ path, ...manifest })));
    return;
  }
  for (const { path, manifest } of backups) {
    const { site, engine, takenAt, bytes } = manifest;
    print(
      `${basename(path)} is whole: site ${site}, ${engine}, taken ${formatTime(takenAt)}, ` +
        `${formatCount(bytes)} bytes, ${incarnationsOf(manifest)}`,
    );
  }
}

/** Throws for a backup that could not be restored. */
export async function requireWhole(backup: Backup): Promise<void> {
  await requireUnchanged(backup);
  const { path, manifest } = backup;
  const problem = manifest.engine === 'sqlite' ? sqliteProblem(path) : await dumpProblem(path);
  if (problem !== null) throw failed(`${path} can't be restored: ${problem}`);
}

function incarnationsOf({ stores }: Manifest): string {
  return stores.map(({ store, incarnation }) => `${store} ${incarnation}`).join(', ');
}
