/** Sites, their roles and the store's topology (design, sections 1 and 2; figure 5). */
import { TellableError } from './errors';

export type SiteRole = 'primary' | 'secondary' | 'offload' | 'recovery';
export const SITE_ROLES: readonly SiteRole[] = ['primary', 'secondary', 'offload', 'recovery'];

export interface Site {
  readonly site: string;
  readonly role: SiteRole;
  /** The parent's name; null for the root of the tree. */
  readonly parent: string | null;
  /** Base URL of the site's API, without a slash at the end. */
  readonly url: string;
  /** The number of the (store, site)'s data; 0 until the topology's authority has given one. */
  readonly incarnation: number;
}

export interface Topology {
  readonly store: string;
  /** Rises with every change; 0 for what configuration gives before the authority has spoken. */
  readonly version: number;
  /** The number of the store's primacy; rises by one with every fail-over. */
  readonly epoch: number;
  readonly primary: string;
  readonly sites: readonly Site[];
}

/** The epoch that configuration gives, so that a site serves before Temporal is up. */
export const FIRST_EPOCH = 1;

/** Names of stores and sites: part of queue names, workflow ids and credentials. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;

export function findSite(topology: Topology, site: string): Site {
  const found = topology.sites.find((candidate) => candidate.site === site);
  if (!found) {
    const known = topology.sites.map((candidate) => candidate.site).join(', ');
    throw new TellableError(`site "${site}" is not in the topology of store "${topology.store}" (known: ${known})`);
  }
  return found;
}

export function childrenOf(topology: Topology, parent: string): Site[] {
  return topology.sites.filter((site) => site.parent === parent);
}

/** All sites under one, whatever the depth. */
export function sitesBelow(topology: Topology, site: string): string[] {
  return childrenOf(topology, site).flatMap((child) => [child.site, ...sitesBelow(topology, child.site)]);
}

export function parentOf(topology: Topology, site: string): Site | null {
  const { parent } = findSite(topology, site);
  return parent === null ? null : findSite(topology, parent);
}
