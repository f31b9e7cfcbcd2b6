/**
 * Borrowing for an order that is short (figure 12). Each site that is asked gives what it has, then asks its neighbours
 * in the tree for the rest: its children, then its parent. What is asked is written down before it is sent, and never
 * asked of another before an answer is known, so an unknown answer is asked for again and nothing is borrowed twice.
 * No transaction and no lock is held across a call.
 */
import { DocumentConflictError } from '../../db/inbox';
import {
  type Ask,
  type Borrowing,
  TransferRefusedError,
  addAsks,
  answerAsk,
  asksOf,
  beginBorrowing,
  concludeBorrowing,
  hearOfDemand,
  keepWanted,
  lockBorrowing,
  takeTransfer,
} from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import { type OwnTopology, loadTopology } from '../../db/topology';
import {
  type Giver,
  borrowingCause,
  cartOfBorrowing,
  formatAsk,
  type LentTransfer,
  lessOf,
  linesOfTransfers,
  type Loan,
  partOf,
  planGivers,
  type StockLine,
  waitForOffers,
  waitOfHop,
  withoutCentral,
} from '../../domain/inventory';
import { type Site, childrenOf, findSite, parentOf } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { lend, lentHere, spareHere } from './lending';
import { askForLoan, askForOffer } from './neighbours';
import { refillFor } from './refilling';

/** How long a site keeps its own units for an order beyond the time that the order may wait, milliseconds. */
const WANTED_BEYOND_MS = 5_000;

/** One site's part in a borrowing, while it lasts. */
interface Part {
  readonly context: SiteContext;
  readonly settings: StoreSettings;
  readonly own: OwnTopology;
  readonly borrowing: Borrowing;
  /** Milliseconds UTC. */
  readonly deadline: number;
}

/** An order of this site's own, beside its borrowing. */
export interface Wanting {
  /** All that the order has, not only what is short. */
  readonly lines: readonly StockLine[];
}

/**
 * Takes part in a borrowing until it is covered, nobody is left to ask, or the time is up; answers what was lent so far.
 * Asked again, it goes on where it was. Throws DocumentConflictError for other lines under the same name.
 */
export async function takePart(
  context: SiteContext,
  settings: StoreSettings,
  borrowing: Borrowing,
  deadline: number,
  wanting?: Wanting,
): Promise<Loan> {
  const own = await loadTopology(context.db, settings.store);
  const part: Part = { context, settings, own, borrowing, deadline };
  const before = await begin(part, wanting);
  if (before) return { transfers: before, complete: true };
  await askAgain(part);
  await askChildren(part);
  await askParent(part);
  return conclude(part);
}

/** Writes the borrowing down with what this site gives itself; answers what it came to, if it was concluded before. */
async function begin(part: Part, wanting: Wanting | undefined): Promise<readonly LentTransfer[] | null> {
  const { context, settings, own, borrowing, deadline } = part;
  const { store, domain, inventory } = settings;
  const central = inventory.central.items;
  const refill = await refillFor(context, settings, own, borrowing);
  return context.db.transaction(async (tx) => {
    const now = context.runtime.clock.now();
    const { isNew, kept } = await beginBorrowing(tx, borrowing, now);
    if (kept.digest !== borrowing.digest) throw new DocumentConflictError(borrowing.borrowing, borrowing.asker);
    if (kept.answer) return kept.answer;
    if (wanting) await keepWanted(tx, borrowing, wanting.lines, deadline + WANTED_BEYOND_MS);
    const { borrowing: ask, taker, takerIncarnation, lines } = borrowing;
    if (isNew) await lend(tx, own, { store, ask, taker, takerIncarnation, lines, domain, central, refill, now });
    return null;
  });
}

/** How a borrowing stands at this site. */
interface Standing {
  readonly asks: readonly Ask[];
  readonly transfers: readonly LentTransfer[];
  /** Neither given, nor asked of somebody who has not answered. */
  readonly open: readonly StockLine[];
}

