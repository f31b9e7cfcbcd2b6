/** What is asked of a database that is copied or restored. */
import Sqlite from 'better-sqlite3';
import { type Database, type Statements } from './database';
import { withdrawRights } from './inventory';
import { migrationsRun } from './migrate';
import { loadTopology, renewData } from './topology';

export interface StoreFacts {
  readonly store: string;
  readonly site: string;
  readonly epoch: number;
  readonly topologyVersion: number;
  readonly incarnation: number;
  readonly dataId: string;
}

export interface DatabaseFacts {
  readonly stores: readonly StoreFacts[];
  /** Migrations that have run, in their order. */
  readonly migrations: readonly string[];
}

/** What a database is: of which site, which stores, which data. */
export function readFacts(db: Database): Promise<DatabaseFacts> {
  return db.snapshot(async (reads) => ({ stores: await storeFacts(reads), migrations: await migrationsRun(reads) }));
}

async function storeFacts(reads: Statements): Promise<StoreFacts[]> {
  const facts: StoreFacts[] = [];
  for (const { store } of await reads.all<{ store: string }>('SELECT store FROM topology ORDER BY store')) {
    const { topology, site, incarnation, dataId } = await loadTopology(reads, store);
    facts.push({ store, site, epoch: topology.epoch, topologyVersion: topology.version, incarnation, dataId });
  }
  return facts;
}

/**
 * Copies the SQLite database of a site that sells on: one read transaction, which no writer waits for. It keeps this
 * thread until it is done.
 */
export function copySqlite(from: string, to: string): void {
  const source = new Sqlite(from, { readonly: true, fileMustExist: true });
  try {
    source.prepare('VACUUM INTO ?').run(to);
  } finally {
    source.close();
  }
}

/** Leaves a SQLite database that nobody has open as one file, without a log beside it, so that it can be moved. */
export function foldSqlite(file: string): void {
  const database = new Sqlite(file, { fileMustExist: true });
  try {
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
}

/** What SQLite finds wrong with a file first; null for a sound one. */
export function sqliteProblem(file: string): string | null {
  let copy: Sqlite.Database | undefined;
  try {
    copy = new Sqlite(file, { readonly: true, fileMustExist: true });
    const [row] = copy.pragma('quick_check(1)') as { quick_check: string }[];
    return row?.quick_check === 'ok' ? null : (row?.quick_check ?? 'it could not be checked');
  } catch (error) {
    return error instanceof Error ? error.message : JSON.stringify(error);
  } finally {
    copy?.close();
  }
}

export interface Renewal {
  readonly makeDataId: () => string;
  /** What the site was allowed to sell and grant is its again; else it is withdrawn. */
  readonly keepRights: boolean;
  readonly now: number;
}

/** Makes a restored copy new data of its site, in one transaction; answers the units that were withdrawn, by store. */
export function renewDatabase(
  db: Database,
  { makeDataId, keepRights, now }: Renewal,
): Promise<{ store: string; withdrawn: number }[]> {
  return db.transaction(async (tx) => {
    const renewed = [];
    for (const { store, epoch, incarnation } of await storeFacts(tx)) {
      const dataId = makeDataId();
      await renewData(tx, store, dataId, now);
      const withdrawal = { store, cause: `restore:${dataId}`, epoch, incarnation, now };
      renewed.push({ store, withdrawn: keepRights ? 0 : await withdrawRights(tx, withdrawal) });
    }
    return renewed;
  });
}
