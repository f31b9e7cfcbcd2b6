/** `entrepot config check`: says what is wrong with a site's file before the site is started. */
import { withoutSecrets } from '../domain/redaction';
import { ConfigError, type SiteConfig, loadConfig, requireFiles } from '../workers/config';
import { type Environment } from '../workers/config-environment';
import { wrongUsage } from './exit-codes';
import { print, printJson } from './output';

const SECRET = '(secret)';

export async function runConfigCheck(file: string, options: { json?: boolean }): Promise<void> {
  const config = loadRunnableConfig(file);
  if (options.json) {
    const stores = Object.entries(config.stores).map(([name, store]) => {
      const keys = Object.fromEntries(Object.keys(store.sealing.keys).map((id) => [id, SECRET]));
      return [name, { ...store, sealing: { ...store.sealing, keys } }] as const;
    });
    const { apiKey, ...temporal } = config.temporal;
    printJson({
      ...config,
      database: withoutSecrets(config.database),
      temporal: apiKey === undefined ? temporal : { ...temporal, apiKey: SECRET },
      stores: Object.fromEntries(stores),
    });
    return;
  }
  const stores = Object.entries(config.stores).map(([name, { topology }]) => {
    const role = topology.sites.find((site) => site.site === config.site)?.role ?? 'none';
    return `${name} (${role})`;
  });
  print(`${file} is right: site ${config.site} at ${config.url}, stores: ${stores.join(', ')}`);
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
