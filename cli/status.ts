/** `entrepot status`: every site of the trial system, or one, at a glance. */
import { ApiProblem } from './api-client';
import { CommandFailure, EXIT_CODES } from './exit-codes';
import { type Cell, formatTable, formatTime, print, printJson } from './output';
import { SiteApi, type SiteStatus } from './site-api';
import { type Target, resolveTargets } from './target';
import { type TargetOptions } from './target-options';

/** What the API answers while its database does not. */
const DATABASE_AWAY = 'database-away';

/** What was found out about one site; `database` and `temporal` are null where nobody could be asked. */
interface SiteView {
  readonly site: string;
  readonly url: string;
  readonly serving: boolean;
  readonly database: boolean | null;
  readonly temporal: boolean | null;
  /** Why something is not reached, or the site does not tell. */
  readonly problem: string | null;
  readonly status: SiteStatus | null;
}

export async function runStatus(options: TargetOptions): Promise<void> {
  const views = await Promise.all(resolveTargets(options).map(look));
  if (options.json) printJson(views);
  else print(describe(views));
  const problems = views.filter(({ problem }) => problem !== null);
  if (problems.length === 0) return;
  const unreached = problems.filter((view) => !view.serving || view.database === false || view.temporal === false);
  const named = problems.map(({ site, problem }) => `${site}: ${problem}`).join('\n  ');
  throw new CommandFailure(
    unreached.length > 0 ? EXIT_CODES.unreachable : EXIT_CODES.failed,
    `not all is well ("entrepot doctor" says more):\n  ${named}`,
  );
}

async function look({ name, client }: Target): Promise<SiteView> {
  const { url } = client.target;
  const unknown = { site: name, url, database: null, temporal: null, status: null };
  try {
    const status = await new SiteApi(client.target).status();
    const { reached, reason } = status.temporal;
    const problem = reached ? null : `Temporal is not reached: ${reason ?? 'no reason given'}`;
    return { site: status.site, url, serving: true, database: true, temporal: reached, problem, status };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    // What has no slug is no answer of a site: something else listens there.
    const answered = error instanceof ApiProblem && error.slug !== '';
    const database = answered && error.slug === DATABASE_AWAY ? false : null;
    return { ...unknown, serving: answered, database, problem: error.message };
  }
}

function describe(views: readonly SiteView[]): string {
  const heads = [
    ...['site', 'role', 'serves', 'database', 'Temporal', 'epoch', 'incarnation', 'catalogue'],
    ...['waiting', 'held', 'parked', 'oldest', 'own units', 'pool', 'in flight'],
  ];
  const rows = views.map(({ site, url, serving, database, temporal, status }): Cell[] => [
    site,
    status?.role ?? url,
    yesOrNo(serving),
    database === true ? (status?.database.engine ?? 'yes') : yesOrNo(database),
    yesOrNo(temporal),
    status?.topology.epoch,
    status?.incarnation,
    status?.catalogs.map(({ catalog, revision }) => `${catalog} ${revision}`).join(', '),
    status?.deliveries.waiting.count,
    status?.deliveries.held.count,
    status?.deliveries.parked.count,
    status === null ? null : oldestOf(status),
    status?.units.own,
    status?.units.pool,
    status?.units.inFlight,
  ]);
  return formatTable(heads, rows);
}

function yesOrNo(value: boolean | null): string {
  if (value === null) return '?';
  return value ? 'yes' : 'NO';
}

function oldestOf({ deliveries: { waiting, held, parked } }: SiteStatus): string {
  const times = [waiting, held, parked].flatMap(({ oldest }) => oldest ?? []).sort();
  return formatTime(times[0]);
}
