/** Stock within one site: balances, ledger, transfers and sales say the same (design, section 2, invariant 1). */
import { type TransferState } from '../../domain/inventory';
import { type Statements } from '../database';
import { type Findings } from './rules';

/** Rows that one check brings in to be counted and listed. */
const ROWS_MAX = 10_000;

export async function auditLevels(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const negative = await reads.all<{ sku: string; account: string; rights: number }>(
    `SELECT sku, account, rights FROM stock_levels WHERE store = ? AND rights < 0 ORDER BY sku, account LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { sku, account, rights } of negative) {
    findings.add('stock-never-negative', site, `${sku} (${account})`, '0 or more', rights);
  }
  const unequal = await reads.all<{ sku: string; account: string; held: number; booked: number }>(
    `SELECT sku, account, SUM(rights) AS held, SUM(quantity) AS booked FROM (
       SELECT sku, account, rights, 0 AS quantity FROM stock_levels WHERE store = ?
       UNION ALL
       SELECT sku, account, 0 AS rights, SUM(quantity) AS quantity FROM stock_ledger WHERE store = ? GROUP BY sku, account
     ) sides GROUP BY sku, account HAVING SUM(rights) <> SUM(quantity) ORDER BY sku, account LIMIT ${ROWS_MAX}`,
    [store, store],
  );
  for (const { sku, account, held, booked } of unequal) {
    findings.add('stock-levels-match-ledger', site, `${sku} (${account})`, `${booked} by the ledger`, held);
  }
}

/** Of each kind: what must be true of a movement. */
const FORMS = [
  `kind = 'receipt' AND quantity > 0 AND (account = 'pool' OR movement_id LIKE 'receipt:update:%')
     AND movement_id LIKE 'receipt:%'`,
  `kind = 'grant' AND movement_id LIKE 'grant:%'
     AND (account = 'pool' AND quantity < 0 OR account = 'own' AND quantity > 0)`,
  `kind = 'transfer-out' AND quantity < 0 AND counterparty IS NOT NULL AND transfer_id IS NOT NULL
     AND movement_id = CONCAT('transfer:', transfer_id)`,
  `kind = 'transfer-in' AND quantity > 0 AND counterparty IS NOT NULL AND transfer_id IS NOT NULL
     AND movement_id IN (CONCAT('transfer:', transfer_id), CONCAT('void:', transfer_id))`,
  `kind = 'sale' AND quantity < 0 AND account = 'own' AND movement_id LIKE 'sale:%'`,
  `kind = 'return' AND quantity > 0 AND movement_id LIKE 'return:%'`,
  `kind = 'adjustment' AND quantity <> 0 AND account IN ('own', 'pool')`,
];

export async function auditLedger(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const odd = await reads.all<{ movement_id: string; sku: string; kind: string; account: string; quantity: number }>(
    `SELECT movement_id, sku, kind, account, quantity FROM stock_ledger
     WHERE store = ? AND NOT (${FORMS.map((form) => `(${form})`).join(' OR ')})
     ORDER BY movement_id, sku LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { movement_id: movement, sku, kind, account, quantity } of odd) {
    const found = `${kind} of ${quantity} in ${account}`;
    findings.add('stock-signs', site, `${movement}, ${sku}`, 'a kind with its sign, account and id', found);
  }
  const grants = await reads.all<{ movement_id: string; sku: string; units: number }>(
    `SELECT movement_id, sku, SUM(quantity) AS units FROM stock_ledger WHERE store = ? AND kind = 'grant'
     GROUP BY movement_id, sku HAVING SUM(quantity) <> 0 ORDER BY movement_id, sku LIMIT ${ROWS_MAX}`,
    [store],
  );
  for (const { movement_id: movement, sku, units } of grants) {
    findings.add('stock-signs', site, `${movement}, ${sku}`, 'as much into own as out of the pool', `${units} more`);
  }
}

