/** `entrepot doctor`: names what is wrong, and what to do about it. */
import { type SiteConfig } from '../workers/config';
import { type Environment } from '../workers/config-environment';
import { checkTemporal } from '../workers/temporal-checkup';
import { type TemporalSettings } from '../workers/temporal-connection';
import { type Clock } from '../domain/runtime';
import { judgeClocks } from './doctor/clock';
import { readFiles } from './doctor/configuration';
import { type DatabaseCheckup, checkDatabase } from './doctor/database';
import { DISK_LIMITS, type DiskLimits, checkDisk } from './doctor/disk';
import { judgeEpochs } from './doctor/epoch';
import { CHECKS, type Finding } from './doctor/finding';
import { type SiteAddress, askSite, checkPort } from './doctor/site';
import { judgeTemporal } from './doctor/temporal';
import { configFiles } from './config-files';
import { failed } from './exit-codes';
import { formatNumberOf, formatTable, print, printJson } from './output';

export interface DoctorOptions {
  readonly data: string;
  readonly json?: boolean;
}

export async function runDoctor(files: string[], options: DoctorOptions): Promise<void> {
  const { files: found, environment } = configFiles(files, options.data);
  const findings = await examine(found, environment);
  if (options.json) printJson(findings);
  else print(describe(findings));
  const faults = findings.filter(({ level }) => level === 'fault').length;
  if (faults > 0) throw failed(`${formatNumberOf(faults, 'fault')} found`);
}

/** Everything that the checks say, in the order of the checks. */
export async function examine(
  files: readonly string[],
  environment: Environment,
  clock: Clock = { now: () => Date.now() },
  diskLimits: DiskLimits = DISK_LIMITS,
): Promise<Finding[]> {
  const now = () => clock.now();
  const { configs: named, findings } = readFiles({ files, environment });
  const configs = named.map(({ config }) => config);
  const [ports, sites, databases, temporals] = await Promise.all([
    Promise.all(configs.map((config) => checkPort(config, now))),
    Promise.all(addressesIn(configs).map((address) => askSite(address, now))),
    Promise.all(configs.map((config) => checkDatabase(config, now))),
    checkTemporals(configs),
  ]);
  const clocks = [...sites, ...databases].flatMap(({ clock: reading }) => reading ?? []);
  const all = [
    ...findings,
    ...ports,
    ...sites.map(({ finding }) => finding),
    ...databases.flatMap((checkup) => checkup.findings),
    ...configs.flatMap((config) => checkDisk(config, diskLimits)),
    ...temporals.flatMap(({ temporal, checkup }) => judgeTemporal(temporal, checkup)),
    ...judgeClocks(clocks),
    ...storesOf(configs).flatMap((store) =>
      judgeEpochs(store, knownOf(databases, store), authorityOf(temporals, store)),
    ),
  ];
  return all.sort((one, other) => CHECKS.indexOf(one.check) - CHECKS.indexOf(other.check));
}

function storesOf(configs: readonly SiteConfig[]): string[] {
  return [...new Set(configs.flatMap(({ stores }) => Object.keys(stores)))];
}

/** Every site that any of the files knows, under every address that it is said to have. */
function addressesIn(configs: readonly SiteConfig[]): SiteAddress[] {
  const all = configs.flatMap(({ site, url, stores }) => [
    { site, url },
    ...Object.values(stores).flatMap(({ topology }) => topology.sites),
  ]);
  return [...new Map(all.map(({ site, url }) => [`${site} ${url}`, { site, url }])).values()];
}

type CheckedTemporal = { temporal: TemporalSettings; checkup: Awaited<ReturnType<typeof checkTemporal>> };

/** Each server and namespace is asked once, however many sites use it. */
function checkTemporals(configs: readonly SiteConfig[]): Promise<CheckedTemporal[]> {
  const all = new Map(configs.map(({ temporal }) => [`${temporal.address} ${temporal.namespace}`, temporal]));
  return Promise.all(
    [...all.values()].map(async (temporal) => ({
      temporal,
      checkup: await checkTemporal(temporal, storesOf(configs)),
    })),
  );
}

function knownOf(databases: readonly DatabaseCheckup[], store: string) {
  return databases.flatMap(({ topologies }) => topologies).filter(({ topology }) => topology.store === store);
}

function authorityOf(temporals: readonly CheckedTemporal[], store: string) {
  return temporals.flatMap(({ checkup }) =>
    checkup.state === 'there' ? (checkup.authorities.get(store) ?? []) : [],
  )[0];
}

function describe(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ check, about, level, message, remedy }) => [
    [level === 'fault' ? 'FAULT' : level, check, about, message],
    ...(remedy === null ? [] : [['', '', '', `→ ${remedy}`]]),
  ]);
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length;
  const table = formatTable(['', 'check', 'about', 'finding'], rows);
  return `${table}\n\n${formatNumberOf(count('fault'), 'fault')}, ${formatNumberOf(count('warning'), 'warning')}, ${count('ok')} ok`;
}
