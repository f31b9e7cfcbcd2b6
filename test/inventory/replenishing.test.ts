/** Asking and answering on both engines, each step as often as it comes. */
import { type StoreSettings } from '../../activities/context';
import { type ReplenishmentAsked } from '../../activities/contract';
import { inventoryActivities } from '../../activities/inventory';
import { carryLent } from '../../activities/inventory/carrying';
import { replenishmentActivities } from '../../activities/inventory/replenishment';
import { refreshThresholds, setThreshold } from '../../activities/inventory/thresholds';
import { openDocument } from '../../activities/sealing';
import { readReplenishmentAnswer, readReplenishmentRequest } from '../../cxml/inventory-replenishment';
import { findThreshold, hearOfDemand, listReplenishments, listThresholds, listTransfers } from '../../db/inventory';
import { INVENTORY_LINES_MAX, type ReplenishmentSettings, UNAVAILABLE_WAIT_MS } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { engines } from '../support/databases';
import { STORE } from '../support/lone-site';
import { INVENTORY_DTD, hasXmllint, xmllintText } from '../support/xmllint';
import { StockTree } from './stock-tree';

const MINUTE_MS = 60_000;
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
  const look = (request = newId(), after = '', all = false) =>
    at('north').requestReplenishment({ store: STORE, request, after, all });
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
    // What was given instead counts for what was asked, and what nobody has is not asked for at once.
    expect(readReplenishmentRequest(await opened((await asked()).document)).lines).toEqual([
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

  test('what nobody had is asked for again after an hour, when an operator asks, and once it was there', async () => {
    await shortBelow('scarce', 5, 9);
    const lookAt = async (afterMs: number, all = false) => {
      const { context } = at('north');
      const runtime = { ...context.runtime, clock: { now: () => Date.now() + afterMs } };
      const activities = replenishmentActivities({ ...context, runtime });
      return (await activities.requestReplenishment({ store: STORE, request: newId(), after: '', all })).asked;
    };
    const answerTo = async (found: Awaited<ReturnType<typeof lookAt>>) => {
      const { document } = found as NonNullable<typeof found>;
      const answer = await at('hq').answerReplenishment({ document });
      await settle((await at('north').applyReplenishment({ document: answer })).confirmations);
    };
    await answerTo(await lookAt(0));
    expect(await lookAt(UNAVAILABLE_WAIT_MS - MINUTE_MS)).toBeNull();
    expect(await lookAt(UNAVAILABLE_WAIT_MS + MINUTE_MS)).toMatchObject({ document: { count: 1 } });
    await tree.has('hq', [{ sku: 'scarce', quantity: 9 }], 'pool');
    await answerTo(await lookAt(0, true));
    expect((await tree.units('north', 'scarce')).own).toBe(9);
    await shortBelow('scarce', 10, 12);
    expect(await lookAt(0)).toMatchObject({ document: { count: 1 } });
  });

  test('a parent refuses a site that is no child of it, and a site what is not for it', async () => {
    await shortBelow('nowhere', 5, 9);
    const { document } = await asked();
    await expect(at('north').answerReplenishment({ document })).rejects.toMatchObject({ nonRetryable: true });
    const answer = await at('hq').answerReplenishment({ document });
    await expect(at('hq').applyReplenishment({ document: answer })).rejects.toMatchObject({ nonRetryable: true });
  });

  const MARKED = ['A', 'B'];
  /** What a rule of the store comes to at the site, of the items that these tests look at. */
  const units = async (site: string, threshold: ReplenishmentSettings['threshold']) => {
    await refreshThresholds(at(site).context, settingsOf(site, { threshold }));
    return (await listThresholds(tree.site(site).db, STORE))
      .filter(({ sku }) => MARKED.includes(sku))
      .map(({ sku, thresholdUnits }) => `${sku} ${thresholdUnits}`);
  };

  test("the store's rule holds for every item but those with their own, and follows demand and grants", async () => {
    const { db, context } = { ...tree.site('north'), ...at('north') };
    await tree.has('north', [
      { sku: 'A', quantity: 50 },
      { sku: 'B', quantity: 50 },
    ]);
    await shortBelow('A', 7, 8);
    const lines = [{ sku: 'B', quantity: 20 }];
    const asked = { source: 'ten days ago', site: 'north', cartId: null, lines, at: Date.now() - 10 * DAY_MS };
    for (const site of ['north', 'hq']) await tree.site(site).db.transaction((tx) => hearOfDemand(tx, STORE, [asked]));
    // Twenty in ten days, of which the oldest count a little less, and a little for what is not asked for yet.
    expect(await units('north', { days: 3 })).toEqual(['A 7', 'B 7']);
    // What is asked for below a site is what its own units are for.
    await tree.has('hq', [{ sku: 'B', quantity: 8 }], 'pool');
    expect(await units('hq', { days: 3 })).toContain('B 7');
    expect(await units('hq', undefined)).toContain('B 0');
    expect(await units('north', { percentage: 50 })).toEqual(['A 7', 'B 0']);
    await setThreshold(context, settingsOf('north'), 'B', { threshold: { units: 100 } });
    await grant();
    await setThreshold(context, settingsOf('north', { threshold: { percentage: 50 } }), 'B', null);
    expect(await findThreshold(db, STORE, 'B')).toMatchObject({ thresholdUnits: 4, refillUnits: 8, ownRule: null });
    expect(await units('north', undefined)).toEqual(['A 7', 'B 0']);
  });

  /** North asks for what it lacks, and is given what there is. */
  async function grant(): Promise<void> {
    const { document } = await asked();
    const answer = await at('hq').answerReplenishment({ document });
    await settle((await at('north').applyReplenishment({ document: answer })).confirmations);
  }

  test('a percentage is of what was granted last, whatever was lent for orders since', async () => {
    await shortBelow('C', 8, 8);
    await tree.has('hq', [{ sku: 'C', quantity: 12 }], 'pool');
    await grant();
    const percentage = { threshold: { percentage: 50 } };
    const half = async () =>
      (await setThreshold(at('north').context, settingsOf('north'), 'C', percentage)).thresholdUnits;
    expect(await half()).toBe(4);
    await tree.borrow('north', newId(), [{ sku: 'C', requested: 9, available: 8 }]);
    expect((await tree.units('north', 'C')).own).toBe(9);
    expect(await half()).toBe(4);
    // Lent to an answer that is lost, and brought by its giver.
    tree.fateOf = (from, _to, what) => (from === 'north' && what.includes('borrowings') ? 'answer-lost' : 'passes');
    await tree.borrow('north', newId(), [{ sku: 'C', requested: 11, available: 9 }]);
    tree.fateOf = () => 'passes';
    const { context } = tree.site('hq');
    const later = { ...context.runtime, clock: { now: () => Date.now() + 3_000 } };
    expect(await carryLent({ ...context, runtime: later }, STORE)).toEqual({ settled: 2, left: 0 });
    expect((await tree.units('north', 'C')).own).toBe(11);
    expect(await half()).toBe(4);
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
