/** Which site a command talks to: named by options or environment, else the trial system's. */
import { ApiClient } from './api-client';
import { wrongUsage } from './exit-codes';
import { type TargetOptions } from './target-options';
import { readTrial } from './trial/data-directory';
import { type Trial, type TrialSite, primaryOf, siteOf } from './trial/layout';

/** A site to talk to, and what to call it. */
export interface Target {
  /** The site's name, or its URL where nobody told the name. */
  readonly name: string;
  readonly client: ApiClient;
}

/** The one site that is meant: the trial system's primary unless another is named. */
export function resolveTarget(options: TargetOptions): ApiClient {
  const trial = readTrial(options.data);
  return (namedTarget(options, trial) ?? trialTarget(options, requireTrial(options, trial))).client;
}

/** The sites that are meant: all of the trial system unless one is named. */
export function resolveTargets(options: TargetOptions): Target[] {
  const trial = readTrial(options.data);
  const named = namedTarget(options, trial);
  if (named) return [named];
  const found = requireTrial(options, trial);
  if (options.site !== undefined) return [trialTarget(options, found)];
  return found.sites.map((site) => targetOf(options, found, site));
}

function namedTarget(options: TargetOptions, trial: Trial | null): Target | null {
  const url = options.url ?? (options.site === undefined ? process.env['ENTREPOT_API_URL'] : undefined);
  if (url === undefined) return null;
  const store = options.store ?? process.env['ENTREPOT_STORE'] ?? trial?.store;
  if (!URL.canParse(url)) throw wrongUsage(`"${url}" is no URL: give one such as http://127.0.0.1:4600`);
  if (store === undefined) throw wrongUsage('which store? name it with --store or ENTREPOT_STORE');
  const base = url.replace(/\/+$/, '');
  const known = trial?.sites.find((site) => site.url === base);
  const key = keyOf(options) ?? (known ? trial?.keys.operator : undefined) ?? '';
  return { name: known?.site ?? base, client: new ApiClient({ url: base, key, store }) };
}

function requireTrial(options: TargetOptions, trial: Trial | null): Trial {
  if (trial) return trial;
  throw wrongUsage(
    `which site? there is no trial system in ${options.data}: start one with "entrepot start", ` +
      'or name a site with --url and --key (ENTREPOT_API_URL, ENTREPOT_API_KEY)',
  );
}

function trialTarget(options: TargetOptions, trial: Trial): Target {
  if (options.site !== undefined && !trial.sites.some((site) => site.site === options.site)) {
    const known = trial.sites.map((site) => site.site).join(', ');
    throw wrongUsage(`the trial system has no site "${options.site}"; its sites: ${known}`);
  }
  return targetOf(options, trial, options.site === undefined ? primaryOf(trial) : siteOf(trial, options.site));
}

function targetOf(options: TargetOptions, trial: Trial, { site, url }: TrialSite): Target {
  const store = options.store ?? process.env['ENTREPOT_STORE'] ?? trial.store;
  return { name: site, client: new ApiClient({ url, key: keyOf(options) ?? trial.keys.operator, store }) };
}

function keyOf(options: TargetOptions): string | undefined {
  return options.key ?? process.env['ENTREPOT_API_KEY'];
}
