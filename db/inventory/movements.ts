/** The ledger as it is shown: of one transfer, or of one item. */
import { type MovementKind, type StockAccount, type TransferId, formatTransferId } from '../../domain/inventory';
import { type Statements } from '../database';

export interface ShownMovement {
  readonly movement: string;
  readonly kind: MovementKind;
  readonly account: StockAccount;
  readonly sku: string;
  /** Negative where units left. */
  readonly quantity: number;
  readonly cause: string;
  /** Milliseconds UTC. */
  readonly recordedAt: number;
}

type MovementRow = Omit<ShownMovement, 'recordedAt'> & { readonly recorded_at: number };

const COLUMNS = 'movement_id AS movement, kind, account, sku, quantity, cause, recorded_at';

function movementOf({ recorded_at: recordedAt, ...rest }: MovementRow): ShownMovement {
  return { ...rest, recordedAt };
}

/** A site's movements of one transfer, as they were written. */
export async function movementsOfTransfer(reads: Statements, store: string, id: TransferId): Promise<ShownMovement[]> {
  const name = formatTransferId(id);
  const rows = await reads.all<MovementRow>(
    `SELECT ${COLUMNS} FROM stock_ledger
     WHERE store = ? AND movement_id IN (?, ?) ORDER BY recorded_at, movement_id, sku, account`,
    [store, `transfer:${name}`, `void:${name}`],
  );
  return rows.map(movementOf);
}

/** All that has changed a site's rights to an item, newest first. */
export async function movementsOfItem(
  reads: Statements,
  store: string,
  sku: string,
  page: {
    readonly limit: number;
    readonly after?: Pick<ShownMovement, 'recordedAt' | 'movement' | 'account'> | undefined;
  },
): Promise<ShownMovement[]> {
  const { limit, after } = page;
  const rows = await reads.all<MovementRow>(
    `SELECT ${COLUMNS} FROM stock_ledger WHERE store = ? AND sku = ?
       ${after ? 'AND (recorded_at, movement_id, account) < (?, ?, ?)' : ''}
     ORDER BY recorded_at DESC, movement_id DESC, account DESC LIMIT ${limit}`,
    [store, sku, ...(after ? [after.recordedAt, after.movement, after.account] : [])],
  );
  return rows.map(movementOf);
}
