/** When an item is short at this site: its rule, made a number of units; and what rules are measured by. */
import { type ItemThreshold, type StockAccount, type ThresholdRule, UNGRANTED_SUBJECTS } from '../../domain/inventory';
import { type Statements, type Transaction } from '../database';
import { insertRows } from '../dialect';

export interface StoredThreshold extends ItemThreshold {
  readonly sku: string;
  /** Set for this item; null: the store's configuration decides. */
  readonly ownRule: ThresholdRule | null;
}

interface ThresholdRow {
  sku: string;
  threshold_units: number;
  refill_units: number;
  own_rule: string | null;
}

const COLUMNS = 'sku, threshold_units, refill_units, own_rule';

function thresholdOf(row: ThresholdRow): StoredThreshold {
  return {
    ...{ sku: row.sku, thresholdUnits: row.threshold_units, refillUnits: row.refill_units },
    ownRule: row.own_rule === null ? null : (JSON.parse(row.own_rule) as ThresholdRule),
  };
}

/** In the order of the skus, beyond `after`; all of them without a limit. */
export async function listThresholds(
  reads: Statements,
  store: string,
  page?: { readonly after: string; readonly limit: number },
): Promise<StoredThreshold[]> {
  const rows = await reads.all<ThresholdRow>(
    `SELECT ${COLUMNS} FROM stock_thresholds WHERE store = ? AND sku > ? ORDER BY sku ${page ? `LIMIT ${page.limit}` : ''}`,
    [store, page?.after ?? ''],
  );
  return rows.map(thresholdOf);
}

export async function findThreshold(
  reads: Statements,
  store: string,
  sku: string,
): Promise<StoredThreshold | undefined> {
  const row = await reads.get<ThresholdRow>(`SELECT ${COLUMNS} FROM stock_thresholds WHERE store = ? AND sku = ?`, [
    ...[store, sku],
  ]);
  return row && thresholdOf(row);
}

/** The units that the rules came to; a rule that an operator sets meanwhile stays. */
export async function saveUnits(
  tx: Transaction,
  store: string,
  thresholds: readonly (ItemThreshold & { readonly sku: string })[],
): Promise<void> {
  await insertRows(
    tx,
    'stock_thresholds',
    ['store', 'sku', 'threshold_units', 'refill_units'],
    thresholds.map(({ sku, thresholdUnits, refillUnits }) => [store, sku, thresholdUnits, refillUnits]),
    { key: ['store', 'sku'], update: ['threshold_units', 'refill_units'] },
  );
}

/** One item's own rule, or none, with what it comes to. */
export async function saveRule(tx: Transaction, store: string, threshold: StoredThreshold): Promise<void> {
  const { sku, thresholdUnits, refillUnits, ownRule } = threshold;
  const rule = ownRule === null ? null : JSON.stringify(ownRule);
  await insertRows(
    tx,
    'stock_thresholds',
    ['store', 'sku', 'threshold_units', 'refill_units', 'own_rule'],
    [[store, sku, thresholdUnits, refillUnits, rule]],
    { key: ['store', 'sku'], update: ['threshold_units', 'refill_units', 'own_rule'] },
  );
}

/** Every item that has, or has had, units in the account. */
export async function itemsOfAccount(reads: Statements, store: string, account: StockAccount): Promise<string[]> {
  const rows = await reads.all<{ sku: string }>(
    'SELECT sku FROM stock_levels WHERE store = ? AND account = ? ORDER BY sku',
    [store, account],
  );
  return rows.map(({ sku }) => sku);
}

/**
 * What came to this site to sell: not what was lent for an order, came back, or was given and is void. The taker's
 * cause is the document's payloadID, which tells. A range of movements, so that no sale is read.
 */
const GRANTED = [
  "kind = 'transfer-in' AND movement_id >= 'transfer:' AND movement_id < 'transfer;'",
  ...UNGRANTED_SUBJECTS.map((subject) => `cause NOT LIKE '%.${subject}%@%'`),
].join(' AND ');

/** Units that each item was last granted, by whichever site; of one item, or of all. */
export async function lastGrants(reads: Statements, store: string, sku?: string): Promise<Map<string, number>> {
  const grants = `store = ? AND ${GRANTED} ${sku === undefined ? '' : 'AND sku = ?'}`;
  const values = [store, ...(sku === undefined ? [] : [sku])];
  const rows = await reads.all<{ sku: string; quantity: number }>(
    `SELECT ledger.sku AS sku, SUM(ledger.quantity) AS quantity
     FROM (SELECT sku, quantity, recorded_at FROM stock_ledger WHERE ${grants}) ledger
     JOIN (SELECT sku, MAX(recorded_at) AS newest FROM stock_ledger WHERE ${grants} GROUP BY sku) last
       ON last.sku = ledger.sku AND last.newest = ledger.recorded_at
     GROUP BY ledger.sku`,
    [...values, ...values],
  );
  return new Map(rows.map((row) => [row.sku, row.quantity]));
}
