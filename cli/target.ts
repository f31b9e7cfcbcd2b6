/** Which site a command talks to: named by options or environment, else the trial system's. */
import { ApiClient } from './api-client';
import { wrongUsage } from './exit-codes';
import { type TargetOptions } from './target-options';
import { readTrial } from './trial/data-directory';
import { primaryOf, siteOf } from './trial/layout';

export function resolveTarget(options: TargetOptions): ApiClient {
  const trial = readTrial(options.data);
  const named = options.url ?? (options.site === undefined ? process.env['ENTREPOT_API_URL'] : undefined);
  const key = options.key ?? process.env['ENTREPOT_API_KEY'];
  const store = options.store ?? process.env['ENTREPOT_STORE'] ?? trial?.store;
  if (named !== undefined) {
    if (!URL.canParse(named)) throw wrongUsage(`"${named}" is no URL: give one such as http://127.0.0.1:4600`);
    if (store === undefined) throw wrongUsage('which store? name it with --store or ENTREPOT_STORE');
    const known = trial?.sites.some((site) => site.url === named.replace(/\/+$/, ''));
    return new ApiClient({
      url: named.replace(/\/+$/, ''),
      key: key ?? (known ? trial?.keys.operator : '') ?? '',
      store,
    });
  }
  if (!trial) {
    throw wrongUsage(
      `which site? there is no trial system in ${options.data}: start one with "entrepot start", ` +
        'or name a site with --url and --key (ENTREPOT_API_URL, ENTREPOT_API_KEY)',
    );
  }
  if (options.site !== undefined && !trial.sites.some((site) => site.site === options.site)) {
    const known = trial.sites.map((site) => site.site).join(', ');
    throw wrongUsage(`the trial system has no site "${options.site}"; its sites: ${known}`);
  }
  const site = options.site === undefined ? primaryOf(trial) : siteOf(trial, options.site);
  return new ApiClient({ url: site.url, key: key ?? trial.keys.operator, store: store ?? trial.store });
}
