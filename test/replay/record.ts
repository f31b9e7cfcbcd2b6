/**
 * Records the histories that the replay tests replay: `npm run record-histories`. Histories are added, never changed:
 * record after a change of a workflow, and keep the old ones.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { formatRevision } from '../../domain/catalog';
import { parseWorkflowId } from '../../domain/workflow-ids';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } from '../support/servers';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';
import { sellWithoutAuthority, startTree } from '../workflows/lost-authority';
import { askAgainAfterLoss } from '../workflows/lost-table';

const HISTORIES = join(__dirname, 'histories');
const DATE = new Date().toISOString().slice(0, 10);

/** They run for as long as their subject is there, and are recorded as they stand. */
const ENDLESS = ['storeTopology', 'inventoryReplenishment'];

class Recorder {
  private readonly seen = new Set<string>();

  private constructor(
    private readonly connection: Connection,
    private readonly client: Client,
    private readonly store: string,
  ) {}

  static async start(store: string): Promise<Recorder> {
    const connection = await Connection.connect({ address: process.env[TEMPORAL_ADDRESS] ?? '' });
    return new Recorder(connection, new Client({ connection, namespace: TEMPORAL_NAMESPACE }), store);
  }

  /** Writes every workflow of the store that ended since the last call (or is `open`) under the case's name. */
  async record(name: string, wanted: readonly string[], open = false): Promise<void> {
    await until(`the workflows of ${name}`, async () => {
      const ended = await this.list(open);
      return wanted.every((type) => ended.some((execution) => execution.type === type));
    });
    for (const { type, workflowId, runId } of await this.list(open)) {
      this.seen.add(runId);
      const folder = join(HISTORIES, type);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${name}@${DATE}.json`);
      if (existsSync(file)) continue;
      const history = await this.client.workflow.getHandle(workflowId, runId).fetchHistory();
      writeFileSync(file, `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 1)}\n`);
    }
  }

  private async list(open: boolean) {
    const found: { type: string; workflowId: string; runId: string }[] = [];
    for await (const { type, workflowId, runId, status } of this.client.workflow.list({
      query: `EntrepotStore = '${this.store}'`,
    })) {
      if (this.seen.has(runId) || parseWorkflowId(workflowId) === null) continue;
      if (status.name === 'COMPLETED' || (open && ENDLESS.includes(type))) found.push({ type, workflowId, runId });
    }
    return found;
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

test('histories of every workflow are recorded', async () => {
  const world = await World.start('sqlite');
  const recorder = await Recorder.start(world.store);
  try {
    await world.pushItems(itemsCsv({ A: '1.00', B: '2.50' }), ['north', 'south']);
    await recorder.record('first-push', ['catalogPush', 'catalogDelivery']);
    await world.stock([{ sku: 'A', quantity: 100 }]);
    await recorder.record('confirmed', ['inventoryAllocation']);
    await world.buy('north', [{ sku: 'A', quantity: 1 }]);
    await recorder.record('at-once', ['purchaseOrderDelivery']);
    const sold = await world.fillCart('north', [{ sku: 'A', quantity: 1 }]);
    await world.call('north', 'POST', `/carts/${sold.cartId}/purchase-order`, {
      headers: { 'Cart-Token': sold.token },
    });
    await recorder.record('requested', ['cartToPurchaseOrder', 'purchaseOrderDelivery']);
    const short = await world.fillCart('north', [{ sku: 'A', quantity: 100_000 }]);
    await world.call('north', 'POST', `/carts/${short.cartId}/purchase-order`, {
      headers: { 'Cart-Token': short.token },
    });
    await recorder.record('refused', ['cartToPurchaseOrder']);

    await world.stopSite('south');
    await world.pushItems(itemsCsv({ A: '1.10' }), ['north']);
    await until('the hold', async () => {
      const { body } = await world.call('hq', 'GET', '/deliveries');
      return body.items?.some((row) => row['kind'] === 'catalog' && row['state'] === 'held');
    });
    await world.pushItems(itemsCsv({ A: '1.20' }), ['north']);
    await world.call('hq', 'POST', '/inventory/receipts', {
      body: { receiptId: 'r2', lines: [{ sku: 'B', quantity: 9 }] },
    });
    await world.call('hq', 'POST', '/inventory/allocations', { body: { skus: ['B'] } });
    await until('the held transfer', async () => {
      const { body } = await world.call('hq', 'GET', '/deliveries');
      return body.items?.some((row) => row['kind'] === 'stock' && row['state'] === 'held');
    });
    await world.startSite('south');
    await world.confirmed(['north', 'south']);
    await recorder.record('held-and-superseded', ['catalogDelivery', 'inventoryAllocation', 'catalogPush']);

    // A confirmation that was lost: the delta is for another base than the site has.
    await world
      .site('hq')
      .context.db.run(`UPDATE catalog_confirmations SET revision = ? WHERE site = 'north'`, [formatRevision(1, 1)]);
    await world.pushItems(itemsCsv({ A: '1.30', C: '3.00' }), ['north', 'south']);
    await recorder.record('another-base', ['catalogDelivery', 'catalogPush']);
    await world.stopSite('south');
    await world.loseDatabase('south');
    await world.startSite('south');
    await recorder.record('new-data', ['catalogDelivery', 'catalogPush']);

    await world.call('hq', 'PUT', '/catalogs/main/triggers/often', { body: { everySeconds: 10 } });
    await recorder.record('by-a-schedule', ['catalogPush']);
    await world.call('hq', 'DELETE', '/catalogs/main/triggers/often');
    await world.call('north', 'POST', '/catalogs/main/requests');
    await recorder.record('at-a-request', ['catalogPush', 'catalogDelivery']);

    await world.stopSite('hq');
    await world.buy('north', [{ sku: 'A', quantity: 1 }]);
    await until('the hold', async () => {
      const { body } = await world.call('north', 'GET', '/deliveries');
      return body.items?.some((row) => row['kind'] === 'orders' && row['state'] === 'held');
    });
    await world.startSite('hq');
    await recorder.record('held', ['purchaseOrderDelivery']);
    await recorder.record('three-sites', ['storeTopology'], true);
  } finally {
    await recorder.close();
    await world.stop();
  }
}, 300_000);

test('the history of a delivery whose parent lost its table is recorded', async () => {
  const world = await World.start('sqlite', ['north']);
  const recorder = await Recorder.start(world.store);
  try {
    await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
    await recorder.record('first-push', ['catalogPush', 'catalogDelivery']);
    await askAgainAfterLoss(world);
    await recorder.record('table-lost', ['catalogDelivery']);
  } finally {
    await recorder.close();
    await world.stop();
  }
});

test('the history of an order that was sold while the authority was lost is recorded', async () => {
  const world = await startTree();
  const recorder = await Recorder.start(world.store);
  try {
    await sellWithoutAuthority(world);
    await recorder.record('authority-lost', ['purchaseOrderDelivery']);
  } finally {
    await recorder.close();
    await world.stop();
  }
}, 300_000);

test('histories of stock that moves between sites are recorded', async () => {
  const world = await World.start('sqlite');
  const recorder = await Recorder.start(world.store);
  const ask = async (site: string, path: string, body: unknown) =>
    String((await world.call(site, 'POST', path, { body })).body['workflowId']);
  const state = async (site: string, workflowId: string) =>
    (await world.call(site, 'GET', `/workflows/${encodeURIComponent(workflowId)}`)).body['state'];
  const update = (site: string, updateId: string, kind: string, lines: unknown) =>
    ask('hq', '/inventory/updates', { updateId, site, kind, lines });
  try {
    await world.stock([{ sku: 'A', quantity: 40 }]);
    await recorder.record('confirmed', ['inventoryAllocation']);
    await world.call('hq', 'POST', '/inventory/receipts', {
      body: { receiptId: 'r1', lines: [{ sku: 'A', quantity: 5 }] },
    });
    const wanted = { taker: 'north', lines: [{ sku: 'A', quantity: 30 }] };
    await world.finished('hq', await ask('hq', '/inventory/reallocations', wanted));
    await recorder.record('from-the-pool-and-a-giver', ['inventoryReallocation']);
    await world.finished('hq', await ask('hq', '/inventory/reallocations', wanted));
    await recorder.record('nothing-to-do', ['inventoryReallocation']);
    const move = { to: 'south', lines: [{ sku: 'A', quantity: 1 }] };
    await world.finished('north', await ask('north', '/inventory/moves', move));
    await recorder.record('given-before', ['inventoryReallocation']);
    await world.finished('hq', await update('north', 'u1', 'count', [{ sku: 'A', quantity: 3, expected: 4 }]));
    await recorder.record('applied', ['inventoryUpdate']);
    await world.finished('hq', await update('north', 'u2', 'recall', [{ sku: 'A', quantity: 999 }]));
    await recorder.record('recalled-and-short', ['inventoryUpdate']);

    await world.stopSite('south');
    const held = [
      await ask('hq', '/inventory/reallocations', { taker: 'south', lines: [{ sku: 'A', quantity: 99 }] }),
      await update('south', 'u3', 'receipt', [{ sku: 'A', quantity: 2 }]),
    ];
    await until('the holds', async () => {
      const states = await Promise.all(held.map((workflowId) => state('hq', workflowId)));
      return states.every((found) => found === 'held');
    });
    await world.startSite('south');
    for (const workflowId of held) await world.finished('hq', workflowId);
    await recorder.record('held', ['inventoryReallocation', 'inventoryUpdate']);
  } finally {
    await recorder.close();
    await world.stop();
  }
}, 300_000);

test('histories of a site that runs low are recorded', async () => {
  const world = await World.start('sqlite', ['north']);
  const recorder = await Recorder.start(world.store);
  const receive = (receiptId: string, quantity: number) =>
    world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId, lines: [{ sku: 'A', quantity }] } });
  const shortBelow = (sku: string, units: number) =>
    world.call('north', 'PUT', `/inventory/thresholds/${sku}`, { body: { threshold: { units } } });
  const answered = (count: number) =>
    until(`${count} answers`, async () => {
      const { body } = await world.call('north', 'GET', '/inventory/replenishments');
      return body.items?.length === count && body.items.every(({ state }) => state === 'answered');
    });
  try {
    await receive('r1', 9);
    await shortBelow('A', 4);
    await world.call('north', 'POST', '/inventory/replenishments');
    await answered(1);
    await shortBelow('A', 20);
    await world.stopSite('hq');
    const { body } = await world.call('north', 'POST', '/inventory/replenishments');
    await until('the hold', async () => {
      const run = await world.call('north', 'GET', `/workflows/${encodeURIComponent(String(body['workflowId']))}`);
      return run.body['state'] === 'held';
    });
    await world.startSite('hq');
    await answered(2);
    await recorder.record('full-then-held-and-part', ['inventoryReplenishment', 'inventoryReallocation'], true);
  } finally {
    await recorder.close();
    await world.stop();
  }
}, 300_000);
