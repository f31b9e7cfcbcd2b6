/** Receipts, levels and transfers. */
import { z } from 'zod';
import { ReceiptFileError, bookReceiptFile, bookReceiptLines } from '../activities/inventory/receipts';
import { RECEIPT_ID_LENGTH_MAX, ReceiptConflictError, listLevels, listTransfers } from '../db/inventory';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { INVENTORY_LINES_MAX, TRANSFER_STATES, formatTransferId } from '../domain/inventory';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { AT_THE_PRIMARY } from './primary';
import { Problem } from './problems';
import { type Route, route } from './route';
import { noBody, pageOf, pageQuery, readCursor, storeParams, time, timeOrNull, writeCursor } from './schemas';

export const skuSchema = z.string().min(1).max(SKU_LENGTH_MAX);
/** Skus that one question may name. */
const SKUS_ASKED_MAX = 100;
const receiptIdSchema = z
  .string()
  .min(1)
  .max(RECEIPT_ID_LENGTH_MAX)
  .describe('Yours; the same one again changes nothing.');

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
    ageSeconds: z.number().int().describe('From its giving to its settling, or until now.'),
  })
  .meta({ id: 'Transfer' });

const transferCursor = z.strictObject({
  createdAt: z.number().int(),
  giver: z.string(),
  incarnation: z.number().int(),
  sequence: z.number().int(),
});

const receiptSchema = z
  .object({ receiptId: z.string(), booked: z.boolean(), lines: z.number().int(), units: z.number().int() })
  .meta({ id: 'Receipt' });

/** What a receipt can't be booked for, as a problem. */
async function orConflict<T>(booking: Promise<T>): Promise<T> {
  try {
    return await booking;
  } catch (error) {
    if (error instanceof ReceiptConflictError) throw new Problem(409, 'receipt-conflict', error.message);
    if (error instanceof ReceiptFileError) throw new Problem(422, 'bad-file', error.message);
    throw error;
  }
}

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
      receiptId: receiptIdSchema,
      lines: z
        .array(z.strictObject({ sku: skuSchema, quantity: z.number().int().min(1).max(LINE_QUANTITY_MAX) }))
        .min(1)
        .max(INVENTORY_LINES_MAX),
    }),
    idempotent: true,
    responses: {
      200: { description: 'Booked now, or before.', schema: receiptSchema },
      409: { description: 'A receipt of that id was booked with other lines.' },
      ...AT_THE_PRIMARY,
    },
    handle: async ({ context, store, body }) => {
      const { receiptId, lines } = body;
      return { status: 200, body: await orConflict(bookReceiptLines(context, store.store, receiptId, lines)) };
    },
  }),
  route({
    method: 'put',
    path: '/v1/stores/{store}/inventory/receipts/{receiptId}',
    tag: 'inventory',
    operationId: 'bookReceiptFile',
    summary: 'As bookReceipt, for many lines: CSV with the columns sku and quantity',
    roles: ['integrator', 'operator'],
    params: storeParams.extend({ receiptId: receiptIdSchema }),
    query: z.strictObject({}),
    body: z.undefined(),
    streamBody: { 'text/csv': z.string().meta({ example: 'sku,quantity\n10002,12\n' }) },
    idempotent: false,
    responses: {
      200: { description: 'Booked now, or before.', schema: receiptSchema },
      409: { description: 'A receipt of that id was booked with other lines.' },
      ...AT_THE_PRIMARY,
      422: { description: 'A bad row, named by its line; nothing was booked.' },
    },
    handle: async ({ context, store, params, stream }) => {
      const { receiptId } = params;
      return { status: 200, body: await orConflict(bookReceiptFile(context, store.store, receiptId, stream)) };
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
      const skus = query.sku?.split(',');
      if (skus && skus.length > SKUS_ASKED_MAX) {
        throw new Problem(
          400,
          'invalid-request',
          `${skus.length} skus are asked for: at most ${SKUS_ASKED_MAX} at once`,
        );
      }
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
      const after = query.after === undefined ? undefined : readCursor(query.after, transferCursor);
      if (after === null)
        throw new Problem(400, 'invalid-cursor', `"${String(query.after)}" is no cursor of this list`);
      const states = query.state ? [query.state] : TRANSFER_STATES;
      const transfers = await listTransfers(context.db, store.store, {
        states,
        limit: query.limit,
        ...(after ? { after } : {}),
      });
      const now = context.runtime.clock.now();
      const items = transfers.map(({ id, taker, state, lines, units, cause, payloadId, createdAt, settledAt }) => ({
        ...{ transfer: formatTransferId(id), giver: id.giver, taker, state, lines, units, cause, document: payloadId },
        createdAt: time(createdAt),
        settledAt: timeOrNull(settledAt),
        ageSeconds: Math.max(0, Math.floor(((settledAt ?? now) - createdAt) / 1000)),
      }));
      const last = transfers.length === query.limit ? transfers.at(-1) : undefined;
      const next = last ? writeCursor({ createdAt: last.createdAt, ...last.id }) : null;
      return { status: 200, body: { items, next } };
    },
  }),
];
