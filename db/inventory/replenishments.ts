/** What a site asks of its parent when it runs short (figure 11), and what it was answered. */
import { type ReplenishmentAnswer, type StockAccount, type StockLine } from '../../domain/inventory';
import { type Statements, type Transaction } from '../database';
import { insertIfAbsent, insertRows } from '../dialect';
import { marks } from '../catalog/items';

export interface Replenishment {
  readonly request: string;
  readonly parent: string;
  readonly lines: readonly StockLine[];
  /** null until the parent has answered. */
  readonly answers: readonly ReplenishmentAnswer[] | null;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly answeredAt: number | null;
}

interface ReplenishmentRow {
  request: string;
  parent: string;
  line_list: string;
  answers: string | null;
  created_at: number;
  answered_at: number | null;
}

const COLUMNS = 'request, parent, line_list, answers, created_at, answered_at';

function replenishmentOf(row: ReplenishmentRow): Replenishment {
  return {
    ...{ request: row.request, parent: row.parent, lines: JSON.parse(row.line_list) as StockLine[] },
    answers: row.answers === null ? null : (JSON.parse(row.answers) as ReplenishmentAnswer[]),
    ...{ createdAt: row.created_at, answeredAt: row.answered_at },
  };
}

/**
 * Items below their threshold, and how many units each lacks to be filled up; in the order of their skus, beyond
 * `after`. Thresholds are units and levels are balances, so this is one comparison, whatever was sold before.
 */
export const SHORT_ITEMS = `SELECT thresholds.sku AS sku,
    thresholds.refill_units - COALESCE(levels.rights, 0) - COALESCE(others.rights, 0) AS quantity
  FROM stock_thresholds thresholds
  LEFT JOIN stock_levels levels
    ON levels.store = thresholds.store AND levels.sku = thresholds.sku AND levels.account = ?
  LEFT JOIN stock_levels others
    ON others.store = thresholds.store AND others.sku = thresholds.instead_sku AND others.account = ?
  WHERE thresholds.store = ? AND thresholds.sku > ?
    AND COALESCE(levels.rights, 0) + COALESCE(others.rights, 0) < thresholds.threshold_units
  ORDER BY thresholds.sku`;

export function shortItems(
  reads: Statements,
  store: string,
  { account, after, limit }: { readonly account: StockAccount; readonly after: string; readonly limit: number },
): Promise<StockLine[]> {
  return reads.all<StockLine>(`${SHORT_ITEMS} LIMIT ${limit}`, [account, account, store, after]);
}

export async function findReplenishment(
  reads: Statements,
  store: string,
  request: string,
): Promise<Replenishment | undefined> {
  const row = await reads.get<ReplenishmentRow>(
    `SELECT ${COLUMNS} FROM replenishments WHERE store = ? AND request = ?`,
    [store, request],
  );
  return row && replenishmentOf(row);
}

/** Writes down what is asked for, once. */
export async function beginReplenishment(
  tx: Transaction,
  store: string,
  { request, parent, lines, createdAt }: Pick<Replenishment, 'request' | 'parent' | 'lines' | 'createdAt'>,
): Promise<void> {
  const rest = { parent, line_list: JSON.stringify(lines), answers: null, created_at: createdAt, answered_at: null };
  await insertIfAbsent(tx, 'replenishments', { store, request }, rest);
}

/** Notes the answers; an item that another was given for is filled up by that one from here on. */
export async function noteAnswers(
  tx: Transaction,
  store: string,
  request: string,
  answers: readonly ReplenishmentAnswer[],
  now: number,
): Promise<void> {
  await tx.run('UPDATE replenishments SET answers = ?, answered_at = ? WHERE store = ? AND request = ?', [
    ...[JSON.stringify(answers), now, store, request],
  ]);
  const told = answers.filter(({ granted, instead }) => granted > 0 || instead !== undefined);
  await insertRows(
    tx,
    'stock_thresholds',
    ['store', 'sku', 'threshold_units', 'refill_units', 'instead_sku'],
    told.map(({ sku, instead }) => [store, sku, 0, 0, instead?.sku ?? null]),
    { key: ['store', 'sku'], update: ['instead_sku'] },
  );
}

/** Newest first. */
export async function listReplenishments(
  reads: Statements,
  store: string,
  { limit, after }: { readonly limit: number; readonly after?: { createdAt: number; request: string } },
): Promise<Replenishment[]> {
  const rows = await reads.all<ReplenishmentRow>(
    `SELECT ${COLUMNS} FROM replenishments WHERE store = ? ${after ? 'AND (created_at, request) < (?, ?)' : ''}
     ORDER BY created_at DESC, request DESC LIMIT ${limit}`,
    [store, ...(after ? [after.createdAt, after.request] : [])],
  );
  return rows.map(replenishmentOf);
}

/**
 * What was answered since then (milliseconds UTC), in the order of its coming. A site asks for one thing after the other,
 * so of the requests that are older than that, only the newest may have been answered since.
 */
export async function answersSince(reads: Statements, store: string, since: number): Promise<ReplenishmentAnswer[]> {
  const rows = await reads.all<{ answers: string }>(
    `SELECT answers FROM replenishments WHERE store = ? AND answered_at >= ? AND created_at >=
       COALESCE((SELECT MAX(created_at) FROM replenishments WHERE store = ? AND created_at < ?), 0)
     ORDER BY created_at`,
    [store, since, store, since],
  );
  return rows.flatMap(({ answers }) => JSON.parse(answers) as ReplenishmentAnswer[]);
}

/** What the site waits for: it asks for one thing after the other, so only its newest request can be open. */
export async function openReplenishment(reads: Statements, store: string): Promise<Replenishment | null> {
  const newest = await reads.get<ReplenishmentRow>(
    `SELECT ${COLUMNS} FROM replenishments WHERE store = ? ORDER BY created_at DESC LIMIT 1`,
    [store],
  );
  return newest && newest.answers === null ? replenishmentOf(newest) : null;
}

/** Of these items, those that this site has or has had. */
export async function itemsKept(reads: Statements, store: string, skus: readonly string[]): Promise<Set<string>> {
  if (skus.length === 0) return new Set();
  const rows = await reads.all<{ sku: string }>(
    `SELECT DISTINCT sku FROM stock_levels WHERE store = ? AND sku IN (${marks(skus.length)})`,
    [store, ...skus],
  );
  return new Set(rows.map(({ sku }) => sku));
}
