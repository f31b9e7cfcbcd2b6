/** Giving up what a site may sell and grant, where nobody knows any more whether it was sold or granted already. */
import { type StockAccount, type StockLine, sumBySku } from '../../domain/inventory';
import { type Transaction } from '../database';
import { forUpdate } from '../dialect';
import { debit } from './ledger';

export interface Withdrawal {
  readonly store: string;
  /** What asked for it, for example `restore:<data id>`; one cause withdraws once. */
  readonly cause: string;
  readonly epoch: number;
  readonly incarnation: number;
  readonly now: number;
}

/** Takes all of the site's rights by adjustments in the ledger; answers how many units there were. */
export async function withdrawRights(tx: Transaction, withdrawal: Withdrawal): Promise<number> {
  const { store, cause, epoch, incarnation, now } = withdrawal;
  const rows = await tx.all<StockLine & { account: StockAccount }>(
    `SELECT sku, account, rights AS quantity FROM stock_levels WHERE store = ? AND rights > 0
     ORDER BY sku${forUpdate(tx.engine)}`,
    [store],
  );
  for (const account of ['own', 'pool'] as const) {
    const lines = rows.filter((row) => row.account === account);
    const movement = { store, movementId: `adjustment:${cause}`, kind: 'adjustment', account } as const;
    const origin = { counterparty: null, transferId: null, cause, epoch, incarnation, now };
    const short = await debit(tx, { ...movement, ...origin }, sumBySku(lines));
    if (short.length > 0) throw new Error(`rights changed under lock: ${cause}`);
  }
  return rows.reduce((sum, { quantity }) => sum + quantity, 0);
}
