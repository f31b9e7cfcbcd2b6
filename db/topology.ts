/** The site's copy of the store's topology, and the fence that commands of an older epoch run into. */
import { TellableError } from '../domain/errors';
import { type Site, type SiteRole, type Topology } from '../domain/sites';
import { type Statements, type Transaction } from './database';
import { forUpdate, insertRows } from './dialect';

/** The site asked is not the store's primary in that epoch; refusals like this are never stored in the inbox. */
export class NotPrimaryError extends TellableError {
  constructor(
    readonly store: string,
    readonly site: string,
    readonly askedEpoch: number,
    readonly primary: string,
    readonly epoch: number,
  ) {
    super(
      `site "${site}" is not primary of store "${store}" in epoch ${askedEpoch}: ` +
        `it knows "${primary}" as primary in epoch ${epoch}`,
    );
  }
}

interface TopologyRow {
  version: number;
  epoch: number;
  primary_site: string;
  own_site: string;
  data_id: string;
}

interface SiteRow {
  site: string;
  role: SiteRole;
  parent: string | null;
  url: string;
  incarnation: number;
}

export interface OwnTopology {
  readonly topology: Topology;
  readonly site: string;
  /**
   * The number of this site's data; 0 until the authority has given one. While the topology's version is 0, the
   * authority has not spoken to these data: a number is then that of the data before they were restored.
   */
  readonly incarnation: number;
  /** Names this database for ever; a remade one gets another. */
  readonly dataId: string;
}

/**
 * True once the authority has numbered these very data. Until then they may be new ones in the place of lost ones, or
 * older ones under a number that others went on with: no transfer may be given or taken under it.
 */
export function isNumbered({ topology, incarnation }: OwnTopology): boolean {
  return topology.version > 0 && incarnation > 0;
}

/** Throws what may be tried again: registering takes a moment. */
export function requireNumber(own: OwnTopology): void {
  if (isNumbered(own)) return;
  throw new TellableError(
    `the data of site "${own.site}" have no number yet, so it takes and gives no transfer: wait until it has registered`,
  );
}

/** Writes what configuration says, on a database that has no topology of the store yet. */
export async function seedTopology(
  tx: Transaction,
  topology: Topology,
  ownSite: string,
  dataId: string,
  now: number,
): Promise<void> {
  const found = await tx.get('SELECT 1 AS found FROM topology WHERE store = ?', [topology.store]);
  if (found) return;
  await insertRows(
    tx,
    'topology',
    ['store', 'version', 'epoch', 'primary_site', 'own_site', 'data_id', 'updated_at'],
    [[topology.store, topology.version, topology.epoch, topology.primary, ownSite, dataId, now]],
  );
  await writeSites(tx, topology, now);
}

/** Takes a newer topology; an older or equal one changes nothing. Answers whether it was taken. */
export async function saveTopology(tx: Transaction, topology: Topology, now: number): Promise<boolean> {
  const row = await lockRow(tx, topology.store);
  if (!row) throw noTopology(topology.store);
  if (topology.version <= row.version) return false;
  await tx.run('UPDATE topology SET version = ?, epoch = ?, primary_site = ?, updated_at = ? WHERE store = ?', [
    topology.version,
    topology.epoch,
    topology.primary,
    now,
    topology.store,
  ]);
  await tx.run('DELETE FROM sites WHERE store = ?', [topology.store]);
  await writeSites(tx, topology, now);
  return true;
}

/** Data that were restored from a backup are other data than those that went on: the authority gives them a new number. */
export async function renewData(tx: Transaction, store: string, dataId: string, now: number): Promise<void> {
  const renewed = await tx.run('UPDATE topology SET data_id = ?, version = 0, updated_at = ? WHERE store = ?', [
    ...[dataId, now, store],
  ]);
  if (renewed === 0) throw noTopology(store);
}

async function writeSites(tx: Transaction, topology: Topology, now: number): Promise<void> {
  await insertRows(
    tx,
    'sites',
    ['store', 'site', 'role', 'parent', 'url', 'incarnation', 'updated_at'],
    topology.sites.map((site) => [topology.store, site.site, site.role, site.parent, site.url, site.incarnation, now]),
  );
}

function lockRow(tx: Transaction, store: string): Promise<TopologyRow | undefined> {
  return tx.get<TopologyRow>(
    `SELECT version, epoch, primary_site, own_site, data_id FROM topology WHERE store = ?${forUpdate(tx.engine)}`,
    [store],
  );
}

/** The topology as this site knows it; one statement, for every sale asks. */
export async function loadTopology(reads: Statements, store: string): Promise<OwnTopology> {
  const rows = await reads.all<TopologyRow & SiteRow>(
    `SELECT topology.version, topology.epoch, topology.primary_site, topology.own_site, topology.data_id,
       sites.site, sites.role, sites.parent, sites.url, sites.incarnation
     FROM topology JOIN sites ON sites.store = topology.store WHERE topology.store = ? ORDER BY sites.site`,
    [store],
  );
  const [row] = rows;
  if (!row) throw noTopology(store);
  const sites = rows.map(({ site, role, parent, url, incarnation }): Site => ({
    site,
    role,
    parent,
    url,
    incarnation,
  }));
  return {
    topology: { store, version: row.version, epoch: row.epoch, primary: row.primary_site, sites },
    site: row.own_site,
    incarnation: sites.find((site) => site.site === row.own_site)?.incarnation ?? 0,
    dataId: row.data_id,
  };
}

function noTopology(store: string): TellableError {
  return new TellableError(`this database has no topology of store "${store}": is the store configured here?`);
}

/**
 * The fence: locks the topology row until the transaction ends and requires this site's own primacy in that very
 * epoch. It fences commands; facts (orders, confirmations) are taken whatever their epoch.
 */
export async function requirePrimacy(tx: Transaction, store: string, epoch: number): Promise<void> {
  const row = await lockRow(tx, store);
  if (!row) throw noTopology(store);
  if (row.primary_site !== row.own_site || row.epoch !== epoch) {
    throw new NotPrimaryError(store, row.own_site, epoch, row.primary_site, row.epoch);
  }
}
