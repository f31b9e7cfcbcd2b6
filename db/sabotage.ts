/** Breaks one thing in a database, so that a check can be seen to find it. Nothing but `entrepot demo` uses this. */
import { type Database } from './database';

/** An order vanishes from the primary as if it had never come. */
export async function loseOrder(primary: Database, store: string, orderId: string): Promise<void> {
  await primary.transaction(async (tx) => {
    for (const table of ['order_lines', 'order_documents', 'cart_orders', 'orders']) {
      await tx.run(`DELETE FROM ${table} WHERE store = ? AND order_id = ?`, [store, orderId]);
    }
  });
}

/** A sale of one unit more than the site had a right to: booked in the ledger, backed by nothing. */
export async function sellOneTooMany(seller: Database, store: string, sku: string, now: number): Promise<void> {
  await seller.run(
    `INSERT INTO stock_ledger (store, movement_id, sku, account, kind, quantity, counterparty, transfer_id, cause,
       epoch, incarnation, recorded_at)
     VALUES (?, ?, ?, 'own', 'sale', -1, NULL, NULL, 'sabotage', 1, 1, ?)`,
    [store, `sabotage:${now}`, sku, now],
  );
}

/** A site's head falls back to before the newest revision. */
export async function makeCatalogStale(site: Database, store: string, catalog: string): Promise<void> {
  await site.run('UPDATE catalogs SET revision = revision - 1 WHERE store = ? AND catalog = ?', [store, catalog]);
}
