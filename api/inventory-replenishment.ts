/** When items are short at this site, and what it asks of its parent then (figure 11). */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { lookForShortItems } from '../activities/inventory/replenishment-request';
import { setThreshold } from '../activities/inventory/thresholds';
import { type StoredThreshold, findThreshold, listReplenishments, listThresholds } from '../db/inventory';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { Problem, notFound } from './problems';
import { type Route, STAFF, route } from './route';
import {
  noBody,
  noQuery,
  pageOf,
  pageQuery,
  requireCursor,
  storeParams,
  time,
  timeOrNull,
  writeCursor,
} from './schemas';
import { acceptedSchema } from './workflow-requests';

/** Longest time that stock may be asked to last, days. */
const DAYS_MAX = 3_650;

const formSchema = z
  .union([
    z.strictObject({ units: z.number().int().min(0).max(LINE_QUANTITY_MAX) }),
    z.strictObject({ percentage: z.number().min(0).max(100).describe('Of the last grant.') }),
    z.strictObject({ days: z.number().min(0).max(DAYS_MAX).describe('That the stock should still last.') }),
    z.strictObject({
      value: z.number().min(0).lt(1).describe('The chance of being short within the horizon that is still borne.'),
    }),
  ])
  .meta({ id: 'Threshold', example: { units: 5 } });

const ruleSchema = z.strictObject({
  threshold: formSchema.describe('Below it, the item is short.'),
  refillTo: formSchema.optional().describe('What it is to have then; twice the threshold unless given.'),
});

const itemSchema = z
  .object({
    sku: z.string(),
    own: ruleSchema.nullable().describe("Set for this item; null: the store's configuration decides."),
    thresholdUnits: z.number().int().describe('What the rule comes to now; 0: never short.'),
    refillUnits: z.number().int(),
  })
  .meta({ id: 'ItemThreshold' });

const lineSchema = z.object({ sku: z.string(), quantity: z.number().int() });

const replenishmentSchema = z
  .object({
    request: z.string(),
    parent: z.string(),
    state: z.enum(['asked', 'answered']),
    lines: z.array(lineSchema),
    answers: z.array(
      z.object({
        sku: z.string(),
        asked: z.number().int(),
        outcome: z.enum(['full', 'part', 'unavailable', 'substitute']),
        granted: z.number().int(),
        reason: z.enum(['sold-out', 'not-kept']).optional(),
        instead: lineSchema.optional().describe('Another item, given for what was missing.'),
      }),
    ),
    createdAt: z.iso.datetime(),
    answeredAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Replenishment' });

const cursorSchema = z.strictObject({ createdAt: z.number().int(), request: z.string() });
const skuParams = storeParams.extend({ sku: z.string().min(1).max(SKU_LENGTH_MAX) });
const shared = { tag: 'inventory', roles: STAFF, query: noQuery } as const;

function shown({ sku, ownRule: own, thresholdUnits, refillUnits }: StoredThreshold): z.output<typeof itemSchema> {
  return { sku, own, thresholdUnits, refillUnits };
}

export const inventoryReplenishmentRoutes: readonly Route[] = [
  route({
    ...shared,
    method: 'get',
    path: '/v1/stores/{store}/inventory/thresholds',
    operationId: 'listThresholds',
    summary: 'When the items of this site are short, by sku',
    params: storeParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of thresholds.', schema: pageOf(itemSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit, after = '' } = query;
      const items = (await listThresholds(context.db, store.store, { limit, after })).map(shown);
      return { status: 200, body: { items, next: items.length === limit ? (items.at(-1)?.sku ?? null) : null } };
    },
  }),
  route({
    ...shared,
    method: 'get',
    path: '/v1/stores/{store}/inventory/thresholds/{sku}',
    operationId: 'getThreshold',
    summary: 'When an item of this site is short',
    params: skuParams,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'Its threshold.', schema: itemSchema },
      404: { description: 'The item has none: it is never short.' },
    },
    handle: async ({ context, store, params }) => {
      const found = await findThreshold(context.db, store.store, params.sku);
      if (!found)
        throw notFound(
          `"${params.sku}" has no threshold at site "${context.site}": it is never short until one is set`,
        );
      return { status: 200, body: shown(found) };
    },
  }),
  route({
    ...shared,
    method: 'put',
    path: '/v1/stores/{store}/inventory/thresholds/{sku}',
    operationId: 'setThreshold',
    summary: 'Set when an item of this site is short, whatever the configuration says',
    params: skuParams,
    body: ruleSchema,
    idempotent: false,
    responses: { 200: { description: 'What it comes to now.', schema: itemSchema } },
    handle: async ({ context, store, params, body }) => {
      return { status: 200, body: shown(await setThreshold(context, store, params.sku, body)) };
    },
  }),
  route({
    ...shared,
    method: 'delete',
    path: '/v1/stores/{store}/inventory/thresholds/{sku}',
    operationId: 'removeThreshold',
    summary: "The store's rule holds for the item again",
    params: skuParams,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'What it comes to now.', schema: itemSchema },
      404: { description: 'Nothing was set for the item.' },
    },
    handle: async ({ context, store, params }) => {
      const found = await findThreshold(context.db, store.store, params.sku);
      if (!found?.ownRule) throw notFound(`nothing was set for "${params.sku}" at site "${context.site}"`);
      return { status: 200, body: shown(await setThreshold(context, store, params.sku, null)) };
    },
  }),
  route({
    ...shared,
    method: 'post',
    path: '/v1/stores/{store}/inventory/replenishments',
    operationId: 'replenishInventory',
    summary: 'Look now what this site is short of, and ask its parent for it (workflow inventoryReplenishment)',
    params: storeParams,
    body: noBody,
    idempotent: false,
    responses: {
      202: { description: 'Started or told, or queued while Temporal is away.', schema: acceptedSchema },
      422: { description: 'This site has no parent that it could ask.' },
    },
    handle: async ({ context, store, caller }) => {
      const workflowId = await lookForShortItems(context, store.store, `${caller.role}:${caller.id}`);
      if (workflowId === null) {
        throw new Problem(422, 'no-parent', `"${context.site}" is the primary: there is no parent to ask for stock`);
      }
      const statusUrl = `${context.url}/v1/stores/${store.store}/workflows/${encodeURIComponent(workflowId)}`;
      const body = { workflowId, statusUrl, temporalUi: workflowPage(context, workflowId) };
      return { status: 202, headers: { Location: statusUrl }, body };
    },
  }),
  route({
    ...shared,
    method: 'get',
    path: '/v1/stores/{store}/inventory/replenishments',
    operationId: 'listReplenishments',
    summary: 'What this site asked of its parent, newest first, and what it was answered',
    params: storeParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of requests.', schema: pageOf(replenishmentSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit } = query;
      const after = query.after === undefined ? undefined : requireCursor(query.after, cursorSchema);
      const asked = await listReplenishments(context.db, store.store, { limit, ...(after ? { after } : {}) });
      const items = asked.map(({ request, parent, lines, answers, createdAt, answeredAt }) => ({
        ...{ request, parent, state: answers ? ('answered' as const) : ('asked' as const), lines },
        ...{ answers: answers ?? [], createdAt: time(createdAt), answeredAt: timeOrNull(answeredAt) },
      }));
      const last = asked.length === limit ? asked.at(-1) : undefined;
      const next = last ? writeCursor({ createdAt: last.createdAt, request: last.request }) : null;
      return { status: 200, body: { items, next } };
    },
  }),
];
