/** The parent takes orders (figure 14, step 1408): each is checked, written once, and answered for itself. */
import { setImmediate as turn } from 'node:timers/promises';
import { checkOrderRequest } from '../../cxml/order-check';
import { readOrderRequest } from '../../cxml/orders';
import { XmlError, parseXml } from '../../cxml/reader';
import { type Transaction } from '../../db/database';
import { isConnectionLost, isDuplicateKey, isEngineFault, isRetryable, isUnknownCommit } from '../../db/errors';
import { appendEvents, orderSubject } from '../../db/events';
import { DocumentConflictError, type IncomingDocument, findAnswers, keepAnswers } from '../../db/inbox';
import { hearOfDemand } from '../../db/inventory';
import { type OrderToBook, bookOrders, documentDigest, knownOrders, nameWinners, parkDocument } from '../../db/orders';
import { enqueue } from '../../db/outbox';
import { loadTopology } from '../../db/topology';
import { type SealedDocument } from '../../domain/documents';
import { TellableError, typeOf } from '../../domain/errors';
import { type Order, type OrderAnswer } from '../../domain/orders';
import { type Topology, parentOf } from '../../domain/sites';
import { formatTraceparent, parseTraceparent } from '../../domain/trace';
import { type SiteContext, storeSettings } from '../context';
import { openDocument } from '../sealing';
import { type Span } from '../tracing';
import { type BatchedOrder, decodeOrderBatch } from './batch';

/** Orders read between two looks at the event loop. */
const ORDERS_PER_TURN = 10;

interface TracedOrder extends BatchedOrder {
  readonly span: Span;
}

interface CheckedOrder extends TracedOrder {
  readonly order: Order;
  readonly digest: string;
}

export async function receiveOrders(context: SiteContext, batch: SealedDocument): Promise<OrderAnswer[]> {
  const { store } = batch;
  const opened = await openDocument(batch, storeSettings(context, store).sealing);
  const orders = decodeOrderBatch(opened.toString('utf8')).map((order) => ({ ...order, span: stepOf(context, order) }));
  try {
    const answers = await receiveAll(context, batch, orders);
    tellOf(context, batch, orders, answers);
    return answers;
  } catch (error) {
    for (const { span } of orders) span.end({}, error);
    throw error;
  }
}

/** The receipt is a step in the trace of the request that sold the order; the batch's own trace is linked to it. */
function stepOf({ tracing, trace }: SiteContext, { orderId, traceContext }: BatchedOrder): Span {
  return tracing.start('receive order', {
    kind: 'consumer',
    parent: parseTraceparent(traceContext),
    links: trace ? [trace] : [],
    attributes: { 'entrepot.order_id': orderId },
  });
}

function tellOf(
  { log }: SiteContext,
  { store, sender, payloadID }: SealedDocument,
  orders: readonly TracedOrder[],
  answers: readonly OrderAnswer[],
): void {
  const outcomes = new Map(answers.map((answer) => [answer.orderId, answer.outcome]));
  for (const { orderId, payloadId, span } of orders) {
    const { traceId } = span.trace;
    const outcome = outcomes.get(orderId) ?? 'unanswered';
    log.info({ store, from: sender, traceId, orderId, payloadId, outcome }, 'order received');
    span.end({ 'entrepot.outcome': outcome });
  }
  const parked = answers.filter(({ outcome }) => outcome === 'parked').length;
  log.info({ store, from: sender, payloadId: payloadID, orders: orders.length, parked }, 'orders received');
}

async function receiveAll(
  context: SiteContext,
  batch: SealedDocument,
  orders: readonly TracedOrder[],
): Promise<OrderAnswer[]> {
  const answers: OrderAnswer[] = [];
  const good: CheckedOrder[] = [];
  for (const [index, order] of orders.entries()) {
    const checked = check(order, batch.store);
    if ('fault' in checked) answers.push(await park(context, batch, order, checked.fault));
    else good.push(checked);
    if (index % ORDERS_PER_TURN === ORDERS_PER_TURN - 1) await turn();
  }
  answers.push(...(await takeTogether(context, batch, good)));
  return answers;
}