export async function auditTransferLedger(
  reads: Statements,
  store: string,
  site: string,
  findings: Findings,
): Promise<void> {
  const rows = await reads.all<{ transfer_id: string; sku: string; lined: number; booked: number }>(
    `SELECT transfer_id, sku, SUM(lined) AS lined, SUM(booked) AS booked FROM (
       SELECT CONCAT(t.giver, '.', t.giver_incarnation, '.', t.sequence) AS transfer_id, l.sku,
         CASE WHEN t.state IN ('void', 'tombstone') THEN 0 WHEN t.giver = ? THEN -l.quantity
           WHEN t.state = 'stranded' THEN 0 ELSE l.quantity END AS lined,
         0 AS booked
       FROM transfers t JOIN transfer_lines l ON l.store = t.store AND l.giver = t.giver
         AND l.giver_incarnation = t.giver_incarnation AND l.sequence = t.sequence
       WHERE t.store = ? AND (t.giver = ? OR t.taker = ?)
       UNION ALL
       SELECT transfer_id, sku, 0 AS lined, quantity AS booked FROM stock_ledger
       WHERE store = ? AND kind IN ('transfer-out', 'transfer-in') AND transfer_id IS NOT NULL
     ) sides GROUP BY transfer_id, sku HAVING SUM(lined) <> SUM(booked) ORDER BY transfer_id, sku LIMIT ${ROWS_MAX}`,
    [site, store, site, site, store],
  );
  for (const { transfer_id: transfer, sku, lined, booked } of rows) {
    findings.add('transfer-ledger', site, `${transfer}, ${sku}`, `${lined} by its lines`, `${booked} by the ledger`);
  }
}

/** Orders that this site sold, their sale movements, and what was given back. */
export async function auditSales(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const sold = await reads.all<{ order_id: string; sku: string; units: number; booked: number | null }>(
    `SELECT l.order_id, l.sku, SUM(l.quantity) AS units, (
       SELECT -SUM(quantity) FROM stock_ledger g
       WHERE g.store = ? AND g.movement_id = CONCAT('sale:', l.order_id) AND g.sku = l.sku AND g.kind = 'sale') AS booked
     FROM orders o JOIN order_lines l ON l.store = o.store AND l.order_id = o.order_id
     WHERE o.store = ? AND o.site = ? GROUP BY l.order_id, l.sku
     HAVING booked IS NULL OR booked <> units ORDER BY l.order_id, l.sku LIMIT ${ROWS_MAX}`,
    [store, store, site],
  );
  for (const { order_id: order, sku, units, booked } of sold) {
    findings.add('sale-matches-order', site, `order ${order}, ${sku}`, `${units} debited`, `${booked ?? 0} debited`);
  }
  const unknown = await reads.all<{ movement_id: string; sku: string; quantity: number }>(
    `SELECT g.movement_id, g.sku, g.quantity FROM stock_ledger g WHERE g.store = ? AND g.kind = 'sale' AND NOT EXISTS (
       SELECT 1 FROM order_lines l JOIN orders o ON o.store = l.store AND o.order_id = l.order_id
       WHERE l.store = ? AND l.order_id = SUBSTR(g.movement_id, 6) AND l.sku = g.sku AND o.site = ?)
     ORDER BY g.movement_id, g.sku LIMIT ${ROWS_MAX}`,
    [store, store, site],
  );
  for (const { movement_id: movement, sku, quantity } of unknown) {
    findings.add(
      'sale-matches-order',
      site,
      `${movement}, ${sku}`,
      'an order with this line',
      `${-quantity} debited for none`,
    );
  }
  await auditReturns(reads, store, site, findings);
}

