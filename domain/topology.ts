/** The rules by which the store's topology changes (design, sections 1 to 4; figure 5). Pure, for workflow code. */
import { TellableError } from './errors';
import { primaryQueue, siteQueue } from './queues';
import { type Topology, findSite, parentOf } from './sites';

/** Which database holds a site's data, and the number that it was given. */
export interface SiteData {
  readonly site: string;
  /** Made with the database; a remade database has another. */
  readonly dataId: string;
  readonly incarnation: number;
}

export interface TopologyState {
  readonly topology: Topology;
  /** Every database that ever was a site's, newest last. */
  readonly data: readonly SiteData[];
}

export interface Registration {
  readonly site: string;
  readonly dataId: string;
  /** Where the site's API is reached now. */
  readonly url: string;
  /** What the site was told of these data; 0 when it never was. */
  readonly incarnation: number;
  /** The number that the data had before they were restored from a backup: they get a greater one. */
  readonly before?: number;
  /** The newest version of the topology that the site was told. */
  readonly version?: number;
}

/** Why a registration can't be taken; null when it can. */
export function registrationProblem(state: TopologyState, registration: Registration): string | null {
  const { topology } = state;
  if (topology.sites.some((site) => site.site === registration.site)) return null;
  const known = topology.sites.map((site) => site.site).join(', ');
  return `site "${registration.site}" is not in the topology of store "${topology.store}" (known: ${known})`;
}

/**
 * A site says which data it has and where it is. Known data keep their incarnation; data never seen before (a new
 * database, or one that was restored) get the next number, and the topology a new version. Data that were told a number
 * which the authority does not remember keep it: then it is the authority that was lost, and the topology's version
 * goes beyond every one that a site was told, or that site would not take it.
 */
export function registerSite(state: TopologyState, registration: Registration): TopologyState {
  const { topology, data } = state;
  const current = findSite(topology, registration.site);
  const own = data.filter((entry) => entry.site === registration.site);
  const known = own.find((entry) => entry.dataId === registration.dataId);
  const newest = Math.max(...[current.incarnation, registration.before ?? 0], ...own.map((entry) => entry.incarnation));
  const remembered = registration.incarnation >= newest ? registration.incarnation : 0;
  const incarnation = known?.incarnation ?? (remembered > 0 ? remembered : newest + 1);
  const told = registration.version ?? 0;
  const same = current.incarnation === incarnation && current.url === registration.url;
  if (same && told <= topology.version) return state;
  return {
    topology: {
      ...topology,
      version: Math.max(topology.version, told) + 1,
      sites: topology.sites.map((site) =>
        site.site === registration.site ? { ...site, incarnation, url: registration.url } : site,
      ),
    },
    data: known ? data : [...data, { site: registration.site, dataId: registration.dataId, incarnation }],
  };
}

/** The queue of activities that touch a site's database. */
export function queueOfSite(topology: Topology, site: string): string {
  return siteQueue(topology.store, site, findSite(topology, site).incarnation);
}

/** The queue of whoever is primary. */
export function queueOfPrimary(topology: Topology): string {
  return primaryQueue(topology.store, topology.epoch);
}

/** Where a catalogue comes from: a site with children, or, without a name, whoever is primary. */
export function queueOfPublisher(topology: Topology, publisher: string | undefined): string {
  return publisher === undefined ? queueOfPrimary(topology) : queueOfSite(topology, publisher);
}

/** Where a site's facts go: to its parent, on the primary's own queue when the parent is the primary. */
export function queueOfParent(topology: Topology, site: string): string {
  const parent = parentOf(topology, site);
  if (!parent)
    throw new TellableError(`site "${site}" is the root of store "${topology.store}": it has no parent to send to`);
  return parent.site === topology.primary ? queueOfPrimary(topology) : queueOfSite(topology, parent.site);
}