async function standingOf({ settings, borrowing }: Part, reads: Statements): Promise<Standing> {
  const { store } = settings;
  const here = await lentHere(reads, store, borrowing.borrowing);
  const asks = await asksOf(reads, store, borrowing.borrowing);
  const covered = asks.flatMap(({ whole, lines, lent }) => (whole ? linesOfTransfers(lent) : lines));
  const given = [...linesOfTransfers(here.transfers), ...here.granted];
  return {
    asks,
    transfers: [...here.transfers, ...asks.flatMap(({ lent }) => lent)],
    open: lessOf(borrowing.lines, [...given, ...covered]),
  };
}

/** What an earlier attempt asked, and has no answer to. */
async function askAgain(part: Part): Promise<void> {
  const { asks } = await standingOf(part, part.context.db);
  await askAll(
    part,
    asks.filter(({ whole }) => !whole),
  );
}

/**
 * The sites below, except those that the question came from. Who could give is found out first, for most have nothing;
 * of central items nobody there has any to give.
 */
async function askChildren(part: Part): Promise<void> {
  const { context, settings, borrowing } = part;
  const standing = await standingOf(part, context.db);
  const children = notAsked(part, standing, childrenOf(part.own.topology, context.site));
  const wait = waitForOffers(left(part));
  const open = withoutCentral(settings.inventory.central.items, standing.open);
  if (open.length === 0 || children.length === 0 || wait === 0) return;
  const question = {
    ...{ name: borrowing.borrowing, taker: borrowing.taker, takerIncarnation: borrowing.takerIncarnation },
    ...{ lines: open, createdAt: context.runtime.clock.now() },
  };
  const offers = await Promise.all(
    children.map(async (child) => ({
      site: child.site,
      lines: await askForOffer(context, settings, child, question, wait),
    })),
  );
  const reached = offers.flatMap(({ site, lines }) => (lines === null ? [] : [{ site, lines }]));
  await askAll(part, await plan(part, (open) => planGivers(borrowing.taker, open, reached)));
}

async function askParent(part: Part): Promise<void> {
  const parent = parentToAsk(part, await standingOf(part, part.context.db));
  if (!parent || waitOfHop(left(part)) === 0) return;
  await askAll(part, await plan(part, (lines) => [{ site: parent.site, lines }]));
}

/** The parent, while something is open and the parent is neither asked nor the one who asks. */
function parentToAsk(part: Part, standing: Standing): Site | null {
  const { context, own } = part;
  const parent = parentOf(own.topology, context.site);
  if (standing.open.length === 0 || !parent) return null;
  return notAsked(part, standing, [parent])[0] ?? null;
}

function notAsked({ borrowing }: Part, { asks }: Standing, sites: readonly Site[]): Site[] {
  return sites.filter(({ site }) => site !== borrowing.asker && !asks.some((ask) => ask.site === site));
}

function left({ context, deadline }: Part): number {
  return deadline - context.runtime.clock.now();
}

/** Writes down what is asked of whom, of what is open by now and of nobody twice; answers what was written. */
async function plan(part: Part, givers: (open: readonly StockLine[]) => readonly Giver[]): Promise<Ask[]> {
  const { context, settings, borrowing } = part;
  const { store } = settings;
  return context.db.transaction(async (tx) => {
    const { answer } = await lockBorrowing(tx, store, borrowing.borrowing);
    if (answer) return [];
    const now = context.runtime.clock.now();
    const { asks, open } = await standingOf(part, tx);
    const fresh = givers(open)
      .filter(({ site, lines }) => lines.length > 0 && !asks.some((ask) => ask.site === site))
      .map(({ site, lines }, index): Ask => ({
        ...{ ask: formatAsk(borrowing.borrowing, asks.length + index + 1), site, lines },
        ...{ lent: [], whole: false, createdAt: now },
      }));
    await addAsks(tx, store, borrowing.borrowing, fresh, now);
    return fresh;
  });
}

async function askAll(part: Part, asks: readonly Ask[]): Promise<void> {
  await Promise.all(asks.map((ask) => askOne(part, ask)));
}

