/** As whom a request looks at the catalogue: the groups of its key, or fewer (docs/decisions/0031). */
import { groupsServed } from '../db/catalog/groups';
import { loadTopology } from '../db/topology';
import { GROUP_ID_PATTERN, type Viewer } from '../domain/audience';
import { Problem } from './problems';
import { type RouteRequest } from './route';

const HEADER = 'buyer-groups';

export const viewerHeader = {
  'Buyer-Groups': {
    description:
      'Look as a buyer of these groups only, by their ids, separated by commas; empty for a buyer of none. Without it: ' +
      "all of the key's groups; an operator sees everything.",
    required: false,
  },
};

type Request = Pick<RouteRequest<unknown, unknown, unknown>, 'context' | 'store' | 'caller' | 'header'>;

/** Throws 403 for a group that is not among the key's. */
export async function viewerOf({ context, store, caller, header }: Request): Promise<Viewer> {
  const wanted = header(HEADER);
  const { groups: own = [], role } = caller;
  if (wanted === undefined && role === 'operator') return 'all';
  const groups =
    wanted === undefined
      ? own
      : wanted
          .split(',')
          .map((id) => id.trim())
          .filter((id) => id !== '');
  const strange = groups.find((id) => !(role === 'operator' ? GROUP_ID_PATTERN.test(id) : own.includes(id)));
  if (strange !== undefined) {
    throw new Problem(403, 'not-your-group', `Buyer-Groups names "${strange}", which is none of this key's groups`);
  }
  if (groups.length === 0) return [];
  const { topology, site } = await loadTopology(context.db, store.store);
  if (topology.primary === site) return groups;
  // What a site has for those below it is not for its own buyers.
  const served = (await groupsServed(context.db, store.store)).get(site) ?? [];
  return groups.filter((id) => served.includes(id));
}
