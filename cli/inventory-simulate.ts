/** `entrepot inventory simulate`: stock policies side by side on a shop's own orders. */
import { wrongUsage } from './exit-codes';
import { printList, progress } from './output';
import { OrderFileError, type OrderBook, dayStart, readOrders } from './simulation/order-file';
import { POLICIES, POLICY_LABELS } from './simulation/policies';
import { replay } from './simulation/replay';

export interface SimulateOptions {
  readonly orders: string;
  readonly history?: string;
  readonly from?: string;
  readonly sites: number;
  readonly fill: number;
  readonly cut: number;
  readonly seed: number;
  readonly json?: boolean;
}

export async function runSimulate(options: SimulateOptions): Promise<void> {
  const { sites, fill, cut, seed } = options;
  const { book, from } = await readInput(options);
  progress(`${book.orders.length} orders of ${book.skus.length} items, measured from ${dayOf(from)}`);
  const rows = POLICIES.map((policy) => {
    progress(POLICY_LABELS[policy]);
    const scenario = { policy, sites, fill, seed, from };
    return { policy, up: replay(book, { ...scenario, cut: 0 }), cut: replay(book, { ...scenario, cut }) };
  });
  const oracleFill = rows[0]?.up.oracleFill ?? 0;
  printList(
    options.json,
    { from: dayOf(from), sites, fill, cut, seed, oracleFill, policies: rows },
    ['policy', ...['rel', 'rel, cut', 'messages', 'moved', 'short', 'at cut-off sites'].map(toTheRight)],
    rows.map(({ policy, up, cut: withCuts }) => [
      POLICY_LABELS[policy],
      up.rel.toFixed(4),
      withCuts.rel.toFixed(4),
      up.messages.toFixed(1),
      up.moved.toFixed(2),
      `${(up.short * 100).toFixed(1)} %`,
      withCuts.cut?.toFixed(3),
    ]),
    'no policy',
  );
  if (!options.json) {
    progress(
      `one central stock would serve ${(oracleFill * 100).toFixed(1)} % of the units asked for: that is a rel of 1`,
    );
  }
}

async function readInput(options: SimulateOptions): Promise<{ book: OrderBook; from: number }> {
  try {
    return await readOrders(options.orders, options.history, dayStart(options.from));
  } catch (error) {
    throw error instanceof OrderFileError ? wrongUsage(error.message, error) : error;
  }
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function toTheRight(title: string): { title: string; align: 'right' } {
  return { title, align: 'right' };
}
