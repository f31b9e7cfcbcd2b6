/** `entrepot inventory receive|levels|demand|allocate`. */
import { randomUUID } from 'node:crypto';
import { formatCount, formatNumberOf, formatTable, print, printJson, printList, progress } from './output';
import { type AllocationRequest, SiteApi } from './site-api';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';
import { waitForWorkflow } from './trial/first-start';

export async function runReceive(
  sku: string,
  quantity: number,
  options: TargetOptions & { receipt?: string },
): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const receipt = options.receipt ?? randomUUID();
  const answer = await api.receive(receipt, [{ sku, quantity }]);
  if (options.json) printJson(answer);
  else
    print(
      `receipt ${receipt}: ${formatCount(quantity)} units of ${sku} are in the pool; "inventory allocate" shares out`,
    );
}

export async function runLevels(options: TargetOptions & { limit: number; sku?: string }): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const levels = await api.levels(options.sku, options.limit);
  printList(
    options.json,
    levels,
    ['sku', 'own', 'pool', 'in flight'],
    levels.map(({ sku, own, pool, inFlight }) => [sku, own, pool, inFlight]),
    options.sku === undefined ? 'no stock' : `no stock of ${options.sku}`,
  );
}

interface Demand {
  readonly sku: string;
  readonly sites: readonly { readonly site: string; readonly unitsPerDay: number; readonly linesPerDay: number }[];
}

const DEMAND_DIGITS = 3;

export async function runDemand(options: TargetOptions & { limit: number; sku?: string }): Promise<void> {
  const { limit, sku, json } = options;
  const items = await resolveTarget(options).list<Demand>('/inventory/demand', { sku }, limit);
  const perDay = (count: number) => count.toFixed(DEMAND_DIGITS);
  printList(
    json,
    items,
    ['sku', 'site', { title: 'units a day', align: 'right' }, { title: 'lines a day', align: 'right' }],
    items.flatMap(({ sku: item, sites }) =>
      sites.map(({ site, unitsPerDay, linesPerDay }) => [item, site, perDay(unitsPerDay), perDay(linesPerDay)]),
    ),
    'nothing was asked for',
  );
}

export interface AllocateOptions extends TargetOptions {
  readonly sku?: string[];
  readonly to?: string[];
  readonly ownShare?: boolean;
  readonly by?: string;
  readonly share?: Readonly<Record<string, number>>;
  readonly only?: boolean;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

function requestOf({
  sku = [],
  to = [],
  ownShare = false,
  by,
  share,
  only = false,
}: AllocateOptions): AllocationRequest {
  return {
    ...{ skus: sku, sites: to, ownShare, only },
    ...(by === undefined ? {} : { by }),
    ...(share === undefined ? {} : { shares: share }),
  };
}

export async function runAllocate(options: AllocateOptions): Promise<void> {
  if (options.dryRun) return runDryRun(options);
  const api = new SiteApi(resolveTarget(options).target);
  const started = await api.allocate(requestOf(options));
  if (!options.wait) {
    if (options.json) printJson(started);
    else print(`allocation asked for: ${started.id}\nTemporal UI: ${started.page}`);
    return;
  }
  progress(`waiting for the sites to confirm; Temporal UI: ${started.page}`);
  const run = await waitForWorkflow(api, started.id, progress, 'allocation');
  if (options.json) printJson(run);
  else print('shared out, and confirmed by every site');
}

interface DryRun {
  readonly by: string;
  readonly sites: readonly { readonly site: string; readonly units: number; readonly lines: number }[];
  readonly rest: { readonly units: number; readonly lines: number };
  readonly items: readonly {
    readonly sku: string;
    readonly pool: number;
    readonly rest: number;
    readonly gets: readonly { readonly site: string; readonly quantity: number }[];
  }[];
  readonly itemsLeftOut: number;
}

async function runDryRun(options: AllocateOptions): Promise<void> {
  const body = { ...requestOf(options), dryRun: true };
  const plan = (await resolveTarget(options).store<DryRun>('/inventory/allocations', { method: 'POST', body })).body;
  if (options.json) return printJson(plan);
  const names = plan.sites.map(({ site }) => site);
  const total = (of: (sum: { units: number; lines: number }) => number) => [...plan.sites.map(of), of(plan.rest)];
  const rows = plan.items.map(({ sku, gets, rest }) => [
    sku,
    ...names.map((name) => gets.find(({ site }) => site === name)?.quantity ?? 0),
    rest,
  ]);
  print(
    formatTable(
      ['sku', ...names, 'stays in the pool'],
      [...rows, ['units in all', ...total(({ units }) => units)], ['items in all', ...total(({ lines }) => lines)]],
    ),
  );
  if (plan.itemsLeftOut > 0) print(`and ${formatNumberOf(plan.itemsLeftOut, 'item')} more; --sku names those to show`);
  print(`a dry run (by ${plan.by}): nothing has changed`);
}
