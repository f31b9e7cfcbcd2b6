/** Stock, catalogue, topology, keys and workflow records while two connections take turns, statement by statement. */
import { type SiteContext } from '../../activities/context';
import { inventoryActivities } from '../../activities/inventory';
import { openDocument } from '../../activities/sealing';
import { addKey, findKey, makeKey, parseKey, revokeKey } from '../../db/api-keys';
import { auditCatalogs } from '../../db/audit/catalogs';
import { itemsAt } from '../../db/catalog/changes';
import { draftItems } from '../../db/catalog/drafts';
import { publishDraft } from '../../db/catalog/publication';
import { readHead } from '../../db/catalog/heads';
import { Staging } from '../../db/catalog/staging';
import { type Database } from '../../db/database';
import { ReceiptConflictError } from '../../db/inventory';
import { NotPrimaryError, loadTopology, requirePrimacy, saveTopology } from '../../db/topology';
import { findWorkflowRun, recordWorkflowStarted, recordWorkflowState, requestWorkflow } from '../../db/workflow-runs';
import { type CatalogItem, NO_REVISION, formatRevision } from '../../domain/catalog';
import { type StockLine } from '../../domain/inventory';
import { REAL_RUNTIME } from '../../workers/site';
import { STORE, type StockSite, bookReceiptLines, stockSite, topology } from '../inventory/stock-site';
import { batchOf } from '../support/catalog';
import { engines } from '../support/databases';
import { Races, values } from './races';

const KEYS = { current: 'test', keys: new Map([['test', Buffer.alloc(32, 7)]]) };

function item(sku: string, price = 10_000): CatalogItem {
  return {
    ...{ sku, description: `Item ${sku}`, price, currency: 'GBP', unitOfMeasure: 'EA', leadTimeDays: 2 },
    ...{ classification: { domain: 'UNSPSC', code: '60000000' }, attributes: {}, audience: '' },
  };
}

