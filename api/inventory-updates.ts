/** Unsolicited changes of a site's stock (figure 13), and reallocation to a site that lacks some (figure 12). */
import { z } from 'zod';
import { digestOfUpdate } from '../activities/inventory/updates';
import { UpdateConflictError, listUpdates, noteUpdate } from '../db/inventory';
import { loadTopology } from '../db/topology';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { INVENTORY_LINES_MAX, UPDATE_KINDS } from '../domain/inventory';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { type Topology, childrenOf } from '../domain/sites';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type InventoryReallocationInput, type InventoryUpdateInput } from '../domain/workflow-inputs';
import { Problem } from './problems';
import { type Route, STAFF, route } from './route';
import {
  flagSchema,
  nameSchema,
  noBody,
  noQuery,
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
const unitsSchema = z.number().int().min(1).max(LINE_QUANTITY_MAX);
/** Of a workflow's id, so without a slash. */
const updateIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 of letters, digits, ".", "_" and "-"')
  .describe('Yours; the same one again changes nothing.');

const lineSchema = z.object({ sku: z.string(), quantity: z.number().int() });

const updateSchema = z
  .object({
    updateId: z.string(),
    site: z.string(),
    kind: z.enum(UPDATE_KINDS),
    state: z.enum(['asked', 'applied']),
    added: z.array(lineSchema),
    taken: z.array(lineSchema),
    short: z.array(lineSchema).describe('What was to be taken and was not there.'),
    createdAt: z.iso.datetime(),
    appliedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'InventoryUpdate' });

const updateCursor = z.strictObject({ createdAt: z.number().int(), updateId: z.string() });

/** A parent asks for its own stock and that of its children; the primary for everybody's. */
function requireBelow(topology: Topology, site: string, named: string): void {
  const below = topology.primary === site ? topology.sites : childrenOf(topology, site);
  if (named === site || below.some((known) => known.site === named)) return;
  throw new Problem(422, 'unknown-site', `"${named}" is neither "${site}" nor a site below it`);
}

export const inventoryUpdateRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/updates',
    tag: 'inventory',
    operationId: 'updateInventory',
    summary: "Change a site's stock by what has happened there: once per id (workflow inventoryUpdate)",
    roles: STAFF,
    params: storeParams,
    query: noQuery,
    body: z
      .strictObject({
        updateId: updateIdSchema,
        site: nameSchema.describe('Whose stock it is: this site, or one below it.'),
        kind: z.enum(UPDATE_KINDS),
        lines: z
          .array(
            z.strictObject({
              sku: skuSchema,
              quantity: z.number().int().min(0).max(LINE_QUANTITY_MAX),
              expected: z
                .number()
                .int()
                .min(0)
                .max(LINE_QUANTITY_MAX)
                .optional()
                .describe('Of a count: the units that the books had when it was counted.'),
            }),
          )
          .min(1)
          .max(INVENTORY_LINES_MAX),
      })
      .refine(({ kind, lines }) => lines.every(({ expected }) => (kind === 'count') === (expected !== undefined)), {
        path: ['lines'],
        error: 'a count says for each line what was expected, and nothing else does',
      })
      .refine(({ kind, lines }) => kind === 'count' || lines.every(({ quantity }) => quantity > 0), {
        path: ['lines'],
        error: 'only a count may find 0 units',
      })
      .refine(({ lines }) => new Set(lines.map(({ sku }) => sku)).size === lines.length, {
        path: ['lines'],
        error: 'must name each item once',
      })
      .meta({
        example: {
          updateId: 'shrinkage-2026-07',
          site: 'hq',
          kind: 'shrinkage',
          lines: [{ sku: '10002', quantity: 1 }],
        },
      }),
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      409: { description: 'An update of that id asked for something else.' },
      422: { description: 'There is no such site below this one, or it has no parent that could recall.' },
    },
    handle: async (request) => {
      const { context, store, body } = request;
      const { updateId, site, kind } = body;
      const own = await loadTopology(context.db, store.store);
      requireBelow(own.topology, own.site, site);
      if (kind === 'recall' && site === own.topology.primary) {
        throw new Problem(422, 'no-parent', `"${site}" is the primary: there is no parent to recall its stock`);
      }
      const lines = body.lines.map(({ expected, ...line }) => (expected === undefined ? line : { ...line, expected }));
      const update = { store: store.store, updateId, site, kind, lines };
      try {
        await context.db.transaction((tx) =>
          noteUpdate(tx, { ...update, digest: digestOfUpdate(update) }, context.runtime.clock.now()),
        );
      } catch (error) {
        if (error instanceof UpdateConflictError) throw new Problem(409, 'document-conflict', error.message);
        throw error;
      }
      const id = { store: store.store, site, update: updateId };
      const input: InventoryUpdateInput = { ...id, asker: own.site, kind, lines, topology: own.topology };
      const workflowId = formatWorkflowId('inventoryUpdate', id);
      return startWorkflow(request, { kind: 'inventoryUpdate', workflowId, input, epoch: own.topology.epoch });
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/updates',
    tag: 'inventory',
    operationId: 'listInventoryUpdates',
    summary: 'Updates asked for here or applied here, newest first, with what could not be taken',
    roles: STAFF,
    params: storeParams,
    query: pageQuery.extend({ short: flagSchema.describe('Only those of which something could not be taken.') }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of updates.', schema: pageOf(updateSchema) } },
    handle: async ({ context, store, query }) => {
      const after = query.after === undefined ? undefined : readCursor(query.after, updateCursor);
      if (after === null)
        throw new Problem(400, 'invalid-cursor', `"${String(query.after)}" is no cursor of this list`);
      const { limit, short } = query;
      const updates = await listUpdates(context.db, store.store, { limit, short, ...(after ? { after } : {}) });
      const items = updates.map(({ updateId, site, kind, result, createdAt, appliedAt }) => ({
        ...{ updateId, site, kind, state: result ? ('applied' as const) : ('asked' as const) },
        ...{ added: result?.added ?? [], taken: result?.taken ?? [], short: result?.short ?? [] },
        ...{ createdAt: time(createdAt), appliedAt: timeOrNull(appliedAt) },
      }));
      const last = updates.length === limit ? updates.at(-1) : undefined;
      const next = last ? writeCursor({ createdAt: last.createdAt, updateId: last.updateId }) : null;
      return { status: 200, body: { items, next } };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/reallocations',
    tag: 'inventory',
    operationId: 'reallocateInventory',
    summary:
      'Give a child what it lacks of these units, from the pool and from other children (workflow inventoryReallocation)',
    roles: STAFF,
    params: storeParams,
    query: noQuery,
    body: z.strictObject({
      taker: nameSchema.describe('A child of this site, or this site.'),
      lines: z
        .array(z.strictObject({ sku: skuSchema, quantity: unitsSchema.describe('Units that it is to have.') }))
        .min(1)
        .max(INVENTORY_LINES_MAX),
    }),
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      422: { description: 'There is no such child of this site.' },
    },
    handle: async (request) => {
      const { context, store, body } = request;
      const { topology, site } = await loadTopology(context.db, store.store);
      const { taker, lines } = body;
      if (taker !== site && !childrenOf(topology, site).some((child) => child.site === taker)) {
        throw new Problem(422, 'unknown-site', `"${taker}" is no child of "${site}"`);
      }
      const id = { store: store.store, site, request: context.runtime.ids.uuid() };
      const input: InventoryReallocationInput = { ...id, wanted: { taker, lines }, topology };
      const workflowId = formatWorkflowId('inventoryReallocation', id);
      return startWorkflow(request, { kind: 'inventoryReallocation', workflowId, input, epoch: topology.epoch });
    },
  }),
];
