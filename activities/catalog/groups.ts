/**
 * Who serves whom, and who may see a whole catalogue: each change makes revisions of its own and pushes them, so that a
 * site's part of a catalogue never changes within a revision (docs/decisions/0031).
 */
import { hash } from 'node:crypto';
import { type UserGroup, addGroup, listGroups, serveGroups } from '../../db/catalog/groups';
import { listHeads } from '../../db/catalog/heads';
import { publishAudience } from '../../db/catalog/publication';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { formatAudience } from '../../domain/audience';
import { formatWorkflowId } from '../../domain/workflow-ids';
import { type SiteContext } from '../context';
import { requestPush } from './send-on';

interface AtPrimary {
  readonly store: string;
  readonly epoch: number;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 8;

/** Says nothing of the group's name, and is the same nowhere else. */
function newGroupId(uuid: string): string {
  const bytes = hash('sha256', uuid, 'buffer');
  return `g${[...bytes.subarray(0, ID_LENGTH)].map((byte) => BASE32[byte % BASE32.length]).join('')}`;
}

/** The group of that name; made where there is none. */
export async function nameGroup(
  { db, runtime }: SiteContext,
  { store, epoch, name }: AtPrimary & { readonly name: string },
): Promise<UserGroup> {
  return db.transaction(async (tx) => {
    await requirePrimacy(tx, store, epoch);
    const known = await listGroups(tx, store);
    const found = known.find((group) => group.name === name);
    if (found) return found;
    let id = newGroupId(runtime.ids.uuid());
    while (known.some((group) => group.id === id)) id = newGroupId(runtime.ids.uuid());
    await addGroup(tx, store, { id, name }, runtime.clock.now());
    return { id, name };
  });
}

/** From here on the site serves those groups. Answers the ids of the pushes. */
export async function serveSite(
  context: SiteContext,
  { store, epoch, site, groups }: AtPrimary & { readonly site: string; readonly groups: readonly string[] },
): Promise<string[]> {
  return context.db.transaction(async (tx) => {
    await requirePrimacy(tx, store, epoch);
    await serveGroups(tx, store, { [site]: groups }, context.runtime.clock.now());
    const pushes: string[] = [];
    for (const { catalog } of await listHeads(tx, store))
      pushes.push(...(await pushAudience(context, tx, { store, epoch, catalog })));
    return pushes;
  });
}

/** From here on the whole catalogue is for those groups; for everyone when there are none. */
export async function setAudience(
  context: SiteContext,
  { store, epoch, catalog, groups }: AtPrimary & { readonly catalog: string; readonly groups: readonly string[] },
): Promise<string[]> {
  return context.db.transaction(async (tx) => {
    await requirePrimacy(tx, store, epoch);
    return pushAudience(context, tx, { store, epoch, catalog }, formatAudience(groups));
  });
}

async function pushAudience(
  context: SiteContext,
  tx: Transaction,
  { store, epoch, catalog }: AtPrimary & { readonly catalog: string },
  audience?: string,
): Promise<string[]> {
  const { clock, ids } = context.runtime;
  const request = `audience-${ids.uuid()}`;
  const revision = await publishAudience(tx, { store, catalog, epoch, request, now: clock.now() }, audience);
  if (revision === null) return [];
  const { topology } = await loadTopology(tx, store);
  const sites = topology.sites.filter(({ parent }) => parent === topology.primary).map(({ site }) => site);
  await requestPush(context, tx, topology, { catalog, request, sites, requestedBy: `site:${context.site}` });
  return [formatWorkflowId('catalogPush', { store, catalog, request })];
}
