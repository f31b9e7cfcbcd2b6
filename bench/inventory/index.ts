/**
 * The stock benchmark: real orders replayed in their time against the product's own stock policy, beside an equal split,
 * a split by traffic and asking the primary for every order. `rel` is what the sites sell, of what one central stock (the
 * oracle) would have sold with the same receipts. The rules: docs/inventory.md.
 */
import { type OrderBook, dayStart, readOrders } from '../../cli/simulation/order-file';
import { POLICIES, type PolicyName } from '../../cli/simulation/policies';
import { type Measures, type Scenario } from '../../cli/simulation/replay';
import { type Result, peakRssMiB, printReport, tell } from '../report';
import { replayAll } from './replays';

const SITES_DEFAULT = '4';
const FILL_DEFAULT = '1';
const CUT_DEFAULT = '0.2';
const SEEDS_DEFAULT = '3';

/** What the value policy is to reach, by the number of sites; `rel` with that share of the links cut. */
const TARGETS: Readonly<Record<number, { readonly rel: Readonly<Record<string, number>>; readonly messages: number }>> =
  {
    4: { rel: { 0.05: 0.994, 0.2: 0.975 }, messages: 14 },
    12: { rel: { 0.05: 0.99, 0.2: 0.956 }, messages: 22 },
  };
/** The target of messages is of receipts as large as demand. */
const MESSAGES_FILL = 1;

export async function inventory(options: Readonly<Record<string, string>>): Promise<void> {
  const file = options['orders'];
  const day = options['from'];
  if (file === undefined || day === undefined) {
    throw new Error('give --orders FILE and --from DAY (2011-09-01), and for stock and estimates --history FILE');
  }
  const sites = Number(options['sites'] ?? SITES_DEFAULT);
  const fill = Number(options['fill'] ?? FILL_DEFAULT);
  const cut = Number(options['cut'] ?? CUT_DEFAULT);
  const seeds = Number(options['seeds'] ?? SEEDS_DEFAULT);
  if (!(sites >= 2) || !(fill > 0) || !(cut >= 0 && cut < 1) || !(seeds >= 1)) {
    throw new Error('give at least 2 --sites, a --fill above 0, a --cut from 0 to below 1, and at least 1 of --seeds');
  }
  const { book, from } = await readOrders(file, options['history'], dayStart(day));
  tell(`${book.orders.length} orders of ${book.skus.length} items, measured from ${day}`);
  const results: Result[] = [];
  let oracleFill = 0;
  for (const policy of POLICIES) {
    const measured = await measure(book, { policy, sites, fill, cut, from }, seeds);
    tell(`${policy}: ${JSON.stringify(measured)}`);
    oracleFill = measured.up.oracleFill;
    results.push(...resultsOf(policy, measured, { sites, fill, cut }));
  }
  results.push({ name: 'oracle.served', value: oracleFill, unit: 'of the units asked for' });
  const params = { orders: file, history: options['history'] ?? '', from: day, sites, fill, cut, seeds };
  printReport({ bench: 'inventory', params, results, peakRssMiB: { bench: peakRssMiB(process.pid) } });
}

interface Measured {
  readonly up: Measures;
  /** Means of the seeds. */
  readonly cutRel: number;
  readonly cutMessages: number;
  readonly cutSites: number | null;
}

async function measure(book: OrderBook, scenario: Omit<Scenario, 'seed' | 'onMove'>, seeds: number): Promise<Measured> {
  const cuts = Array.from({ length: seeds }, (_, index) => ({ ...scenario, seed: index + 1 }));
  const [up, ...runs] = await replayAll(book, [{ ...scenario, cut: 0, seed: 1 }, ...cuts]);
  if (!up) throw new Error('nothing was replayed');
  const cutSites = runs.flatMap(({ cut }) => (cut === null ? [] : [cut]));
  return {
    up,
    cutRel: mean(runs.map(({ rel }) => rel)),
    cutMessages: mean(runs.map(({ messages }) => messages)),
    cutSites: cutSites.length > 0 ? mean(cutSites) : null,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function resultsOf(
  policy: PolicyName,
  { up, cutRel, cutMessages, cutSites }: Measured,
  { sites, fill, cut }: { sites: number; fill: number; cut: number },
): Result[] {
  const targets = policy === 'value' ? TARGETS[sites] : undefined;
  const relTarget = targets?.rel[String(cut)];
  const messagesTarget = fill === MESSAGES_FILL ? targets?.messages : undefined;
  return [
    { ...of('rel, links up', up.rel, 'of the oracle'), ...(targets ? atLeast(up.rel, 1) : {}) },
    {
      ...of(`rel, ${cut * 100} % cut`, cutRel, 'of the oracle'),
      ...(relTarget === undefined ? {} : atLeast(cutRel, relTarget)),
    },
    {
      ...of('messages, links up', up.messages, 'per 1,000 units'),
      ...(messagesTarget === undefined ? {} : { target: messagesTarget, reached: up.messages <= messagesTarget }),
    },
    of(`messages, ${cut * 100} % cut`, cutMessages, 'per 1,000 units'),
    of('moved, links up', up.moved, 'per unit served'),
    of('short, links up', up.short, 'of the lines'),
    ...(cutSites === null ? [] : [of('cut-off sites', cutSites, 'of the oracle')]),
  ];

  function of(name: string, value: number, unit: string): Result {
    return { name: `${policy}: ${name}`, value: Number(value.toFixed(4)), unit };
  }
}

function atLeast(value: number, target: number): { target: number; reached: boolean } {
  return { target, reached: value >= target };
}