/** Why an order can't be taken. */
interface Fault {
  /** Told to the sender, through Temporal: it quotes nothing of the document. */
  readonly reason: string;
  /** With the values, kept beside the document. */
  readonly detail: string;
}

/** Reads and checks an order; the fault when it can't be taken. */
function check(batched: TracedOrder, store: string): CheckedOrder | { fault: Fault } {
  try {
    const root = parseXml(batched.xml);
    const [problem, ...more] = checkOrderRequest(root);
    if (problem) {
      const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
      const reason = `${problem.path} ${problem.problem}${rest}`;
      return { fault: { reason, detail: `${problem.path} "${problem.value}" ${problem.problem}${rest}` } };
    }
    const { order, envelope } = readOrderRequest(root);
    // The sender is who sold it: a site in between passes the same bytes on.
    const stated = [envelope.payloadID, order.orderId, order.store, envelope.sender];
    const expected = [batched.payloadId, batched.orderId, store, order.site];
    if (stated.join() !== expected.join()) {
      const reason = `the document is not what it was sent as: ${expected.slice(0, 3).join(', ')}`;
      return { fault: { reason, detail: `${reason}; it speaks of ${[...stated, order.site].join(', ')}` } };
    }
    return { ...batched, order, digest: documentDigest(batched.xml) };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

function faultOf(error: unknown): Fault {
  const reason = error instanceof TellableError ? error.message : `it breaks its receiver (${typeOf(error)})`;
  return { reason, detail: error instanceof XmlError ? error.withValue : reason };
}

/** Takes orders in one transaction; if one of them breaks it, the halves apart, so that it holds nobody else. */
async function takeTogether(
  context: SiteContext,
  batch: SealedDocument,
  orders: readonly CheckedOrder[],
  again = false,
): Promise<OrderAnswer[]> {
  if (orders.length === 0) return [];
  try {
    return await context.db.transaction((tx) => take(context, tx, batch, orders));
  } catch (error) {
    if (isNotOfTheOrders(error)) throw error;
    const [only] = orders;
    if (orders.length === 1 && only) {
      // A key taken by a transaction beside this one: the next attempt sees what that one wrote.
      if (isDuplicateKey(error) && !again) return takeTogether(context, batch, orders, true);
      if (isDuplicateKey(error)) throw error;
      return [await park(context, batch, only, faultOf(error), error)];
    }
    const middle = Math.ceil(orders.length / 2);
    const first = await takeTogether(context, batch, orders.slice(0, middle));
    return [...first, ...(await takeTogether(context, batch, orders.slice(middle)))];
  }
}

/** Then they wait for the next attempt: only an order that can never be taken is parked. */
function isNotOfTheOrders(error: unknown): boolean {
  return isRetryable(error) || isConnectionLost(error) || isUnknownCommit(error) || isEngineFault(error);
}

async function take(
  context: SiteContext,
  tx: Transaction,
  { store, sender }: SealedDocument,
  orders: readonly CheckedOrder[],
): Promise<OrderAnswer[]> {
  const now = context.runtime.clock.now();
  const { topology, site } = await loadTopology(tx, store);
  const { answers, fresh } = await answeredBefore(tx, store, orders, now);
  if (fresh.length === 0) return answers;
  const decided = await decide(tx, topology, site, fresh);
  const added = decided.filter(({ booking }) => booking !== null);
  await bookOrders(
    tx,
    added.map(({ booking }) => booking as OrderToBook),
    now,
  );
  const winners = added.filter(({ answer }) => answer.outcome !== 'cancelled');
  await nameWinners(
    tx,
    store,
    winners.map(({ order }) => ({ cartId: order.order.cartId, orderId: order.orderId })),
    now,
  );
  // Of one cart's copies that were sold twice one was asked for.
  await hearOfDemand(
    tx,
    store,
    winners.map(({ order: { order } }) => ({
      ...{ source: order.orderId, site: sender, cartId: null, lines: order.lines, at: order.placedAt },
    })),
  );
  await appendEvents(
    tx,
    store,
    added.map(({ order, answer: { by, outcome, orderId, ...rest } }) => ({
      subject: orderSubject(orderId),
      kind: outcome,
      data: { by, from: sender, soldAt: order.order.site, ...rest },
    })),
    now,
  );
  const parent = parentOf(topology, site);
  if (parent) {
    for (const { order } of winners) {
      await enqueue(tx, {
        ...{
          store,
          outboxId: context.runtime.ids.uuid(),
          destination: parent.site,
          kind: 'order',
          subject: order.orderId,
        },
        ...{ epoch: topology.epoch, traceContext: formatTraceparent(order.span.trace), createdAt: now },
      });
    }
    tx.afterCommit(context.outboxHasWork);
  }
  await keepAnswers(
    tx,
    decided.map(({ order, answer }) => ({ ...incoming(store, order, now), answer: JSON.stringify(answer) })),
  );
  return [...answers, ...decided.map(({ answer }) => answer)];
}

function incoming(store: string, { order, payloadId, digest }: CheckedOrder, now: number): IncomingDocument {
  return { store, sender: order.site, payloadId, kind: 'OrderRequest', digest, now };
}

/** The stored answers of orders that were received before, by their seller's name; throws DocumentConflictError. */
async function answeredBefore(
  tx: Transaction,
  store: string,
  orders: readonly CheckedOrder[],
  now: number,
): Promise<{ answers: OrderAnswer[]; fresh: CheckedOrder[] }> {
  const answers: OrderAnswer[] = [];
  const fresh: CheckedOrder[] = [];
  for (const seller of new Set(orders.map(({ order }) => order.site))) {
    const sold = orders.filter(({ order }) => order.site === seller);
    const stored = await findAnswers(
      tx,
      sold.map((order) => incoming(store, order, now)),
    );
    for (const order of sold) {
      const known = stored.get(order.payloadId);
      if (!known) fresh.push(order);
      else if (known.digest === order.digest) answers.push(JSON.parse(known.answer) as OrderAnswer);
      else throw new DocumentConflictError(order.payloadId, seller);
    }
  }
  return { answers, fresh };
}

interface Decision {
  readonly order: CheckedOrder;
  readonly answer: OrderAnswer;
  /** null for an order that is here already. */
  readonly booking: OrderToBook | null;
}

/** One order per cart for ever: the first that the root takes wins, whoever else sold a copy of the cart. */
async function decide(
  tx: Transaction,
  topology: Topology,
  site: string,
  orders: readonly CheckedOrder[],
): Promise<Decision[]> {
  const keys = orders.map(({ orderId, order }) => ({ orderId, cartId: order.cartId }));
  const { states, winners } = await knownOrders(tx, topology.store, keys);
  const isRoot = parentOf(topology, site) === null;
  const { epoch } = topology;
  return orders.map((order): Decision => {
    const { orderId } = order;
    const winner = winners.get(order.order.cartId);
    const known = states.get(orderId);
    const lost = winner !== undefined && winner !== orderId;
    if (!lost) winners.set(order.order.cartId, orderId);
    const reason = `cart ${order.order.cartId} became order ${winner ?? ''} first`;
    const answer: OrderAnswer = lost
      ? { orderId, by: site, outcome: 'cancelled', reason, winner }
      : isRoot
        ? { orderId, by: site, outcome: 'confirmed', epoch: known?.confirmedEpoch ?? epoch }
        : { orderId, by: site, outcome: 'accepted' };
    if (known) return { order, answer, booking: null };
    return {
      order,
      answer,
      booking: {
        order: order.order,
        document: order.xml,
        payloadId: order.payloadId,
        state: answer.outcome,
        stateReason: lost ? reason : null,
        epoch,
        confirmedEpoch: answer.outcome === 'confirmed' ? answer.epoch : null,
        requestedBy: null,
      },
    };
  });
}

async function park(
  { db, runtime, site, log }: SiteContext,
  { store, sender }: SealedDocument,
  { orderId, payloadId, xml }: BatchedOrder,
  { reason, detail }: Fault,
  error?: unknown,
): Promise<OrderAnswer> {
  const kind = 'OrderRequest';
  const now = runtime.clock.now();
  await db.transaction((tx) =>
    parkDocument(tx, { store, payloadId, kind, sender, subject: orderId, reason: detail, document: xml, now }),
  );
  log.warn(
    { store, orderId, payloadId, reason, ...(error === undefined ? {} : { err: error }) },
    'an order was parked',
  );
  return { orderId, by: site, outcome: 'parked', reason };
}
