/** Asking and answering on both engines, each step as often as it comes. */
import { type StoreSettings } from '../../activities/context';
import { type ReplenishmentAsked } from '../../activities/contract';
import { inventoryActivities } from '../../activities/inventory';
import { carryLent } from '../../activities/inventory/carrying';
import { replenishmentActivities } from '../../activities/inventory/replenishment';
import { refreshThresholds, setThreshold } from '../../activities/inventory/thresholds';
import { openDocument } from '../../activities/sealing';
import { readReplenishmentAnswer, readReplenishmentRequest } from '../../cxml/inventory-replenishment';
import { findThreshold, listReplenishments, listThresholds, listTransfers, writeMovement } from '../../db/inventory';
import { INVENTORY_LINES_MAX, type ReplenishmentSettings } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { INVENTORY_DTD, hasXmllint, xmllintText } from '../support/xmllint';
import { StockTree } from './stock-tree';

const DAY_MS = 86_400_000;
const SUBSTITUTES = { replaced: ['spare'] };

describe.each(engines())('on %s', (engine) => {
  let tree: StockTree;
  beforeAll(async () => {
    tree = await StockTree.grow(engine, { hq: null, north: 'hq' });
  });
  afterAll(() => tree.fell());
  afterEach(async () => {
    await tree.site('north').db.run('DELETE FROM stock_thresholds');
    expect(await tree.violations()).toEqual([]);
  });

  const newId = () => REAL_RUNTIME.ids.uuid();
  const settingsOf = (site: string, replenishment: Partial<ReplenishmentSettings> = {}): StoreSettings => {
    const { settings } = tree.site(site);
    const all = { ...settings.inventory.replenishment, substitutes: SUBSTITUTES, ...replenishment };
    return { ...settings, inventory: { ...settings.inventory, replenishment: all } };
  };
  const at = (site: string) => {
    const context = { ...tree.site(site).context, stores: new Map([[STORE, settingsOf(site)]]) };
    return { ...replenishmentActivities(context), ...inventoryActivities(context), context };
  };
  const shortBelow = (sku: string, units: number, refill: number) =>
    setThreshold(at('north').context, settingsOf('north'), sku, {
      ...{ threshold: { units }, refillTo: { units: refill } },
    });
  const look = (request = newId(), after = '') => at('north').requestReplenishment({ store: STORE, request, after });
  const asked = async (request = newId()) => (await look(request)).asked as NonNullable<ReplenishmentAsked['asked']>;
  const opened = (document: Parameters<typeof openDocument>[0]) =>
    openDocument(document, tree.site('hq').settings.sealing);
  const settle = async (
    confirmations: Awaited<ReturnType<ReturnType<typeof at>['applyReplenishment']>>['confirmations'],
  ) => {
    for (const confirmation of confirmations) {
      await at('hq').settleTransfer({ store: STORE, epoch: 1, confirmation });
    }
  };

  test('everything short comes in one document, is answered item by item, and is credited', async () => {
    const needs = { full: 10, part: 10, replaced: 10, gone: 10, enough: 3 };
    for (const [sku, units] of Object.entries(needs)) await shortBelow(sku, units, units + 2);
    await tree.has('north', [
      { sku: 'enough', quantity: 3 },
      { sku: 'full', quantity: 4 },
    ]);
    await tree.has(
      'hq',
      [
        { sku: 'full', quantity: 50 },
        { sku: 'part', quantity: 5 },
        { sku: 'spare', quantity: 20 },
      ],
      'pool',
    );
    const { document, next } = await asked();
    expect([document.kind, document.count, next]).toEqual(['InventoryReplenishmentRequest', 4, null]);
    expect(readReplenishmentRequest(await opened(document)).lines).toEqual([
      { sku: 'full', quantity: 8 },
      { sku: 'gone', quantity: 12 },
      { sku: 'part', quantity: 12 },
      { sku: 'replaced', quantity: 12 },
    ]);
    const answer = await at('hq').answerReplenishment({ document });
    const { answers, transfers } = readReplenishmentAnswer(await opened(answer));
    expect(answers).toEqual([
      { sku: 'full', asked: 8, outcome: 'full', granted: 8 },
      { sku: 'gone', asked: 12, outcome: 'unavailable', granted: 0, reason: 'not-kept' },
      { sku: 'part', asked: 12, outcome: 'part', granted: 5 },
      { sku: 'replaced', asked: 12, outcome: 'substitute', granted: 0, instead: { sku: 'spare', quantity: 12 } },
    ]);
    expect(transfers.map(({ lines }) => lines.length)).toEqual([3]);
    expect(await tree.violations()).toEqual([]);
    const applied = await at('north').applyReplenishment({ document: answer });
    expect(applied.wanted).toEqual([
      { sku: 'gone', quantity: 12 },
      { sku: 'part', quantity: 12 },
    ]);
    await settle(applied.confirmations);
    expect(await listTransfers(tree.site('hq').db, STORE, { states: ['in-flight'], limit: 5 })).toEqual([]);
    expect((await tree.units('north', 'full')).own).toBe(12);
    // What was given instead counts for what was asked.
    expect(readReplenishmentRequest(await opened((await asked()).document)).lines).toEqual([
      { sku: 'gone', quantity: 12 },
      { sku: 'part', quantity: 7 },
    ]);
    expect(await listReplenishments(tree.site('north').db, STORE, { limit: 9 })).toMatchObject([
      { answers: null },
      { answers },
    ]);
    const emitted = [...tree.site('north').emitted.values(), ...tree.site('hq').emitted.values()];
    expect(emitted).toHaveLength(4);
    if (hasXmllint()) for (const xml of emitted) expect(xmllintText(INVENTORY_DTD, xml)).toEqual([]);
  });

  test('each step that comes twice, or at once, is done once and answered alike', async () => {
    await shortBelow('A', 5, 9);
    await tree.has('hq', [{ sku: 'A', quantity: 30 }], 'pool');
    const request = newId();
    const { document } = await asked(request);
    const again = await asked(request);
    expect(await opened(again.document)).toEqual(await opened(document));
    const [first, second] = await Promise.all(
      [document, again.document].map((each) => at('hq').answerReplenishment({ document: each })),
    );
    expect(await opened(second as typeof document)).toEqual(await opened(first as typeof document));
    expect((await tree.units('hq', 'A')).pool).toBe(21);
    const applied = await Promise.all(
      [first, second].map((each) => at('north').applyReplenishment({ document: each as typeof document })),
    );
    for (const { confirmations } of applied) await settle(confirmations);
    expect((await tree.units('north', 'A')).own).toBe(9);
    expect((await look()).asked).toBeNull();
  });

  test('what an answer that was lost brings is brought by its giver, and credited once', async () => {
    await shortBelow('lost', 5, 9);
    await tree.has('hq', [{ sku: 'lost', quantity: 30 }], 'pool');
    const { document } = await asked();
    const answer = await at('hq').answerReplenishment({ document });
    const { context } = tree.site('hq');
    const later = { ...context.runtime, clock: { now: () => Date.now() + 3_000 } };
    expect(await carryLent({ ...context, runtime: later }, STORE)).toEqual({ settled: 1, left: 0 });
    expect((await tree.units('north', 'lost')).own).toBe(9);
    await settle((await at('north').applyReplenishment({ document: answer })).confirmations);
    expect((await tree.units('north', 'lost')).own).toBe(9);
  });

  test('a parent refuses a site that is no child of it, and a site what is not for it', async () => {
    await shortBelow('nowhere', 5, 9);
    const { document } = await asked();
    await expect(at('north').answerReplenishment({ document })).rejects.toMatchObject({ nonRetryable: true });
    const answer = await at('hq').answerReplenishment({ document });
    await expect(at('hq').applyReplenishment({ document: answer })).rejects.toMatchObject({ nonRetryable: true });
  });

  test("the store's rule holds for every item but those with their own, and follows sales and grants", async () => {
    const { db, context } = { ...tree.site('north'), ...at('north') };
    await tree.has('north', [
      { sku: 'A', quantity: 50 },
      { sku: 'B', quantity: 50 },
    ]);
    await shortBelow('A', 7, 8);
    const now = Date.now();
    const movement = {
      store: STORE,
      account: 'own',
      counterparty: null,
      transferId: null,
      cause: 'x',
      epoch: 1,
    } as const;
    const sale = { ...movement, movementId: 'sale:x', kind: 'sale', incarnation: 2, now: now - 10 * DAY_MS } as const;
    await db.transaction(async (tx) => {
      await writeMovement(tx, sale, [{ sku: 'B', quantity: -20 }]);
      await tx.run("UPDATE stock_levels SET rights = rights - 20 WHERE sku = 'B' AND account = 'own'");
    });
    const units = async (threshold: ReplenishmentSettings['threshold']) => {
      await refreshThresholds(context, settingsOf('north', { threshold }));
      return (await listThresholds(db, STORE))
        .filter(({ sku }) => ['A', 'B'].includes(sku))
        .map(({ sku, thresholdUnits }) => `${sku} ${thresholdUnits}`);
    };
    expect(await units({ days: 3 })).toEqual(['A 7', 'B 6']);
    expect(await units({ percentage: 50 })).toEqual(['A 7', 'B 0']);
    await tree.has('hq', [{ sku: 'B', quantity: 8 }], 'pool');
    await setThreshold(context, settingsOf('north'), 'B', { threshold: { units: 100 } });
    const { document } = await asked();
    const answer = await at('hq').answerReplenishment({ document });
    await settle((await at('north').applyReplenishment({ document: answer })).confirmations);
    await setThreshold(context, settingsOf('north', { threshold: { percentage: 50 } }), 'B', null);
    expect(await findThreshold(db, STORE, 'B')).toMatchObject({ thresholdUnits: 4, refillUnits: 8, ownRule: null });
    expect(await units(undefined)).toEqual(['A 7', 'B 0']);
    await db.run("DELETE FROM stock_ledger WHERE movement_id = 'sale:x'");
    await db.run("UPDATE stock_levels SET rights = rights + 20 WHERE sku = 'B' AND account = 'own'");
  });

  test('more than one document holds goes in several', async () => {
    const items = INVENTORY_LINES_MAX + 1;
    await tree.has(
      'north',
      Array.from({ length: items }, (_, index) => ({ sku: `many-${index}`, quantity: 1 })),
    );
    const settings = settingsOf('north', { threshold: { units: 2 } });
    expect(await refreshThresholds(at('north').context, settings)).toBeGreaterThanOrEqual(items);
    const first = await asked();
    expect([first.document.count, first.next]).toEqual([INVENTORY_LINES_MAX, expect.any(String)]);
    expect((await look(newId(), String(first.next))).asked).toMatchObject({ document: { count: 1 }, next: null });
  });
});
