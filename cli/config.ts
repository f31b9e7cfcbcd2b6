/** `entrepot config check`: says what is wrong with sites' files before the sites are started. */
import { withoutSecrets } from '../domain/redaction';
import { ConfigError, type SiteConfig, loadConfig, requireFiles } from '../workers/config';
import { compareConfigs } from '../workers/config-compare';
import { type Environment } from '../workers/config-environment';
import { configFiles, readConfigs } from './config-files';
import { wrongUsage } from './exit-codes';
import { print, printJson, progress } from './output';

const SECRET = '(secret)';

export interface ConfigCheckOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** Each file for itself, then all of them together. */
export async function runConfigCheck(files: string[], options: ConfigCheckOptions): Promise<void> {
  const found = configFiles(files, options.data);
  // Many files may be of many machines.
  const { right, wrong } = readConfigs(found, found.files.length === 1);
  const misfits = compareConfigs(right);
  if (options.json) {
    printJson({ files: right.map(({ file, config }) => ({ file, config: shown(config) })), wrong, misfits });
  } else {
    for (const { file, config } of right) print(`${file} is right: ${describe(config)}`);
    if (wrong.length === 0 && misfits.length === 0 && right.length > 1) print('they fit together');
  }
  for (const { level, message, remedy } of misfits) {
    if (level === 'warning') progress(`warning: ${message}: ${remedy}`);
  }
  const faults = misfits.filter(({ level }) => level === 'fault');
  const problems = [
    ...wrong.map(({ problems: own, file }) => new ConfigError(file, own).message),
    ...(faults.length === 0 ? [] : ['the files do not fit together:']),
    ...faults.map(({ message, remedy }) => `  ${message}: ${remedy}`),
  ];
  if (problems.length > 0) throw wrongUsage(problems.join('\n'));
}

function describe({ site, url, stores }: SiteConfig): string {
  const roles = Object.entries(stores).map(([name, { topology }]) => {
    const role = topology.sites.find((entry) => entry.site === site)?.role ?? 'none';
    return `${name} (${role})`;
  });
  return `site ${site} at ${url}, stores: ${roles.join(', ')}`;
}

function shown(config: SiteConfig): object {
  const stores = Object.entries(config.stores).map(([name, store]) => {
    const keys = Object.fromEntries(Object.keys(store.sealing.keys).map((id) => [id, SECRET]));
    return [name, { ...store, sealing: { ...store.sealing, keys } }] as const;
  });
  const { apiKey, ...temporal } = config.temporal;
  return {
    ...config,
    database: withoutSecrets(config.database),
    temporal: apiKey === undefined ? temporal : { ...temporal, apiKey: SECRET },
    stores: Object.fromEntries(stores),
  };
}

/** A wrong file is a wrong use of the command. */
export function loadConfigFile(file: string, environment?: Environment): SiteConfig {
  return refused(() => loadConfig(file, environment));
}

/** The same of a site that is to run here, so that the files it names must be here too. */
export function loadRunnableConfig(file: string): SiteConfig {
  return refused(() => {
    const config = loadConfig(file);
    requireFiles(config, file);
    return config;
  });
}

function refused<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof ConfigError) throw wrongUsage(error.message, error);
    throw error;
  }
}
