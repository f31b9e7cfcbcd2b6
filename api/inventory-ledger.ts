/** What has changed this site's rights to an item. */
import { z } from 'zod';
import { type ShownMovement, movementsOfItem } from '../db/inventory';
import { skuSchema } from './inventory';
import { type Route, STAFF, route } from './route';
import { noBody, pageOf, pageQuery, requireCursor, storeParams, time, writeCursor } from './schemas';

export const movementSchema = z
  .object({
    movement: z.string(),
    kind: z.string(),
    account: z.string(),
    sku: z.string(),
    quantity: z.number().int().describe('Negative where units left.'),
    cause: z.string(),
    recordedAt: z.iso.datetime(),
  })
  .meta({ id: 'StockMovement' });

const cursorSchema = z.strictObject({
  recordedAt: z.number().int(),
  movement: z.string(),
  account: z.enum(['own', 'pool']),
});

export function shownMovement({ recordedAt, ...rest }: ShownMovement): z.output<typeof movementSchema> {
  return { ...rest, recordedAt: time(recordedAt) };
}

export const inventoryLedgerRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/ledger',
    tag: 'inventory',
    operationId: 'listMovements',
    summary: 'Every movement of an item at this site, newest first: what its level is made of',
    roles: STAFF,
    params: storeParams,
    query: pageQuery.extend({ sku: skuSchema }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of movements.', schema: pageOf(movementSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit, sku } = query;
      const after = query.after === undefined ? undefined : requireCursor(query.after, cursorSchema);
      const movements = await movementsOfItem(context.db, store.store, sku, { limit, after });
      const last = movements.length === limit ? movements.at(-1) : undefined;
      const next = last
        ? writeCursor({ recordedAt: last.recordedAt, movement: last.movement, account: last.account })
        : null;
      return { status: 200, body: { items: movements.map(shownMovement), next } };
    },
  }),
];
