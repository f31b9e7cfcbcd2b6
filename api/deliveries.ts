/** What is held or parked: for which site, since when, why, and which workflow holds it. */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { listConfirmations } from '../db/catalog/deliveries';
import { type Transfer, listTransfers, openReplenishment } from '../db/inventory';
import { listParked } from '../db/orders';
import { type OutboxGroup, outboxGroups } from '../db/outbox';
import { loadTopology } from '../db/topology';
import { showRevision } from '../domain/catalog';
import { isHeld } from '../domain/held';
import { formatTransferId, unitsOf } from '../domain/inventory';
import { parentOf } from '../domain/sites';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type Route, type RouteRequest, route } from './route';
import { noBody, noQuery, pageOf, storeParams, time } from './schemas';

/** Entries of one kind that one answer lists; the status counts all. */
export const LISTED_MAX = 200;

export const deliveryStates = ['waiting', 'delivering', 'held', 'parked'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

const deliverySchema = z
  .object({
    kind: z.enum(['orders', 'catalog', 'stock', 'workflow', 'document']),
    state: z.enum(deliveryStates),
    site: z.string().describe('Whom it is for.'),
    subject: z.string(),
    count: z.number().int().describe('Orders, items or units.'),
    since: z.iso.datetime(),
    reason: z.string(),
    workflowId: z.string().nullable(),
    temporalUi: z.url().nullable(),
  })
  .meta({ id: 'Delivery' });

type Delivery = Omit<z.output<typeof deliverySchema>, 'temporalUi'>;
type Request = RouteRequest<unknown, unknown, unknown>;

export const deliveryRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/deliveries',
    tag: 'deliveries',
    operationId: 'listDeliveries',
    summary: 'What this site is delivering, holds or has parked',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'Deliveries without an answer, oldest first.', schema: pageOf(deliverySchema) } },
    handle: async (request) => {
      const all = [
        ...(await outboxDeliveries(request)),
        ...(await catalogDeliveries(request)),
        ...(await stockDeliveries(request)),
        ...(await stockRequests(request)),
        ...(await parkedDocuments(request)),
      ];
      const items = all
        .sort((a, b) => (a.since < b.since ? -1 : 1))
        .map((delivery) => ({
          ...delivery,
          temporalUi: delivery.workflowId === null ? null : workflowPage(request.context, delivery.workflowId),
        }));
      return { status: 200, body: { items, next: null } };
    },
  }),
];

async function outboxDeliveries({ context, store }: Request): Promise<Delivery[]> {
  const { db, runtime } = context;
  const { topology, site } = await loadTopology(db, store.store);
  const parent = parentOf(topology, site)?.site ?? site;
  const now = runtime.clock.now();
  return (await outboxGroups(db, store.store)).map((group): Delivery => {
    const { batch, entries, since } = group;
    if (batch === null) return unbatched(group, parent);
    const held = isHeld(since, now);
    return {
      kind: 'orders',
      state: held ? 'held' : 'delivering',
      site: parent,
      subject: batch,
      count: entries,
      since: time(since),
      reason: held ? `${parent} has not answered: it, or Temporal, is away` : 'under way',
      workflowId: formatWorkflowId('purchaseOrderDelivery', { store: store.store, site, batch }),
    };
  });
}

function unbatched({ kind, entries, since }: OutboxGroup, parent: string): Delivery {
  const orders = kind === 'order';
  return {
    kind: orders ? 'orders' : 'workflow',
    state: 'waiting',
    site: orders ? parent : 'temporal',
    subject: 'outbox',
    count: entries,
    since: time(since),
    reason: orders
      ? 'not in a batch yet: the batches in flight have no answer, or Temporal is away'
      : 'Temporal is away',
    workflowId: null,
  };
}

async function catalogDeliveries({ context, store }: Request): Promise<Delivery[]> {
  const confirmations = await listConfirmations(context.db, store.store);
  return confirmations
    .filter(({ state }) => state !== 'confirmed')
    .map(({ catalog, site, state, targetRevision, heldSince, updatedAt, reason, workflowId }) => ({
      kind: 'catalog',
      state: state === 'confirmed' ? 'delivering' : state,
      site,
      subject: `${catalog} ${showRevision(targetRevision)}`,
      count: 1,
      since: time(heldSince ?? updatedAt),
      reason: reason ?? 'under way',
      workflowId,
    }));
}

async function stockDeliveries({ context, store }: Request): Promise<Delivery[]> {
  const { db, runtime, site } = context;
  const now = runtime.clock.now();
  const transfers = await listTransfers(db, store.store, {
    states: ['in-flight', 'in-doubt'],
    limit: LISTED_MAX,
  });
  return transfers
    .filter(({ id }) => id.giver === site)
    .map(({ id, taker, units, cause, state, createdAt }) => {
      const held = isHeld(createdAt, now);
      return {
        kind: 'stock',
        state: held ? 'held' : 'delivering',
        site: taker,
        subject: formatTransferId(id),
        count: units,
        since: time(createdAt),
        reason: held ? `${taker} has not confirmed: it, or Temporal, is away` : 'under way',
        workflowId: carrierOf(store.store, { id, taker, cause, state }),
      };
    });
}

/** What this site has asked of its parent (figure 11). */
async function stockRequests({ context, store }: Request): Promise<Delivery[]> {
  const open = await openReplenishment(context.db, store.store);
  if (!open) return [];
  const { request, parent, lines, createdAt } = open;
  const held = isHeld(createdAt, context.runtime.clock.now());
  return [
    {
      kind: 'stock',
      state: held ? 'held' : 'delivering',
      site: parent,
      subject: `request ${request}`,
      count: unitsOf(lines),
      since: time(createdAt),
      reason: held ? `${parent} has not answered: it, or Temporal, is away, or has refused` : 'under way',
      workflowId: formatWorkflowId('inventoryReplenishment', { store: store.store, site: context.site }),
    },
  ];
}

/** The workflow that brings a transfer to its taker; null while its giver does that itself. */
function carrierOf(
  store: string,
  { id, taker, cause, state }: Pick<Transfer, 'id' | 'taker' | 'cause' | 'state'>,
): string | null {
  const [kind, request = ''] = cause.split(/:(.*)/s);
  if (kind === 'allocation') return formatWorkflowId('inventoryAllocation', { store, request });
  if (kind === 'recall') return formatWorkflowId('inventoryUpdate', { store, site: id.giver, update: request });
  if (kind === 'reallocation') {
    const [site = '', rest = ''] = request.split(/\.(.*)/s);
    return formatWorkflowId('inventoryReallocation', { store, site, request: rest });
  }
  if (kind === 'replenishment' && state === 'in-flight') {
    return formatWorkflowId('inventoryReplenishment', { store, site: taker });
  }
  if (kind !== 'move' && state !== 'in-doubt') return null;
  return formatWorkflowId('inventoryReallocation', { store, site: id.giver, request: formatTransferId(id) });
}

async function parkedDocuments({ context, store }: Request): Promise<Delivery[]> {
  const parked = await listParked(context.db, store.store, LISTED_MAX);
  return parked.map(({ subject, reason, parkedAt }) => ({
    kind: 'document',
    state: 'parked',
    site: context.site,
    subject,
    count: 1,
    since: time(parkedAt),
    reason,
    workflowId: null,
  }));
}
