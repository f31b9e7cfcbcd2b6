/** The processes of a trial system: its sites, and the Temporal server behind them. */
import { migrate, openDatabase } from '../../db/migrate';
import { unreachable } from '../exit-codes';
import { withoutSecrets } from '../../domain/redaction';
import { type Trial, type TrialSite, externalTemporal, siteEnvironment } from './layout';
import { installKeys } from './keys';
import { type NamedPort, requireFreePorts } from './ports';
import { SiteProcess } from './site-process';
import { TemporalProcess } from './temporal-process';

export type Tell = (line: string) => void;

export class Supervisor {
  private readonly processes: ReadonlyMap<string, SiteProcess>;
  private readonly temporal: TemporalProcess;
  private stopping = false;

  constructor(
    readonly trial: Trial,
    private readonly tell: Tell,
  ) {
    const environment = siteEnvironment();
    this.processes = new Map(trial.sites.map((site) => [site.site, new SiteProcess(site, environment, tell)]));
    this.temporal = new TemporalProcess(trial, tell);
  }

  /** Every port that the system wants, and what for. */
  private ports(): NamedPort[] {
    const sites = this.trial.sites.map(({ port, site }) => ({ port, what: `site ${site}` }));
    if (externalTemporal() !== null) return sites;
    const { port, uiPort } = this.trial.temporal;
    return [...sites, { port, what: 'the Temporal server' }, { port: uiPort, what: 'the Temporal UI' }];
  }

  requirePorts(): Promise<void> {
    return requireFreePorts(this.ports(), ({ port, what }) =>
      this.tell(`port ${port} (for ${what}) is still taken: waiting a little for an earlier run to leave`),
    );
  }

  /** Makes and migrates every site's database, and lets the trial system's keys in. */
  async prepareDatabases(): Promise<void> {
    for (const site of this.trial.sites) {
      const { ran } = await migrate(site.database).catch((error: unknown) => {
        throw databaseFailure(site, error);
      });
      if (ran.length === 0) continue;
      this.tell(`site ${site.site}: database ${withoutSecrets(site.database)} is new`);
    }
    for (const site of this.trial.sites) {
      const db = openDatabase(site.database);
      try {
        await installKeys(db, this.trial);
      } finally {
        await db.close();
      }
    }
  }

  /** Starts all sites at once; they serve before Temporal is up. */
  async startSites(): Promise<void> {
    if (this.stopping) return;
    await Promise.all(
      [...this.processes.values()].map(async (process) => {
        await process.start();
        this.tell(`site ${process.site.site} serves at ${process.site.url}`);
      }),
    );
  }

  async startTemporal(): Promise<void> {
    if (!this.stopping) await this.temporal.start();
  }

  process(site: string): SiteProcess {
    const found = this.processes.get(site);
    if (!found)
      throw new Error(`there is no process of site "${site}" (there are: ${[...this.processes.keys()].join(', ')})`);
    return found;
  }

  /** Sites drain first, for they talk to Temporal until the end; then Temporal. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.processes.values()].map((process) => process.stop()));
    await this.temporal.stop();
  }
}

function databaseFailure(site: TrialSite, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return unreachable(
    `the database of site ${site.site}, ${withoutSecrets(site.database)}, can't be opened: ${reason}`,
    error,
  );
}
