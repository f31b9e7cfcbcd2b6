/** When an item is short at this site: its rule, made a number of units; and what rules are measured by. */
import { type ItemThreshold, type SizeCount, type StockAccount, type ThresholdRule } from '../../domain/inventory';
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

/** Lines that this site has sold since then, by item and size; of one item, or of all. */
export async function salesBySize(
  reads: Statements,
  store: string,
  since: number,
  sku?: string,
): Promise<Map<string, SizeCount[]>> {
  const rows = await reads.all<{ sku: string; line_size: number; line_count: number }>(
    `SELECT sku, -quantity AS line_size, COUNT(*) AS line_count FROM stock_ledger
     WHERE store = ? AND kind = 'sale' AND recorded_at >= ? ${sku === undefined ? '' : 'AND sku = ?'}
     GROUP BY sku, quantity`,
    [store, since, ...(sku === undefined ? [] : [sku])],
  );
  const sales = new Map<string, SizeCount[]>();
  for (const { sku: item, line_size: size, line_count: lines } of rows) {
    const known = sales.get(item);
    if (known) known.push({ size, lines });
    else sales.set(item, [{ size, lines }]);
  }
  return sales;
}

/** When this site first sold anything after that time; null for never. */
export async function firstSale(reads: Statements, store: string, since: number): Promise<number | null> {
  const row = await reads.get<{ first: number | null }>(
    "SELECT MIN(recorded_at) AS first FROM stock_ledger WHERE store = ? AND kind = 'sale' AND recorded_at >= ?",
    [store, since],
  );
  return row?.first ?? null;
}

/** Units that each item came with last from another site; what was borrowed for an order is among them. */
export async function lastGrants(reads: Statements, store: string, sku?: string): Promise<Map<string, number>> {
  const one = sku === undefined ? '' : 'AND sku = ?';
  const grants = `store = ? AND kind = 'transfer-in' ${one}`;
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
