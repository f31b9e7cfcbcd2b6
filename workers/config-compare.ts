/**
 * What one configuration file can't show: whether the sites' files fit each other. Files may be of one machine or of
 * many, so what only one machine has (ports, files) is compared where the URLs name the same host.
 */
import { createHash } from 'node:crypto';
import { isMariadbUrl } from '../db/migrate';
import { type SiteConfig, type StoreConfig } from './config-schema';

export interface NamedConfig {
  readonly file: string;
  readonly config: SiteConfig;
}

export interface Misfit {
  readonly about: 'configuration' | 'sealing keys';
  /** A warning is right for a while, as during the rotation of a key. */
  readonly level: 'warning' | 'fault';
  readonly message: string;
  readonly remedy: string;
}

/** Everything that does not fit; no key, password or seal is ever part of it. */
export function compareConfigs(configs: readonly NamedConfig[]): Misfit[] {
  const stores = [...new Set(configs.flatMap(({ config }) => Object.keys(config.stores)))].sort();
  return [
    ...configs.flatMap(ownUrlMisfits),
    ...pairsOf(configs).flatMap(([one, other]) => pairMisfits(one, other)),
    ...stores.flatMap((store) => storeMisfits(store, configs)),
  ];
}

function fault(message: string, remedy: string): Misfit {
  return { about: 'configuration', level: 'fault', message, remedy };
}

function pairsOf<T>(all: readonly T[]): [T, T][] {
  return all.flatMap((one, index) => all.slice(index + 1).map((other): [T, T] => [one, other]));
}

function ownUrlMisfits({ file, config }: NamedConfig): Misfit[] {
  return Object.entries(config.stores).flatMap(([store, { topology }]) => {
    const told = topology.sites.find(({ site }) => site === config.site)?.url;
    if (told === undefined || told === config.url) return [];
    return [
      fault(
        `${file}: url is ${config.url}, and the topology of store ${store} says that ${config.site} is at ${told}`,
        `set both to where ${config.site} is reached`,
      ),
    ];
  });
}

function pairMisfits(one: NamedConfig, other: NamedConfig): Misfit[] {
  const both = `${one.file} and ${other.file}`;
  const misfits: Misfit[] = [];
  if (one.config.site === other.config.site) {
    misfits.push(fault(`${both} are both of site "${one.config.site}"`, 'give each site one file and one name'));
  }
  if (one.config.url === other.config.url) {
    misfits.push(fault(`${both} have the same url, ${one.config.url}`, 'give each site an address of its own'));
  }
  if (sameDatabase(one.config, other.config)) {
    misfits.push(fault(`${both} name the same database`, 'give each site a database of its own'));
  }
  if (!sameMachine(one.config, other.config)) return misfits;
  if (sameListener(one.config, other.config)) {
    misfits.push(fault(`${both} both listen on port ${one.config.listen.port}`, 'set listen.port of one to another'));
  }
  if (one.config.documentsDir === other.config.documentsDir) {
    misfits.push(fault(`${both} have the same documentsDir`, 'give each site a folder of its own'));
  }
  return misfits;
}

function sameMachine(one: SiteConfig, other: SiteConfig): boolean {
  return new URL(one.url).hostname === new URL(other.url).hostname;
}

function sameListener({ listen: one }: SiteConfig, { listen: other }: SiteConfig): boolean {
  const everywhere = ['0.0.0.0', '::'];
  const meet = one.host === other.host || everywhere.includes(one.host) || everywhere.includes(other.host);
  return meet && one.port === other.port && one.port !== 0;
}

function sameDatabase(one: SiteConfig, other: SiteConfig): boolean {
  if (isMariadbUrl(one.database) && isMariadbUrl(other.database)) {
    const [a, b] = [new URL(one.database), new URL(other.database)];
    return a.host === b.host && a.pathname === b.pathname;
  }
  return one.database === other.database && sameMachine(one, other);
}

