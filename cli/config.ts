/** `entrepot config check`: says what is wrong with a site's file before the site is started. */
import { withoutSecrets } from '../domain/redaction';
import { ConfigError, type SiteConfig, loadConfig } from '../workers/config';
import { type Environment } from '../workers/config-environment';
import { wrongUsage } from './exit-codes';
import { print, printJson } from './output';

const SECRET = '(secret)';

export async function runConfigCheck(file: string, options: { json?: boolean }): Promise<void> {
  const config = loadConfigFile(file);
  if (options.json) {
    const stores = Object.entries(config.stores).map(([name, store]) => {
      const keys = Object.fromEntries(Object.keys(store.sealing.keys).map((id) => [id, SECRET]));
      return [name, { ...store, sealing: { ...store.sealing, keys } }] as const;
    });
    printJson({ ...config, database: withoutSecrets(config.database), stores: Object.fromEntries(stores) });
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
  try {
    return loadConfig(file, environment);
  } catch (error) {
    if (error instanceof ConfigError) throw wrongUsage(error.message, error);
    throw error;
  }
}
