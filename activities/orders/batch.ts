/** A batch of orders as one document: what the relay sends and the parent opens (design, section 3: group commit). */
import { documentsOfOrders, setBatch } from '../../db/orders';
import { assignBatch, entriesOfBatch, waitingEntries } from '../../db/outbox';
import { loadTopology } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import { type SealedDocument, formatPayloadID } from '../../domain/documents';
import { parentOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { sealDocument } from '../sealing';

/** Orders of one batch. */
export const BATCH_ORDERS_MAX = 200;
const FORMAT_VERSION = 1;

export interface BatchedOrder {
  readonly orderId: string;
  readonly payloadId: string;
  /** The OrderRequest, byte for byte as the sale fixed it. */
  readonly xml: string;
  /** A `traceparent`: the request that sold it. */
  readonly traceContext?: string;
}

export function encodeOrderBatch(orders: readonly BatchedOrder[]): string {
  return JSON.stringify({ version: FORMAT_VERSION, orders });
}

export function decodeOrderBatch(text: string): readonly BatchedOrder[] {
  const { version, orders } = JSON.parse(text) as { version: number; orders: readonly BatchedOrder[] };
  if (version !== FORMAT_VERSION)
    throw new TellableError(`a batch of format ${version} is newer than this release: upgrade it first`);
  return orders;
}

/** Gives waiting orders a batch whose id and content are fixed from here on; null when none waits. */
export async function formOrderBatch({ db, runtime }: SiteContext, store: string): Promise<string | null> {
  const batch = runtime.ids.uuid();
  return db.transaction(async (tx) => {
    const waiting = await waitingEntries(tx, store, 'order', BATCH_ORDERS_MAX);
    if (waiting.length === 0) return null;
    const entries = waiting.map(({ outboxId }) => outboxId);
    await assignBatch(tx, store, entries, batch, runtime.clock.now());
    const orders = waiting.map(({ subject }) => subject);
    await setBatch(tx, store, orders, batch);
    return batch;
  });
}

/** Loads and seals a batch; null when all of its orders have been answered. The same batch gives the same content. */
export async function loadOrderBatch(
  context: SiteContext,
  store: string,
  batch: string,
): Promise<SealedDocument | null> {
  const { db, site, runtime } = context;
  const entries = await entriesOfBatch(db, store, batch);
  if (entries.length === 0) return null;
  const { topology } = await loadTopology(db, store);
  const parent = parentOf(topology, site);
  if (!parent) return null;
  const documents = await documentsOfOrders(
    db,
    store,
    entries.map(({ subject }) => subject),
  );
  const traces = new Map(entries.map(({ subject, traceContext }) => [subject, traceContext]));
  const orders = documents.map(({ orderId, payloadId, document }): BatchedOrder => {
    const traceContext = traces.get(orderId) ?? null;
    return { orderId, payloadId, xml: document, ...(traceContext === null ? {} : { traceContext }) };
  });
  for (const { payloadId, xml } of orders) context.archiveDocument?.('OrderRequest', payloadId, xml);
  const settings = storeSettings(context, store);
  const oldest = entries[0]?.createdAt ?? 0;
  const identity = {
    kind: 'OrderBatch' as const,
    payloadID: formatPayloadID(oldest, batch, 1, settings.domain),
    ...{ store, sender: site, receiver: parent.site, count: orders.length },
  };
  return sealDocument(identity, encodeOrderBatch(orders), settings.sealing, runtime.random);
}