describe.each(engines())('interleaved on %s', (engine) => {
  let hq: StockSite;
  let north: StockSite;
  let races: Races;
  let racesAtNorth: Races;
  beforeAll(async () => {
    [hq, north] = [await stockSite(engine, 'hq'), await stockSite(engine, 'north')];
    races = await Races.open(engine, hq.location, hq.db);
    racesAtNorth = await Races.open(engine, north.location, north.db);
  });
  afterAll(async () => {
    await races.close();
    await racesAtNorth.close();
    await hq.drop();
    await north.drop();
  });

  const on = (site: StockSite, db: Database): SiteContext => ({ ...site.context, db });
  const newId = () => REAL_RUNTIME.ids.uuid();
  const units = async (site: StockSite, sku: string, account: 'own' | 'pool') =>
    (
      await site.db.get<{ rights: number }>('SELECT rights FROM stock_levels WHERE sku = ? AND account = ?', [
        sku,
        account,
      ])
    )?.rights ?? 0;
  const booked = async (site: StockSite, sku: string, kind: string) =>
    (
      await site.db.get<{ units: number }>(
        'SELECT COALESCE(SUM(quantity), 0) AS units FROM stock_ledger WHERE sku = ? AND kind = ?',
        [sku, kind],
      )
    )?.units ?? 0;
  const contended = (searched: { blocked: number }) => {
    if (engine === 'mariadb') expect(searched.blocked).toBeGreaterThan(0);
  };
  const receipt = (receiptId: string, lines: readonly StockLine[]) => (db: Database) =>
    bookReceiptLines(on(hq, db), STORE, receiptId, lines);

  test('a receipt booked twice is booked once', async () => {
    contended(
      await races.search(async () => {
        const sku = newId();
        const book = receipt(newId(), [{ sku, quantity: 7 }]);
        return {
          acts: [book, book],
          holds: async (results) => {
            expect(
              values(results)
                .map((result) => result.booked)
                .sort(),
            ).toEqual([false, true]);
            expect([await units(hq, sku, 'pool'), await booked(hq, sku, 'receipt')]).toEqual([7, 7]);
          },
        };
      }),
    );
  });

  test('of two receipts of one id with other lines one is booked, and the other is told', async () => {
    await races.search(async () => {
      const [id, sku] = [newId(), newId()];
      return {
        acts: [receipt(id, [{ sku, quantity: 7 }]), receipt(id, [{ sku, quantity: 8 }])],
        holds: async (results) => {
          const refused = results.filter((result) => result.status === 'rejected');
          expect(refused).toMatchObject([{ reason: expect.any(ReceiptConflictError) }]);
          expect(await units(hq, sku, 'pool')).toBe(results[0]?.status === 'fulfilled' ? 7 : 8);
        },
      };
    });
  });

  const allocate = (request: string, sku: string) => (db: Database) =>
    inventoryActivities(on(hq, db)).planAllocation({
      ...{ store: STORE, epoch: 1, request, sites: ['north'], skus: [sku], ownShare: false },
    });

  test.each([
    ['the same request asked twice gives the same transfers', true],
    ['two requests never give more than the pool has', false],
  ])('%s', async (_what, same) => {
    contended(
      await races.search(async () => {
        const [sku, first] = [newId(), newId()];
        await receipt(newId(), [{ sku, quantity: 9 }])(hq.db);
        return {
          acts: [allocate(first, sku), allocate(same ? first : newId(), sku)],
          holds: async (results) => {
            const plans = values(results);
            const given = plans.flatMap(({ transfers }) => transfers);
            expect([await units(hq, sku, 'pool'), await booked(hq, sku, 'transfer-out')]).toEqual([0, -9]);
            if (same) expect(plans[1]).toEqual(plans[0]);
            else expect(given.reduce((sum, transfer) => sum + transfer.units, 0)).toBe(9);
            const names = given.map(({ transfer }) => transfer.sequence);
            expect(new Set(names).size).toBe(same ? names.length / 2 : names.length);
          },
        };
      }),
    );
  });

  const transferOf = async (sku: string) => {
    await receipt(newId(), [{ sku, quantity: 5 }])(hq.db);
    const { transfers } = await allocate(newId(), sku)(hq.db);
    const [planned] = transfers;
    if (!planned) throw new Error('nothing was shared out');
    return hq.activities.sealAllocation({ store: STORE, epoch: 1, transfer: planned.transfer });
  };

  test('a transfer that comes twice is credited once, and both hear the same', async () => {
    contended(
      await racesAtNorth.search(async () => {
        const sku = newId();
        const document = await transferOf(sku);
        const credit = (db: Database) => inventoryActivities(on(north, db)).creditAllocation({ document });
        return {
          acts: [credit, credit],
          holds: async (results) => {
            const answers = await Promise.all(values(results).map((sealed) => openDocument(sealed, KEYS)));
            expect(answers[1]).toEqual(answers[0]);
            expect([await units(north, sku, 'own'), await booked(north, sku, 'transfer-in')]).toEqual([5, 5]);
          },
        };
      }),
    );
  });

  test('what is booked by the moment of the fence is all that there will be', async () => {
    contended(
      await races.search<unknown>(async () => {
        const sku = newId();
        const version = (await loadTopology(hq.db, STORE)).topology.version;
        await hq.db.transaction((tx) => saveTopology(tx, topology(version + 1), 0));
        const depose = async (db: Database) => {
          await db.transaction((tx) => saveTopology(tx, topology(version + 2, 2, 'south'), 0));
          const row = await db.get<{ n: number }>('SELECT COUNT(*) AS n FROM stock_ledger WHERE sku = ?', [sku]);
          return row?.n ?? 0;
        };
        return {
          acts: [receipt(newId(), [{ sku, quantity: 7 }]), depose],
          holds: async ([receiving, deposing]) => {
            const atTheFence = values([deposing as PromiseSettledResult<number>])[0];
            expect(await booked(hq, sku, 'receipt')).toBe(7 * (atTheFence ?? 0));
            if (atTheFence === 0) expect(receiving).toMatchObject({ reason: expect.any(NotPrimaryError) });
            // Back, for the next schedule and the next test.
            await hq.db.run("UPDATE topology SET epoch = 1, primary_site = 'hq' WHERE store = ?", [STORE]);
          },
        };
      }),
    );
  });

  test('the newer of two topologies stays, whole', async () => {
    contended(
      await racesAtNorth.search(async () => {
        const { version } = (await loadTopology(north.db, STORE)).topology;
        const save = (newer: number) => (db: Database) =>
          db.transaction((tx) => saveTopology(tx, topology(version + newer, newer), 0));
        return {
          acts: [save(1), save(2)],
          holds: async (results) => {
            expect(values(results)[1]).toBe(true);
            expect((await loadTopology(north.db, STORE)).topology).toEqual(topology(version + 2, 2));
          },
        };
      }),
    );
    await north.db.run('UPDATE topology SET epoch = 1 WHERE store = ?', [STORE]);
  });

  describe('a catalogue', () => {
    const publish = (catalog: string, request: string) => (db: Database) =>
      db.transaction(async (tx) => {
        await requirePrimacy(tx, STORE, 1);
        return (await publishDraft(tx, { store: STORE, catalog, epoch: 1, request, now: 1 })).revision;
      });
    const draft = (catalog: string, items: readonly CatalogItem[]) => (db: Database) =>
      db.transaction(async (tx) => {
        await requirePrimacy(tx, STORE, 1);
        return (await draftItems(tx, STORE, catalog, items, 1)).changed;
      });
    const faults = async (site: StockSite) => {
      const found: string[] = [];
      await auditCatalogs([{ site: site.site, db: site.db }], STORE, ({ subject }) => void found.push(subject));
      return found;
    };

    test.each([
      ['one request published twice is one revision', true],
      ['two requests at once are one revision, for one draft', false],
    ])('%s', async (_what, same) => {
      contended(
        await races.search(async () => {
          const [catalog, request] = [`c${newId().slice(-12)}`, newId()];
          await draft(catalog, [item('A'), item('B')])(hq.db);
          return {
            acts: [publish(catalog, request), publish(catalog, same ? request : newId())],
            holds: async (results) => {
              expect(values(results)).toEqual([formatRevision(1, 1), formatRevision(1, 1)]);
              expect(await readHead(hq.db, STORE, catalog)).toMatchObject({ itemCount: 2 });
            },
          };
        }),
      );
    });

    test('an item drafted while a revision is published is in it, or in the next', async () => {
      contended(
        await races.search(async () => {
          const catalog = `c${newId().slice(-12)}`;
          await draft(catalog, [item('A')])(hq.db);
          return {
            acts: [publish(catalog, newId()), draft(catalog, [item('A', 20_000), item('B')])],
            holds: async (results) => {
              values(results);
              await publish(catalog, newId())(hq.db);
              expect(await readHead(hq.db, STORE, catalog)).toMatchObject({ itemCount: 2 });
              const row = await hq.db.get<{ price_amount: number }>(
                `SELECT price_amount FROM item_versions WHERE catalog = ? AND sku = 'A' ORDER BY from_revision DESC`,
                [catalog],
              );
              expect(row?.price_amount).toBe(20_000);
            },
          };
        }),
      );
      expect(await faults(hq)).toEqual([]);
    });

    test('a document that two processes apply at once is shown whole', async () => {
      const prepare = async () => {
        const catalog = `c${newId().slice(-12)}`;
        const target = formatRevision(1, 1);
        const items = [item('A'), item('B')];
        const apply = async (db: Database) => {
          const { staging } = await Staging.begin(
            db,
            { store: STORE, catalog, base: NO_REVISION, target, partition: '' },
            newId(),
            1,
          );
          await staging?.takeAll(batchOf(items), true);
          await staging?.flip({ now: 1, request: 'document', audience: '' });
        };
        return {
          acts: [apply, apply] as const,
          holds: async () => {
            // One that was in the other's way is tried again, as Temporal does.
            if ((await readHead(north.db, STORE, catalog)).revision < target) await apply(north.db);
            const shown = await itemsAt(
              north.db,
              { store: STORE, catalog: catalog, revision: target },
              '',
              items.length + 1,
            );
            expect(shown.map(({ item: { sku } }) => sku)).toEqual(['A', 'B']);
            expect(await readHead(north.db, STORE, catalog)).toMatchObject({ revision: target, itemCount: 2 });
          },
        };
      };
      // What goes wrong here takes two switches.
      contended(await racesAtNorth.search(prepare, 60));
      expect(await faults(north)).toEqual([]);
    });
  });

  test('a key revoked twice stays revoked since the first time', async () => {
    contended(
      await races.search(async () => {
        const key = makeKey(REAL_RUNTIME.random);
        const { keyId } = parseKey(key) ?? { keyId: '' };
        await hq.db.transaction((tx) =>
          addKey(tx, { store: STORE, key, role: 'buyer', site: null, label: 'race', expiresAt: null, now: 1 }),
        );
        const revoke = (now: number) => async (db: Database) => {
          await db.transaction((tx) => revokeKey(tx, STORE, keyId, now));
          return (await findKey(db, STORE, keyId))?.revokedAt;
        };
        return {
          acts: [revoke(2), revoke(3)],
          holds: async (results) => {
            const [first, second] = values(results);
            expect([2, 3]).toContain(first);
            expect(second).toBe(first);
          },
        };
      }),
    );
  });

  test('what a workflow reports of itself is not overwritten by its start', async () => {
    contended(
      await races.search<unknown>(async () => {
        const workflowId = newId();
        const request = { store: STORE, workflowId, kind: 'catalogPush', input: {}, requestedBy: 'test' } as const;
        await hq.db.transaction((tx) =>
          requestWorkflow(tx, { ...request, epoch: 1, outboxId: newId(), traceContext: null, now: 1 }),
        );
        return {
          acts: [
            (db) => db.transaction((tx) => recordWorkflowStarted(tx, STORE, workflowId, 2)),
            (db) => db.transaction((tx) => recordWorkflowState(tx, STORE, workflowId, 'completed', '{}', 3)),
          ],
          holds: async (results) => {
            values(results);
            expect(await findWorkflowRun(hq.db, STORE, workflowId)).toMatchObject({ state: 'completed' });
          },
        };
      }),
    );
  });
});
