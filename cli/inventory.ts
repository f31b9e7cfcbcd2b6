/** `entrepot inventory receive|levels|allocate`. */
import { randomUUID } from 'node:crypto';
import { formatCount, print, printJson, printList, progress } from './output';
import { SiteApi } from './site-api';
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

export async function runAllocate(
  options: TargetOptions & { sku?: string[]; to?: string[]; ownShare?: boolean; wait: boolean },
): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const request = { skus: options.sku ?? [], sites: options.to ?? [], ownShare: options.ownShare ?? false };
  const started = await api.allocate(request);
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
