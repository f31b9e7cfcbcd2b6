/**
 * One site's tables, read by the oracle's own SQL over its own connection: what is new in them since it looked last.
 * Nothing of the product's code is used here, for it would share the product's mistakes.
 */
import Sqlite from 'better-sqlite3';

export interface LedgerRow {
  readonly row: number;
  readonly movement: string;
  readonly sku: string;
  readonly account: string;
  readonly kind: string;
  readonly quantity: number;
  readonly transfer: string | null;
  readonly counterparty: string | null;
  readonly cause: string;
}

export interface LevelRow {
  readonly sku: string;
  readonly account: string;
  readonly rights: number;
}

export interface OrderRow {
  readonly id: string;
  readonly cart: string;
  readonly seller: string;
  readonly state: string;
}

export interface TransferRow {
  readonly id: string;
  readonly giver: string;
  readonly taker: string;
  readonly state: string;
}

export interface EventRow {
  readonly row: number;
  readonly subject: string;
  readonly kind: string;
  readonly count: number;
}

export interface News {
  readonly ledger: readonly LedgerRow[];
  readonly levels: readonly LevelRow[];
  /** Sums over the whole ledger. */
  readonly sums: readonly LevelRow[];
  readonly orders: readonly OrderRow[];
  readonly transfers: readonly TransferRow[];
  readonly events: readonly EventRow[];
}

export class Books {
  private readonly db: Sqlite.Database;
  private readonly ask;
  private version = -1;
  private ledgerRow: number;
  private eventRow: number;

  /** `before`: the same data in another file; what was read there is not new. */
  constructor(
    readonly site: string,
    file: string,
    before?: Books,
  ) {
    this.ledgerRow = before?.ledgerRow ?? 0;
    this.eventRow = before?.eventRow ?? 0;
    this.db = new Sqlite(file, { fileMustExist: true });
    const prepare = (sql: string) => this.db.prepare(sql);
    this.ask = {
      version: prepare('PRAGMA data_version').pluck(),
      ledger: prepare(
        `SELECT rowid AS "row", movement_id AS movement, sku, account, kind, quantity, transfer_id AS transfer,
           counterparty, cause FROM stock_ledger WHERE rowid > ? ORDER BY rowid`,
      ),
      levels: prepare('SELECT sku, account, rights FROM stock_levels'),
      sums: prepare('SELECT sku, account, SUM(quantity) AS rights FROM stock_ledger GROUP BY sku, account'),
      orders: prepare('SELECT order_id AS id, cart_id AS cart, site AS seller, state FROM orders'),
      transfers: prepare(
        `SELECT giver || '.' || giver_incarnation || '.' || sequence AS id, giver, taker, state FROM transfers`,
      ),
      events: prepare(
        `SELECT e.rowid AS "row", e.subject, e.kind,
           (SELECT COUNT(*) FROM events b WHERE b.store = e.store AND b.subject = e.subject AND b.kind = e.kind) AS "count"
         FROM events e WHERE e.rowid > ? ORDER BY e.rowid`,
      ),
      lines: prepare('SELECT sku, quantity FROM order_lines WHERE order_id = ?'),
      document: prepare('SELECT digest, document FROM order_documents WHERE order_id = ? ORDER BY order_version'),
      outbox: prepare("SELECT kind || ' ' || subject FROM outbox").pluck(),
    };
  }

  /** What is new, when anything was committed since the last look. */
  news(): News | undefined {
    const version = this.ask.version.get() as number;
    if (version === this.version) return undefined;
    this.version = version;
    const ledger = this.ask.ledger.all(this.ledgerRow) as LedgerRow[];
    const events = this.ask.events.all(this.eventRow) as EventRow[];
    this.ledgerRow = ledger.at(-1)?.row ?? this.ledgerRow;
    this.eventRow = events.at(-1)?.row ?? this.eventRow;
    return {
      ledger,
      events,
      levels: this.ask.levels.all() as LevelRow[],
      sums: this.ask.sums.all() as LevelRow[],
      orders: this.ask.orders.all() as OrderRow[],
      transfers: this.ask.transfers.all() as TransferRow[],
    };
  }

  linesOf(order: string): { sku: string; quantity: number }[] {
    return this.ask.lines.all(order) as { sku: string; quantity: number }[];
  }

  /** The text of an order as it is kept here. */
  documentOf(order: string): string {
    return (this.ask.document.all(order) as { document: string }[]).map(({ document }) => document).join('\n');
  }

  /** What waits to be sent. */
  outbox(): string[] {
    return this.ask.outbox.all() as string[];
  }

  close(): void {
    this.db.close();
  }
}
