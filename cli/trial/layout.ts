/** Where a trial system's parts are: names, ports, files. */
import { join, resolve } from 'node:path';
import { type SiteConfigInput } from '../../workers/config';

export const TRIAL_STORE = 'shop';
export const TRIAL_CATALOG = 'main';
export const PRIMARY_NAME = 'hq';
/** In the order in which `--sites` takes them. */
const SECONDARY_NAMES = ['north', 'south', 'east', 'west', 'coast', 'lakes', 'hills', 'plains', 'island'] as const;
export const SECONDARIES_MAX = SECONDARY_NAMES.length;
export const SECONDARIES_DEFAULT = 2;
/** Where `entrepot start` keeps its data unless told otherwise. */
export const TRIAL_DATA_DEFAULT = join('var', 'trial');
/** Sites listen from here upwards; Temporal and its UI a little above them. */
export const PORT_BASE_DEFAULT = 4600;
export const PORT_BASE_MIN = 1024;
export const PORT_BASE_MAX = 65_000;
const TEMPORAL_PORT_OFFSET = 33;
const TEMPORAL_UI_PORT_OFFSET = 34;
const HOST = '127.0.0.1';

export interface TrialSite {
  readonly site: string;
  readonly role: 'primary' | 'secondary';
  readonly port: number;
  readonly url: string;
  /** The site's configuration file. */
  readonly config: string;
  /** Where its process's own output goes. */
  readonly log: string;
  /** A file, or a mysql:// URL. */
  readonly database: string;
}

export interface TrialKeys {
  readonly operator: string;
  readonly integrator: string;
  readonly buyer: string;
}

/** What `trial.json` in the data directory says. */
export interface Trial {
  readonly data: string;
  readonly store: string;
  readonly catalog: string;
  readonly portBase: number;
  readonly primary: string;
  readonly sites: readonly TrialSite[];
  readonly keys: TrialKeys;
  readonly temporal: {
    readonly address: string;
    readonly uiUrl: string;
    readonly port: number;
    readonly uiPort: number;
  };
  /** The server's URL with the databases' common prefix; null for SQLite files. */
  readonly db: string | null;
}

export interface LayoutOptions {
  readonly data: string;
  readonly portBase: number;
  readonly secondaries: number;
  /** `mysql://user:password@host:port/prefix`; absent for SQLite. */
  readonly db?: string;
}

export function layOut(options: LayoutOptions, keys: TrialKeys): Trial {
  const { portBase } = options;
  const data = resolve(options.data);
  const names = [PRIMARY_NAME, ...SECONDARY_NAMES.slice(0, options.secondaries)];
  const sites = names.map((site, index): TrialSite => {
    const port = portBase + index;
    return {
      site,
      role: index === 0 ? 'primary' : 'secondary',
      port,
      url: `http://${HOST}:${port}`,
      config: join(data, `${site}.yaml`),
      log: join(data, 'logs', `${site}.log`),
      database: options.db === undefined ? join(data, `${site}.sqlite`) : siteDatabaseUrl(options.db, site),
    };
  });
  return {
    data,
    store: TRIAL_STORE,
    catalog: TRIAL_CATALOG,
    portBase,
    primary: PRIMARY_NAME,
    sites,
    keys,
    temporal: {
      address: `${HOST}:${portBase + TEMPORAL_PORT_OFFSET}`,
      uiUrl: `http://${HOST}:${portBase + TEMPORAL_UI_PORT_OFFSET}`,
      port: portBase + TEMPORAL_PORT_OFFSET,
      uiPort: portBase + TEMPORAL_UI_PORT_OFFSET,
    },
    db: options.db ?? null,
  };
}

/** `mysql://…/entrepot` and site north: `mysql://…/entrepot_north`; without a name, `entrepot` is the prefix. */
function siteDatabaseUrl(server: string, site: string): string {
  const url = new URL(server);
  const prefix = url.pathname.replace(/^\//, '') || 'entrepot';
  url.pathname = `/${prefix}_${site}`;
  return url.toString();
}

/** One site's configuration file, with the sealing key that all sites of the store share. */
export function siteConfig(trial: Trial, site: TrialSite, sealing: { id: string; key: string }): SiteConfigInput {
  return {
    site: site.site,
    listen: { host: HOST, port: site.port },
    url: site.url,
    database: site.database,
    documentsDir: join(trial.data, 'documents', site.site),
    temporal: { address: trial.temporal.address, namespace: 'default', uiUrl: trial.temporal.uiUrl },
    log: { level: 'info', file: site.log },
    stores: {
      [trial.store]: {
        name: 'The Gift Shop',
        domain: 'shop.example',
        currency: 'GBP',
        language: 'en',
        catalog: trial.catalog,
        shippingMethods: [
          { code: 'standard', description: 'Standard, 3 to 5 days', amount: '3.50' },
          { code: 'express', description: 'Express, next day', amount: '8.95' },
        ],
        tax: { description: 'Prices include tax', amount: '0.00' },
        priceChange: 'refuse',
        sealing: { current: sealing.id, keys: { [sealing.id]: sealing.key } },
        topology: {
          primary: trial.primary,
          sites: trial.sites.map(({ site: name, role, url }) => ({
            site: name,
            role,
            parent: name === trial.primary ? null : trial.primary,
            url,
          })),
        },
      },
    },
  };
}

/** The server that TEMPORAL_ADDRESS names; none is started then. */
export function externalTemporal(): string | null {
  return process.env['TEMPORAL_ADDRESS'] || null;
}

/** What stands over the configuration of every site of the trial: another Temporal holds for all of this run. */
export function siteEnvironment(): Readonly<Record<string, string>> {
  const external = externalTemporal();
  return external === null ? {} : { ENTREPOT_TEMPORAL_ADDRESS: external };
}

export function primaryOf(trial: Trial): TrialSite {
  return siteOf(trial, trial.primary);
}

/** Where sealed documents are opened for operators: a page, and the Temporal UI's codec endpoint below it. */
export function codecPage(trial: Trial): string {
  return `${primaryOf(trial).url}/codec`;
}

export function secondariesOf(trial: Trial): TrialSite[] {
  return trial.sites.filter((site) => site.site !== trial.primary);
}

export function siteOf(trial: Trial, name: string): TrialSite {
  const found = trial.sites.find((site) => site.site === name);
  if (!found) {
    const known = trial.sites.map((site) => site.site).join(', ');
    throw new Error(`the trial system in ${trial.data} has no site "${name}" (it has: ${known})`);
  }
  return found;
}