/** A question without an answer stays written down: whoever asks next asks it again. */
async function askOne(part: Part, { ask, site, lines, createdAt }: Ask): Promise<void> {
  const { context, settings, own, borrowing } = part;
  const wait = waitOfHop(left(part));
  if (wait === 0) return;
  try {
    const { taker, takerIncarnation } = borrowing;
    const question = { name: ask, taker, takerIncarnation, lines, createdAt };
    const loan = await askForLoan(context, settings, findSite(own.topology, site), question, wait);
    await context.db.transaction((tx) => hear(part, tx, ask, loan));
  } catch (err) {
    context.log.warn({ store: settings.store, site, ask, err }, 'a site that was asked for stock has not answered');
  }
}

/** What was lent for an order of this site's own is credited as it is heard of. */
async function hear({ context, own, borrowing }: Part, tx: Transaction, ask: string, loan: Loan): Promise<void> {
  const { store } = borrowing;
  await answerAsk(tx, store, ask, loan.transfers, loan.complete);
  if (borrowing.taker !== context.site) return;
  const { incarnation, topology } = own;
  for (const { transfer: id, payloadID, lines } of loan.transfers) {
    const { taker, takerIncarnation } = borrowing;
    const credited = { store, id, taker, takerIncarnation, cause: payloadID, payloadId: payloadID, lines };
    const at = { epoch: topology.epoch, incarnation, now: context.runtime.clock.now() };
    try {
      await takeTransfer(tx, { ...credited, ...at }, 'own');
    } catch (error) {
      // Given up meanwhile, or given to data that are lost: its giver has the units, or knows where they are.
      if (!(error instanceof TransferRefusedError)) throw error;
    }
  }
}

/**
 * When nobody asked is without an answer and nobody is left to ask, what was lent is all that this borrowing will ever
 * come to. Where there was no time left to ask the parent, nobody knows that yet.
 */
async function conclude(part: Part): Promise<Loan> {
  const { context, settings, borrowing } = part;
  const { store } = settings;
  return context.db.transaction(async (tx) => {
    const { answer } = await lockBorrowing(tx, store, borrowing.borrowing);
    if (answer) return { transfers: answer, complete: true };
    const standing = await standingOf(part, tx);
    const { asks, transfers } = standing;
    const complete = asks.every(({ whole }) => whole) && parentToAsk(part, standing) === null;
    if (complete) {
      await concludeBorrowing(tx, store, borrowing.borrowing, transfers);
      await hearOfMissing(part, tx, transfers);
    }
    return { transfers, complete };
  });
}

/** What a child asked for and nobody had was asked for all the same. */
async function hearOfMissing(
  { context, own, borrowing }: Part,
  tx: Transaction,
  lent: readonly LentTransfer[],
): Promise<void> {
  const { store, borrowing: name, asker, taker, takerIncarnation } = borrowing;
  const missing = lessOf(borrowing.lines, linesOfTransfers(lent));
  if (missing.length === 0 || !childrenOf(own.topology, context.site).some(({ site }) => site === asker)) return;
  const at = context.runtime.clock.now();
  const cartId = cartOfBorrowing(name, taker, takerIncarnation);
  await hearOfDemand(tx, store, [{ source: borrowingCause(name), site: asker, cartId, lines: missing, at }]);
}

/** What this site and those below it could give to an order elsewhere; the sites above it are not asked. */
export async function offer(
  context: SiteContext,
  settings: StoreSettings,
  asked: Pick<Borrowing, 'borrowing' | 'asker' | 'taker' | 'takerIncarnation' | 'lines'>,
  deadline: number,
): Promise<StockLine[]> {
  const { store } = settings;
  const { borrowing: ask, asker, taker, takerIncarnation, lines } = asked;
  const now = context.runtime.clock.now();
  const central = settings.inventory.central.items;
  const own = await loadTopology(context.db, store);
  const { topology } = own;
  const here = await spareHere(context.db, own, { store, ask, lines, central, now });
  const open = withoutCentral(central, lessOf(lines, here));
  const children = childrenOf(topology, context.site).filter(({ site }) => site !== asker);
  const wait = waitOfHop(deadline - now);
  if (open.length === 0 || wait === 0) return here;
  const question = { name: ask, taker, takerIncarnation, lines: open, createdAt: now };
  const below = await Promise.all(children.map((child) => askForOffer(context, settings, child, question, wait)));
  return partOf(lines, [...here, ...below.flatMap((offered) => offered ?? [])]);
}
