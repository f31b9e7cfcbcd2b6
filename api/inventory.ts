/** Receipts, levels, transfers and allocation. */
import { z } from 'zod';
import { bookReceipt, listLevels, listTransfers } from '../db/inventory';
import { loadTopology, requirePrimacy } from '../db/topology';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { INVENTORY_LINES_MAX, formatTransferId } from '../domain/inventory';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { formatWorkflowId } from '../domain/workflow-ids';
import { Problem } from './problems';
import { type Route, route } from './route';
import {
  idSchema,
  nameSchema,
  noBody,
  pageOf,
  pageQuery,
  readCursor,
  storeParams,
  time,
  timeOrNull,
  writeCursor,
} from './schemas';
import { acceptedSchema, startWorkflow } from './workflow-requests';

const skuSchema = z.string().min(1).max(SKU_LENGTH_MAX);
/** Skus that one question may name. */
const SKUS_ASKED_MAX = 100;
/** Sites that one allocation may name. */
const SITES_ASKED_MAX = 200;

const levelSchema = z
  .object({
    sku: z.string(),
    own: z.number().int().describe('Units that this site may sell.'),
    pool: z.number().int().describe('Units kept to grant to other sites.'),
    inFlight: z.number().int().describe('Units given, not yet confirmed by their taker.'),
  })
  .meta({ id: 'StockLevel' });

const transferSchema = z
  .object({
    transfer: z.string(),
    giver: z.string(),
    taker: z.string(),
    state: z.string(),
    lines: z.number().int(),
    units: z.number().int(),
    cause: z.string(),
    document: z.string(),
    createdAt: z.iso.datetime(),
    settledAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Transfer' });

const TRANSFER_STATES = ['in-flight', 'credited', 'in-doubt', 'stranded', 'void', 'tombstone'] as const;

export const inventoryRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/receipts',
    tag: 'inventory',
    operationId: 'bookReceipt',
    summary: 'Units have arrived at the primary: they go to its pool, once per receipt',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: z.strictObject({}),
    body: z.strictObject({
      receiptId: idSchema.describe('Yours; the same one again changes nothing.'),
      lines: z
        .array(z.strictObject({ sku: skuSchema, quantity: z.number().int().min(1).max(LINE_QUANTITY_MAX) }))
        .min(1)
        .max(INVENTORY_LINES_MAX),
    }),
    idempotent: true,
    responses: {
      200: {
        description: 'Booked now, or before.',
        schema: z.object({
          receiptId: z.string(),
          booked: z.boolean(),
          lines: z.number().int(),
          units: z.number().int(),
        }),
      },
      421: { description: 'This is done at the primary.' },
    },
    handle: async ({ context, store, body }) => {
      const { db, runtime } = context;
      const booked = await db.transaction(async (tx) => {
        const { topology, site, incarnation } = await loadTopology(tx, store.store);
        const { epoch } = topology;
        await requirePrimacy(tx, store.store, epoch);
        const now = runtime.clock.now();
        return bookReceipt(tx, { store: store.store, site, ...body, epoch, incarnation, now });
      });
      const units = body.lines.reduce((sum, { quantity }) => sum + quantity, 0);
      return { status: 200, body: { receiptId: body.receiptId, booked, lines: body.lines.length, units } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/levels',
    tag: 'inventory',
    operationId: 'listLevels',
    summary: 'Rights of this site by item and account',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: pageQuery.extend({
      sku: z
        .string()
        .max(SKUS_ASKED_MAX * (SKU_LENGTH_MAX + 1))
        .optional()
        .describe('One, or several with commas.'),
    }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of levels.', schema: pageOf(levelSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit, after = '' } = query;
      const skus = query.sku?.split(',').slice(0, SKUS_ASKED_MAX);
      const items = await listLevels(context.db, store.store, { after, limit, ...(skus ? { skus } : {}) });
      return { status: 200, body: { items, next: items.length === limit ? (items.at(-1)?.sku ?? null) : null } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/transfers',
    tag: 'inventory',
    operationId: 'listTransfers',
    summary: 'Rights given and taken by this site, newest first',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: pageQuery.extend({ state: z.enum(TRANSFER_STATES).optional() }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of transfers.', schema: pageOf(transferSchema) } },
    handle: async ({ context, store, query }) => {
      const offset = query.after === undefined ? 0 : readCursor(query.after, z.number().int().min(0));
      if (offset === null)
        throw new Problem(400, 'invalid-cursor', `"${String(query.after)}" is no cursor of this list`);
      const states = query.state ? [query.state] : TRANSFER_STATES;
      const transfers = await listTransfers(context.db, store.store, { states, limit: query.limit, offset });
      const items = transfers.map(({ id, taker, state, lines, units, cause, payloadId, createdAt, settledAt }) => ({
        ...{ transfer: formatTransferId(id), giver: id.giver, taker, state, lines, units, cause, document: payloadId },
        createdAt: time(createdAt),
        settledAt: timeOrNull(settledAt),
      }));
      const next = items.length === query.limit ? writeCursor(offset + items.length) : null;
      return { status: 200, body: { items, next } };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/allocations',
    tag: 'inventory',
    operationId: 'allocateInventory',
    summary: 'Share the pool out equally to the sites (workflow inventoryAllocation)',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: z.strictObject({}),
    body: z.strictObject({
      sites: z
        .array(nameSchema)
        .max(SITES_ASKED_MAX)
        .default([])
        .describe('Takers; none for all children of the primary.'),
      skus: z.array(skuSchema).max(INVENTORY_LINES_MAX).default([]).describe('Items; none for all of the pool.'),
      ownShare: z.boolean().default(false).describe('The primary takes an equal share for its own sales.'),
    }),
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      421: { description: 'This is done at the primary.' },
    },
    handle: async (request) => {
      const { context, store, body } = request;
      const { topology } = await loadTopology(context.db, store.store);
      await context.db.transaction((tx) => requirePrimacy(tx, store.store, topology.epoch));
      const stranger = body.sites.find(
        (site) => !topology.sites.some((known) => known.site === site && known.parent !== null),
      );
      if (stranger !== undefined)
        throw new Problem(422, 'unknown-site', `"${stranger}" is no child of the primary: see …/topology`);
      const id = { store: store.store, request: context.runtime.ids.uuid() };
      const workflowId = formatWorkflowId('inventoryAllocation', id);
      return startWorkflow(request, {
        kind: 'inventoryAllocation',
        workflowId,
        input: { ...id, ...body, topology },
        epoch: topology.epoch,
      });
    },
  }),
];