async function auditReturns(reads: Statements, store: string, site: string, findings: Findings): Promise<void> {
  const cancelled = await reads.all<{ order_id: string; sku: string; units: number; booked: number | null }>(
    `SELECT l.order_id, l.sku, SUM(l.quantity) AS units, (
       SELECT SUM(quantity) FROM stock_ledger g
       WHERE g.store = ? AND g.movement_id = CONCAT('return:', l.order_id) AND g.sku = l.sku) AS booked
     FROM orders o JOIN order_lines l ON l.store = o.store AND l.order_id = o.order_id
     WHERE o.store = ? AND o.site = ? AND o.state = 'cancelled' GROUP BY l.order_id, l.sku
     HAVING booked IS NULL OR booked <> units ORDER BY l.order_id, l.sku LIMIT ${ROWS_MAX}`,
    [store, store, site],
  );
  for (const { order_id: order, sku, units, booked } of cancelled) {
    findings.add(
      'return-matches-order',
      site,
      `order ${order}, ${sku}`,
      `${units} given back`,
      `${booked ?? 0} given back`,
    );
  }
  const unfounded = await reads.all<{ movement_id: string; sku: string; quantity: number }>(
    `SELECT g.movement_id, g.sku, g.quantity FROM stock_ledger g WHERE g.store = ? AND g.kind = 'return' AND NOT EXISTS (
       SELECT 1 FROM order_lines l JOIN orders o ON o.store = l.store AND o.order_id = l.order_id
       WHERE l.store = ? AND l.order_id = SUBSTR(g.movement_id, 8) AND l.sku = g.sku AND o.site = ?
         AND o.state = 'cancelled')
       AND NOT EXISTS (
         SELECT 1 FROM stock_updates u WHERE u.store = g.store AND u.kind = 'return'
           AND CONCAT('return:update:', u.update_id) = g.movement_id)
     ORDER BY g.movement_id, g.sku LIMIT ${ROWS_MAX}`,
    [store, store, site],
  );
  for (const { movement_id: movement, sku, quantity } of unfounded) {
    findings.add(
      'return-matches-order',
      site,
      `${movement}, ${sku}`,
      'a cancelled order of this site, or an update',
      `${quantity} given back`,
    );
  }
}

/** One item at one site, in units. */
export interface ItemSums {
  rights: number;
  received: number;
  adjusted: number;
  /** Less what was given back. */
  sold: number;
}

export async function readItemSums(reads: Statements, store: string): Promise<Map<string, ItemSums>> {
  const sums = new Map<string, ItemSums>();
  const of = (sku: string): ItemSums => {
    const known = sums.get(sku) ?? { rights: 0, received: 0, adjusted: 0, sold: 0 };
    sums.set(sku, known);
    return known;
  };
  const levels = await reads.all<{ sku: string; rights: number }>(
    'SELECT sku, SUM(rights) AS rights FROM stock_levels WHERE store = ? GROUP BY sku',
    [store],
  );
  for (const { sku, rights } of levels) of(sku).rights = rights;
  const movements = await reads.all<{ sku: string; kind: string; units: number }>(
    `SELECT sku, kind, SUM(quantity) AS units FROM stock_ledger
     WHERE store = ? AND kind IN ('receipt', 'adjustment', 'sale', 'return') GROUP BY sku, kind`,
    [store],
  );
  for (const { sku, kind, units } of movements) {
    const item = of(sku);
    if (kind === 'receipt') item.received += units;
    else if (kind === 'adjustment') item.adjusted += units;
    else item.sold -= units;
  }
  return sums;
}

/** A transfer as one of its two sites has it. */
export interface TransferView {
  readonly id: string;
  readonly giver: string;
  readonly taker: string;
  readonly state: TransferState;
  /** Units by sku. */
  readonly lines: Map<string, number>;
}

/** All transfers that a site gave or took, or one of them, by id. */
export async function readTransfers(
  reads: Statements,
  store: string,
  only?: { readonly giver: string; readonly incarnation: number; readonly sequence: number },
): Promise<Map<string, TransferView>> {
  const rows = await reads.all<{
    id: string;
    giver: string;
    taker: string;
    state: TransferState;
    sku: string | null;
    quantity: number | null;
  }>(
    `SELECT CONCAT(t.giver, '.', t.giver_incarnation, '.', t.sequence) AS id, t.giver, t.taker, t.state, l.sku, l.quantity
     FROM transfers t LEFT JOIN transfer_lines l ON l.store = t.store AND l.giver = t.giver
       AND l.giver_incarnation = t.giver_incarnation AND l.sequence = t.sequence
     WHERE t.store = ? ${only ? 'AND t.giver = ? AND t.giver_incarnation = ? AND t.sequence = ?' : ''}`,
    [store, ...(only ? [only.giver, only.incarnation, only.sequence] : [])],
  );
  const transfers = new Map<string, TransferView>();
  for (const { id, giver, taker, state, sku, quantity } of rows) {
    const view = transfers.get(id) ?? { id, giver, taker, state, lines: new Map<string, number>() };
    transfers.set(id, view);
    if (sku !== null) view.lines.set(sku, quantity ?? 0);
  }
  return transfers;
}
