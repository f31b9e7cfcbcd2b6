/** What the first start does so that there are goods to sell: catalogue in, out to the sites, stock in, shared out. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../workers/package-root';
import { failed } from '../exit-codes';
import { formatCount, formatSeconds } from '../output';
import { type SiteApi, type WorkflowRun } from '../site-api';
import { Milestones } from './data-directory';
import { type Tell } from './supervisor';
import { type Trial } from './layout';

const CATALOG_FILE = join(PACKAGE_ROOT, 'data', 'online-retail', 'catalog.csv');
/** Units of every item that the first start receives: enough for any of the sample's days at one of three sites. */
export const RECEIPT_UNITS_PER_ITEM = 12_000;
/** How long the sites may take to confirm a push or an allocation, milliseconds. */
const CONFIRM_TIMEOUT_MS = 5 * 60_000;
const LOOK_AGAIN_MS = 250;
/** Waiting is told of after this long, then after twice that, and so on, milliseconds. */
const TELL_AFTER_MS = 3_000;

/** What the first start found and did, for those who show it. */
export interface Stocked {
  readonly push: WorkflowRun;
  readonly pushMs: number;
  readonly allocation: WorkflowRun;
  readonly allocationMs: number;
}

export async function stockUp(
  trial: Trial,
  primary: SiteApi,
  tell: Tell,
  withoutStock: (skus: readonly string[]) => readonly string[] = () => [],
): Promise<Stocked | null> {
  const milestones = new Milestones(trial.data);
  if (milestones.has('allocated')) return null;
  await milestones.once('imported', async () => {
    const report = await primary.importCatalog(trial.catalog, createReadStream(CATALOG_FILE));
    tell(`catalogue: ${formatCount(report.changed + report.unchanged)} items imported from ${CATALOG_FILE}`);
    return new Date().toISOString();
  });
  const push = await timed(primary, tell, 'catalogue push', () =>
    milestones.once('pushed', async () => (await primary.pushCatalog(trial.catalog)).id),
  );
  await everySiteConfirmed(trial, primary);
  await milestones.once('received', async () => {
    const skus = await primary.skus(trial.catalog);
    const left = new Set(withoutStock(skus));
    const lines = skus.filter((sku) => !left.has(sku)).map((sku) => ({ sku, quantity: RECEIPT_UNITS_PER_ITEM }));
    await primary.receive('first-receipt', lines);
    tell(`stock: ${formatCount(RECEIPT_UNITS_PER_ITEM)} units of each of ${formatCount(lines.length)} items received`);
    return new Date().toISOString();
  });
  const allocation = await timed(primary, tell, 'allocation', () =>
    milestones.once('allocating', async () => (await primary.allocate({ sites: [], skus: [], ownShare: true })).id),
  );
  await milestones.once('allocated', async () => new Date().toISOString());
  return { push: push.run, pushMs: push.ms, allocation: allocation.run, allocationMs: allocation.ms };
}

/** A push is over once every site was told; one that was slow to come up confirms a little later. */
async function everySiteConfirmed(trial: Trial, primary: SiteApi): Promise<void> {
  const deadline = Date.now() + CONFIRM_TIMEOUT_MS;
  for (;;) {
    const { items } = await primary.catalogStatus(trial.catalog);
    const late = items.filter(({ state }) => state !== 'confirmed');
    if (late.length === 0) return;
    if (Date.now() > deadline) {
      const named = late.map(({ site, state, reason }) => `${site} (${state}${reason === null ? '' : `: ${reason}`})`);
      throw failed(`the catalogue is not confirmed by ${named.join(', ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function timed(
  primary: SiteApi,
  tell: Tell,
  what: string,
  start: () => Promise<string>,
): Promise<{ run: WorkflowRun; ms: number }> {
  const begun = Date.now();
  const run = await waitForWorkflow(primary, await start(), tell, what);
  const ms = Date.now() - begun;
  tell(`${what}: confirmed by every site after ${formatSeconds(ms)}`);
  return { run, ms };
}

/** Waits until a workflow is completed, telling of it now and then; a failed one is an error. */
export async function waitForWorkflow(api: SiteApi, id: string, tell: Tell, what: string): Promise<WorkflowRun> {
  const begun = Date.now();
  let tellAt = begun + TELL_AFTER_MS;
  for (;;) {
    const run = await api.workflow(id);
    if (run.state === 'completed') return run;
    if (run.state === 'failed') throw failed(`${what} failed: see ${run.page}`);
    const now = Date.now();
    if (now - begun > CONFIRM_TIMEOUT_MS) {
      throw failed(`${what} is still ${run.state} after ${CONFIRM_TIMEOUT_MS / 60_000} minutes: see ${run.page}`);
    }
    if (now >= tellAt) {
      tell(`${what}: ${run.state} for ${formatSeconds(now - begun)}; ${run.page}`);
      tellAt = begun + 2 * (now - begun);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
