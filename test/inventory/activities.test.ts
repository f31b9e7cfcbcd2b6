/** Sharing out and taking in, on both engines: once, whatever comes twice, late or changed. */
import { readAllocation, readConfirmation } from '../../cxml/inventory';
import { openDocument, sealDocument } from '../../activities/sealing';
import { type PlannedTransfer } from '../../activities/contract';
import { auditStore } from '../../db/audit';
import { availableUnits, listLevels, listTransfers } from '../../db/inventory';
import { NotPrimaryError, saveTopology } from '../../db/topology';
import { INVENTORY_LINES_MAX, type StockLine } from '../../domain/inventory';
import { engines } from '../support/databases';
import { INVENTORY_DTD, hasXmllint, xmllintText } from '../support/xmllint';
import { STORE, type StockSite, bookReceiptLines, stockSite, topology } from './stock-site';

const REQUEST = { store: STORE, epoch: 1, request: 'request-1', sites: [], skus: [], ownShare: false };
const KEYS = { current: 'test', keys: new Map([['test', Buffer.alloc(32, 7)]]) };

describe.each(engines())('on %s', (engine) => {
  let hq: StockSite;
  let north: StockSite;
  let south: StockSite;
  beforeEach(async () => {
    hq = await stockSite(engine, 'hq');
    north = await stockSite(engine, 'north');
    south = await stockSite(engine, 'south');
  });
  afterEach(async () => {
    for (const site of [hq, north, south]) await site.drop();
  });

  const receive = (lines: readonly StockLine[]) => bookReceiptLines(hq.context, STORE, 'receipt-1', lines);
  const sealed = (transfer: PlannedTransfer['transfer']) =>
    hq.activities.sealAllocation({ store: STORE, epoch: 1, transfer });
  const audited = async () =>
    (
      await auditStore(
        [hq, north, south].map(({ site, db }) => ({ site, db })),
        STORE,
      )
    ).violations;

  test('received stock is at its takers after the whole way, and every step adds up', async () => {
    await receive([
      { sku: 'A', quantity: 10 },
      { sku: 'B', quantity: 7 },
    ]);
    const plan = await hq.activities.planAllocation({ ...REQUEST, ownShare: true });
    expect(plan.transfers.map(({ taker }) => taker)).toEqual(['north', 'south']);
    expect(plan.ownUnits + plan.transfers.reduce((sum, { units }) => sum + units, 0)).toBe(17);
    expect(await audited()).toEqual([]);
    for (const { transfer, taker } of plan.transfers) {
      const document = await sealed(transfer);
      expect(document).toMatchObject({ kind: 'InventoryAllocation', sender: 'hq', receiver: taker });
      const confirmation = await (taker === 'north' ? north : south).activities.creditAllocation({ document });
      expect(await audited()).toEqual([]);
      await hq.activities.settleTransfer({ store: STORE, epoch: 1, confirmation });
      expect(await audited()).toEqual([]);
    }
    const units = await Promise.all([hq, north, south].map(({ db }) => availableUnits(db, STORE, ['A', 'B'])));
    for (const [sku, total] of [
      ['A', 10],
      ['B', 7],
    ] as const) {
      expect(units.reduce((sum, site) => sum + (site.get(sku) ?? 0), 0)).toBe(total);
    }
    expect(await listTransfers(hq.db, STORE, { states: ['in-flight'], limit: 5 })).toEqual([]);
    const [taken] = await north.db.all<{ incarnation: number }>("SELECT incarnation FROM stock_ledger WHERE sku = 'A'");
    expect(taken?.incarnation).toBe(3);
  });

  test('every document is valid by its DTD', async () => {
    await receive([{ sku: 'A & <B>', quantity: 10 }]);
    const { transfers } = await hq.activities.planAllocation(REQUEST);
    for (const { transfer, taker } of transfers) {
      const document = await sealed(transfer);
      await (taker === 'north' ? north : south).activities.creditAllocation({ document });
    }
    const documents = [hq, north, south].flatMap(({ emitted }) => [...emitted.values()]);
    expect(documents).toHaveLength(4);
    if (hasXmllint()) for (const document of documents) expect(xmllintText(INVENTORY_DTD, document)).toEqual([]);
  });

  test('the same request gives the same transfers, also when both come at once', async () => {
    await receive([{ sku: 'A', quantity: 10 }]);
    const [first, second] = await Promise.all([
      hq.activities.planAllocation(REQUEST),
      hq.activities.planAllocation(REQUEST),
    ]);
    expect(second).toEqual(first);
    await bookReceiptLines(hq.context, STORE, 'receipt-2', [{ sku: 'A', quantity: 9 }]);
    expect(await hq.activities.planAllocation(REQUEST)).toEqual(first);
    expect(await listLevels(hq.db, STORE, { after: '', limit: 5 })).toEqual([
      { sku: 'A', own: 0, pool: 9, inFlight: 10 },
    ]);
  });

  test('a large allocation goes in several documents', async () => {
    const items = INVENTORY_LINES_MAX + 1;
    await receive(Array.from({ length: items }, (_, index) => ({ sku: `S${index}`, quantity: 2 })));
    const { transfers } = await hq.activities.planAllocation({ ...REQUEST, sites: ['north'] });
    expect(transfers.map(({ lines }) => lines)).toEqual([INVENTORY_LINES_MAX, 1]);
    expect(transfers.map(({ transfer }) => transfer.sequence)).toEqual([1, 2]);
    expect(await audited()).toEqual([]);
  });

  test('a site that is no child is named, and nothing is given', async () => {
    await receive([{ sku: 'A', quantity: 10 }]);
    await expect(hq.activities.planAllocation({ ...REQUEST, sites: ['east'] })).rejects.toThrow(
      'site "east" is no child of "hq" (children: north, south)',
    );
    expect((await listLevels(hq.db, STORE, { after: '', limit: 5 }))[0]).toMatchObject({ pool: 10, inFlight: 0 });
  });

  test('commands of another epoch are refused; confirmations are facts and are taken in any', async () => {
    await receive([{ sku: 'A', quantity: 10 }]);
    await expect(hq.activities.planAllocation({ ...REQUEST, epoch: 2 })).rejects.toThrow(NotPrimaryError);
    await expect(north.activities.planAllocation(REQUEST)).rejects.toThrow(NotPrimaryError);
    const { transfers } = await hq.activities.planAllocation({ ...REQUEST, sites: ['north'] });
    const [planned] = transfers as [PlannedTransfer];
    const confirmation = await north.activities.creditAllocation({ document: await sealed(planned.transfer) });
    await hq.db.transaction((tx) => saveTopology(tx, topology(2, 2, 'south'), 0));
    await expect(hq.activities.planAllocation(REQUEST)).rejects.toThrow(NotPrimaryError);
    await hq.activities.settleTransfer({ store: STORE, epoch: 1, confirmation });
    expect(await listTransfers(hq.db, STORE, { states: ['credited'], limit: 5 })).toHaveLength(1);
  });

  describe('at the taker', () => {
    let transfer: PlannedTransfer['transfer'];
    beforeEach(async () => {
      await receive([{ sku: 'A', quantity: 10 }]);
      const { transfers } = await hq.activities.planAllocation({ ...REQUEST, sites: ['north'] });
      transfer = (transfers as [PlannedTransfer])[0].transfer;
    });
    const units = async () => (await availableUnits(north.db, STORE, ['A'])).get('A');

    test('the same document twice is credited once and answered alike', async () => {
      const document = await sealed(transfer);
      const [first, second] = await Promise.all([
        north.activities.creditAllocation({ document }),
        north.activities.creditAllocation({ document: await sealed(transfer) }),
      ]);
      expect(await units()).toBe(10);
      expect(await openDocument(second, KEYS)).toEqual(await openDocument(first, KEYS));
      expect(second.payloadID).toBe(first.payloadID);
    });

    test('another content under the same payloadID is refused for good', async () => {
      const document = await sealed(transfer);
      await north.activities.creditAllocation({ document });
      const changed = (await openDocument(document, KEYS)).toString().replace('quantity="10"', 'quantity="11"');
      const forged = await sealDocument(document, changed, KEYS, hq.context.runtime.random);
      await expect(north.activities.creditAllocation({ document: forged })).rejects.toMatchObject({
        nonRetryable: true,
        message: expect.stringContaining('was received before with other content') as string,
      });
      expect(await units()).toBe(10);
    });

    test('a transfer under a new payloadID is not credited again, nor with other lines', async () => {
      const document = await sealed(transfer);
      await north.activities.creditAllocation({ document });
      const xml = (await openDocument(document, KEYS)).toString();
      const again = async (text: string, payloadID: string) =>
        north.activities.creditAllocation({
          document: await sealDocument(
            { ...document, payloadID },
            text.replaceAll(document.payloadID, payloadID),
            KEYS,
            hq.context.runtime.random,
          ),
        });
      await again(xml, 'second@shop.example');
      const more = xml.replace('quantity="10"', 'quantity="11"');
      await expect(again(more, 'third@shop.example')).rejects.toMatchObject({ nonRetryable: true });
      expect(await units()).toBe(10);
      const kept = await north.db.all<{ payload_id: string }>('SELECT payload_id FROM inbox ORDER BY payload_id');
      expect(kept.map((row) => row.payload_id)).not.toContain('third@shop.example');
    });

    const refusedByNorth = () =>
      north.db.run(
        `INSERT INTO transfers (store, giver, giver_incarnation, sequence, taker, state, cause, payload_id, epoch, created_at)
         VALUES (?, ?, ?, ?, 'north', 'tombstone', 'void', '', 1, 1)`,
        [STORE, transfer.giver, transfer.incarnation, transfer.sequence],
      );

    test('a transfer with a tombstone is refused for good, and its giver has the units again', async () => {
      const { sequence } = transfer;
      await refusedByNorth();
      const confirmation = await north.activities.creditAllocation({ document: await sealed(transfer) });
      expect(readConfirmation(await openDocument(confirmation, KEYS)).outcome).toBe('refused');
      expect(await units()).toBeUndefined();
      const pool = async () =>
        (await hq.db.get<{ rights: number }>("SELECT SUM(rights) AS rights FROM stock_levels WHERE account = 'pool'"))
          ?.rights ?? 0;
      const before = await pool();
      for (const _again of [1, 2]) await hq.activities.settleTransfer({ store: STORE, epoch: 1, confirmation });
      expect(await pool()).toBe(before + 10);
      expect(await hq.db.get('SELECT state FROM transfers WHERE sequence = ?', [sequence])).toEqual({ state: 'void' });
    });

    test('a refusal that comes after its transfer was found stranded changes nothing, and is done with', async () => {
      const { sequence } = transfer;
      await refusedByNorth();
      const confirmation = await north.activities.creditAllocation({ document: await sealed(transfer) });
      // Meanwhile north was restored from a backup, and has said so.
      await hq.db.run("UPDATE transfers SET state = 'stranded' WHERE sequence = ?", [sequence]);
      const levels = () => hq.db.all('SELECT sku, account, rights FROM stock_levels ORDER BY sku, account');
      const before = await levels();
      await hq.activities.settleTransfer({ store: STORE, epoch: 1, confirmation });
      expect(await levels()).toEqual(before);
      expect(await hq.db.get('SELECT state FROM transfers WHERE sequence = ?', [sequence])).toEqual({
        state: 'stranded',
      });
    });

    test('a document for another site is not credited', async () => {
      const document = await sealed(transfer);
      await expect(south.activities.creditAllocation({ document })).rejects.toMatchObject({
        nonRetryable: true,
        message: expect.stringContaining('is for site "north", and this is "south"') as string,
      });
      const xml = await openDocument(document, KEYS);
      const readdressed = await sealDocument({ ...document, receiver: 'south' }, xml, KEYS, hq.context.runtime.random);
      await expect(south.activities.creditAllocation({ document: readdressed })).rejects.toMatchObject({
        nonRetryable: true,
      });
      expect(readAllocation(xml).transfer).toEqual(transfer);
      expect(await availableUnits(south.db, STORE, ['A'])).toEqual(new Map());
    });

    test('a confirmation of other units settles nothing', async () => {
      const confirmation = await north.activities.creditAllocation({ document: await sealed(transfer) });
      const xml = (await openDocument(confirmation, KEYS)).toString().replace('units="10"', 'units="9"');
      const wrong = await sealDocument(confirmation, xml, KEYS, hq.context.runtime.random);
      await expect(hq.activities.settleTransfer({ store: STORE, epoch: 1, confirmation: wrong })).rejects.toMatchObject(
        { nonRetryable: true },
      );
      expect(await listTransfers(hq.db, STORE, { states: ['in-flight'], limit: 5 })).toHaveLength(1);
    });
  });
});
