/** User groups as the primary knows them, and which of them a site serves (docs/decisions/0031). */
import { GroupNames, formatAudience, groupsIn } from '../../domain/audience';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';

export interface UserGroup {
  readonly id: string;
  readonly name: string;
}

/** Of the store, by name; none elsewhere than at the primary. */
export async function listGroups(reads: Statements, store: string): Promise<UserGroup[]> {
  return reads.all<UserGroup>(
    'SELECT group_id AS id, group_name AS name FROM user_groups WHERE store = ? ORDER BY group_name',
    [store],
  );
}

export async function groupNames(reads: Statements, store: string): Promise<GroupNames> {
  return new GroupNames(await listGroups(reads, store));
}

/** The caller has checked that neither name nor id is taken, under the lock of the store's primacy. */
export async function addGroup(tx: Transaction, store: string, { id, name }: UserGroup, now: number): Promise<void> {
  await insertRows(tx, 'user_groups', ['store', 'group_id', 'group_name', 'created_at'], [[store, id, name, now]]);
}

/** The ids of the groups that each site serves, as far as this site was told; sites that serve none are left out. */
export async function groupsServed(reads: Statements, store: string): Promise<Map<string, string[]>> {
  const rows = await reads.all<{ site: string; groups_served: string }>(
    'SELECT site, groups_served FROM site_groups WHERE store = ?',
    [store],
  );
  return new Map(rows.map((row) => [row.site, groupsIn(row.groups_served)]));
}

/** From here on those sites serve those groups. */
export async function serveGroups(
  tx: Transaction,
  store: string,
  served: Readonly<Record<string, readonly string[]>>,
  now: number,
): Promise<void> {
  await insertRows(
    tx,
    'site_groups',
    ['store', 'site', 'groups_served', 'updated_at'],
    Object.entries(served).map(([site, groups]) => [store, site, formatAudience(groups), now]),
    { key: ['store', 'site'], update: ['groups_served', 'updated_at'] },
  );
}
