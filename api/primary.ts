/** What only the primary does is asked of the primary. */
import { NotPrimaryError, loadTopology } from '../db/topology';
import { type Topology } from '../domain/sites';
import { type RouteRequest } from './route';

/** What a route that asks `requirePrimaryHere` declares. */
export const AT_THE_PRIMARY = { 421: { description: 'This is done at the primary.' } };

/** The topology, if this site is the store's primary; else where to ask. */
export async function requirePrimaryHere({
  context,
  store,
}: RouteRequest<unknown, unknown, unknown>): Promise<Topology> {
  const own = await loadTopology(context.db, store.store);
  const { topology } = own;
  if (topology.primary !== own.site) {
    throw new NotPrimaryError(store.store, own.site, topology.epoch, topology.primary, topology.epoch);
  }
  return topology;
}
