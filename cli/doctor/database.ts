/** Is a site's database there, may the site use it, and is it of this release? */
import { closeSync, existsSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Database } from '../../db/database';
import { refusalOf } from '../../db/errors';
import { databaseName } from '../../db/mariadb';
import { checkServer } from '../../db/mariadb-server';
import { isMariadbUrl, migrationState, openDatabase } from '../../db/migrate';
import { type OwnTopology, loadTopology } from '../../db/topology';
import { type SiteConfig } from '../../workers/config';
import { withoutSecrets } from '../../domain/redaction';
import { type ClockReading, readClock } from './clock';
import { reasonOf } from '../reason';
import { type Finding, Findings } from './finding';

export interface DatabaseCheckup {
  readonly findings: readonly Finding[];
  /** The server's clock; SQLite has none of its own. */
  readonly clock: ClockReading | null;
  /** What the site knows of each of its stores. */
  readonly topologies: readonly OwnTopology[];
}

export async function checkDatabase(config: SiteConfig, now: () => number): Promise<DatabaseCheckup> {
  const { database } = config;
  const access = isMariadbUrl(database) ? await checkMariadb(config, now) : checkSqlite(config);
  if (!access.usable) return { findings: access.findings, clock: access.clock, topologies: [] };
  const contents = await checkContents(config);
  return { ...contents, findings: [...access.findings, ...contents.findings], clock: access.clock };
}

interface Access {
  readonly findings: readonly Finding[];
  readonly clock: ClockReading | null;
  /** There is something to look into. */
  readonly usable: boolean;
}

async function checkMariadb({ site, database }: SiteConfig, now: () => number): Promise<Access> {
  const where = withoutSecrets(database);
  const rights = new Findings('rights', site);
  const askedAt = now();
  try {
    const server = await checkServer(database);
    const clock = { ...readClock(server.now, askedAt, now()), whose: `the database server of site ${site}` };
    const { missingRights, indexProblem } = server;
    const finding = new Findings('database', site);
    const there =
      indexProblem === null ? finding.ok(`${where} answers`) : finding.fault(`${where}: ${indexProblem}`, LET_WORDS_IN);
    const may =
      missingRights.length === 0
        ? rights.ok('the user may do what the site needs')
        : rights.fault(`the user lacks ${missingRights.join(', ')} on ${where}`, grant(missingRights, database));
    return { findings: [there, may], clock, usable: !missingRights.includes('SELECT') };
  } catch (error) {
    return { findings: [explain(site, database, error)], clock: null, usable: false };
  }
}

const LET_WORDS_IN =
  "leave innodb_ft_min_token_size and innodb_ft_max_token_size at their defaults (3 and 84) in the server's settings, " +
  'restart it, and rebuild the index: ALTER TABLE item_texts DROP INDEX item_texts_words, ADD FULLTEXT item_texts_words (words)';

function explain(site: string, database: string, error: unknown): Finding {
  const where = withoutSecrets(database);
  const refusal = refusalOf(error);
  if (refusal === 'access-denied') {
    return new Findings('rights', site).fault(
      `the server refuses the user of ${where}: ${reasonOf(error)}`,
      `check user and password; ${grant(['ALL PRIVILEGES'], database)}`,
    );
  }
  if (refusal === 'no-such-database') {
    return new Findings('database', site).warning(
      `there is no database ${databaseName(database)} yet`,
      'the site makes it at its first start, if its user may; "entrepot migrate" does too',
    );
  }
  return new Findings('database', site).fault(
    `${where} can't be reached: ${reasonOf(error)}`,
    'start the database server, or mend database in the configuration',
  );
}

function grant(rights: readonly string[], database: string): string {
  const name = databaseName(database);
  const user = decodeURIComponent(new URL(database).username);
  return `as the server's administrator: GRANT ${rights.join(', ')} ON \`${name}\`.* TO '${user}'@'%'`;
}

function checkSqlite({ site, database }: SiteConfig): Access {
  const finding = new Findings('database', site);
  const rights = new Findings('rights', site);
  const folder = dirname(database);
  if (!existsSync(folder)) {
    const warning = finding.warning(`the folder ${folder} is not there yet`, 'the site makes it at its first start');
    return { findings: [warning], clock: null, usable: false };
  }
  const refused = writeProblem(database, folder);
  if (refused !== null) {
    const remedy = `give this user the right to write there (chown, chmod), or run the site as who has it`;
    return { findings: [rights.fault(refused, remedy)], clock: null, usable: false };
  }
  const may = rights.ok(`this user may write in ${folder}`);
  if (existsSync(database)) {
    return { findings: [finding.ok(`${database} is there`), may], clock: null, usable: true };
  }
  const warning = finding.warning(`${database} is not there yet`, 'the site makes it at its first start');
  return { findings: [warning, may], clock: null, usable: false };
}

/** SQLite writes the file, and its log beside it. */
function writeProblem(database: string, folder: string): string | null {
  try {
    rmdirSync(mkdtempSync(join(folder, '.entrepot-doctor-')));
    if (existsSync(database)) closeSync(openSync(database, 'r+'));
    return null;
  } catch (error) {
    return `this user can't write ${database}: ${reasonOf(error)}`;
  }
}

async function checkContents({ site, database, stores }: SiteConfig): Promise<Omit<DatabaseCheckup, 'clock'>> {
  let db: Database | undefined;
  try {
    db = openDatabase(database);
    const migrations = judgeMigrations(site, await migrationState(db));
    if (migrations.level === 'fault') return { findings: [migrations], topologies: [] };
    const topologies: OwnTopology[] = [];
    const findings: Finding[] = [migrations];
    for (const store of Object.keys(stores)) {
      const own = await loadTopology(db, store).catch(() => null);
      if (own) topologies.push(own);
      findings.push(...judgeOwner(site, store, own));
    }
    return { findings, topologies };
  } catch (error) {
    const finding = new Findings('database', site).fault(
      `${withoutSecrets(database)} can't be read: ${reasonOf(error)}`,
      'if the file or server is damaged, restore a backup (docs/operations.md)',
    );
    return { findings: [finding], topologies: [] };
  } finally {
    await db?.close();
  }
}

function judgeMigrations(site: string, { missing, unknown }: Awaited<ReturnType<typeof migrationState>>): Finding {
  const finding = new Findings('migrations', site);
  if (unknown.length > 0) {
    return finding.fault(
      `the database was migrated by a later release (${unknown.join(', ')})`,
      'run that release, or restore a backup from before the upgrade',
    );
  }
  if (missing.length === 0) return finding.ok('every migration of this release has run');
  return finding.fault(
    `migrations have not run: ${missing.join(', ')}`,
    'run "entrepot migrate", or start the site, which does the same',
  );
}

/** A database serves one site for ever. */
function judgeOwner(site: string, store: string, own: OwnTopology | null): Finding[] {
  const finding = new Findings('database', site);
  if (!own) {
    return [finding.warning(`store ${store} is not in the database yet`, 'the site adds it when it starts')];
  }
  if (own.site === site) return [];
  return [
    finding.fault(
      `the database is that of site "${own.site}" of store ${store}`,
      'set database to the one of this site',
    ),
  ];
}