interface StoreView {
  readonly file: string;
  readonly config: SiteConfig;
  readonly store: StoreConfig;
}

function storeMisfits(name: string, configs: readonly NamedConfig[]): Misfit[] {
  const views = configs.flatMap(({ file, config }): StoreView[] => {
    const store = config.stores[name];
    return store ? [{ file, config, store }] : [];
  });
  const [first, ...others] = views;
  if (!first) return [];
  return [
    ...others.flatMap((other) => settingMisfits(name, first, other)),
    ...pairsOf(views).flatMap(([one, other]) => sealingMisfits(name, one, other)),
  ];
}

/** What all sites of a store must say alike; texts, shipping and what is browsed first may differ from place to place. */
const ALIKE = ['domain', 'currency'] as const;

function settingMisfits(name: string, first: StoreView, other: StoreView): Misfit[] {
  const differs = (key: string, one: string, two: string) =>
    fault(
      `store ${name}: ${key} is ${one} in ${first.file} and ${two} in ${other.file}`,
      `set stores.${name}.${key} to the same in both`,
    );
  const misfits = ALIKE.filter((key) => first.store[key] !== other.store[key]).map((key) =>
    differs(key, first.store[key], other.store[key]),
  );
  const [one, two] = [first.store.topology, other.store.topology];
  if (one.primary !== two.primary) misfits.push(differs('topology.primary', one.primary, two.primary));
  for (const site of new Set([...one.sites, ...two.sites].map((entry) => entry.site))) {
    const [here, there] = [one, two].map(({ sites }) => shownSite(sites.find((entry) => entry.site === site)));
    if (here === there) continue;
    misfits.push(differs(`topology.sites (${site})`, here ?? '', there ?? ''));
  }
  const [space, otherSpace] = [first.config.temporal.namespace, other.config.temporal.namespace];
  if (space !== otherSpace) {
    misfits.push(
      fault(
        `Temporal's namespace is ${space} in ${first.file} and ${otherSpace} in ${other.file}`,
        'set temporal.namespace to the same in both: workflows of one namespace never reach the other',
      ),
    );
  }
  return misfits;
}

function shownSite(site: StoreConfig['topology']['sites'][number] | undefined): string {
  return site ? `${site.role} under ${site.parent ?? 'nobody'} at ${site.url}` : 'absent';
}

function sealingMisfits(name: string, one: StoreView, other: StoreView): Misfit[] {
  const at = `stores.${name}.sealing`;
  const misfit = (level: Misfit['level'], message: string, remedy: string): Misfit => {
    return { about: 'sealing keys', level, message: `store ${name}: ${message}`, remedy };
  };
  const differing = Object.keys(one.store.sealing.keys).filter((id) => {
    const there = other.store.sealing.keys[id];
    return there !== undefined && digestOf(there) !== digestOf(one.store.sealing.keys[id] ?? '');
  });
  const misfits = differing.map((id) =>
    misfit(
      'fault',
      `the sealing key "${id}" of ${one.file} is another one in ${other.file}`,
      `copy ${at}.keys.${id} from one file to the other: what the one seals the other can't open`,
    ),
  );
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const { current, keys } = from.store.sealing;
    for (const id of Object.keys(keys).filter((key) => !Object.hasOwn(to.store.sealing.keys, key))) {
      misfits.push(
        id === current
          ? misfit(
              'fault',
              `${from.file} seals with the key "${id}", which ${to.file} lacks`,
              `add ${at}.keys.${id} to ${to.file} before it is current anywhere`,
            )
          : misfit(
              'warning',
              `${to.file} lacks the sealing key "${id}" of ${from.file}`,
              `right while keys rotate; else add ${at}.keys.${id} there, or take it out here`,
            ),
      );
    }
  }
  return misfits;
}

/** Compared by digest, so that no key stands in a message by mistake. */
function digestOf(key: string): string {
  return createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex');
}
