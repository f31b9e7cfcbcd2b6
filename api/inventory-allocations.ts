/** Sharing the pool out to the sites, and the demand that it goes by (figure 8). */
import { z } from 'zod';
import { type AllocationTerms, previewAllocation, takersOf } from '../activities/inventory/allocating';
import { demandOfItems } from '../activities/inventory/demand';
import { itemsAskedFor } from '../db/inventory';
import { loadTopology, requirePrimacy } from '../db/topology';
import { INVENTORY_LINES_MAX, SHARING_RULES, type Share, type StockLine, unitsOf } from '../domain/inventory';
import { type Topology, childrenOf } from '../domain/sites';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type InventoryAllocationInput } from '../domain/workflow-inputs';
import { skuSchema } from './inventory';
import { AT_THE_PRIMARY } from './primary';
import { Problem } from './problems';
import { type Route, type RouteRequest, STAFF, route } from './route';
import { nameSchema, noBody, pageOf, pageQuery, storeParams } from './schemas';
import { acceptedSchema, startWorkflow } from './workflow-requests';

/** Sites that one allocation may name. */
const SITES_ASKED_MAX = 200;
/** Largest part of one site. */
const PART_MAX = 1_000_000;
/** Items that a dry run lists; of the others it says how many there are. */
const ITEMS_SHOWN_MAX = 200;

const allocationSchema = z
  .strictObject({
    sites: z
      .array(nameSchema)
      .max(SITES_ASKED_MAX)
      .default([])
      .describe('Takers; none for all children of the primary.'),
    skus: z.array(skuSchema).max(INVENTORY_LINES_MAX).default([]).describe('Items; none for all of the pool.'),
    ownShare: z.boolean().default(false).describe('The primary takes a share too, for its own sales.'),
    by: z
      .enum(SHARING_RULES)
      .optional()
      .describe('Equally, by measured demand, in fixed parts, or by value; else as `inventory.allocation` says.'),
    shares: z
      .record(nameSchema, z.number().min(0).max(PART_MAX))
      .optional()
      .describe('By `shares`: the part of each site; only the proportions count, and who is not named gets nothing.'),
    only: z
      .boolean()
      .default(false)
      .describe('The sites named get no more than their share of what all would get; the rest stays in the pool.'),
    dryRun: z.boolean().default(false).describe('Only say who would get what.'),
  })
  .refine(({ by, shares }) => shares === undefined || by === undefined || by === 'shares', {
    path: ['shares'],
    error: 'go with "by": "shares"',
  })
  .refine(({ only, sites }) => !only || sites.length > 0, {
    path: ['sites'],
    error: 'must name the sites that get their share, where "only" is true',
  });

const sumSchema = z.object({ units: z.number().int(), lines: z.number().int() });

const dryRunSchema = z
  .object({
    by: z.enum(SHARING_RULES),
    pool: sumSchema,
    sites: z.array(sumSchema.extend({ site: z.string() })),
    rest: sumSchema.describe('What stays in the pool.'),
    items: z
      .array(
        z.object({
          sku: z.string(),
          pool: z.number().int(),
          gets: z.array(z.object({ site: z.string(), quantity: z.number().int() })),
          rest: z.number().int(),
        }),
      )
      .describe('The first of the items, by their skus.'),
    itemsLeftOut: z.number().int(),
  })
  .meta({ id: 'AllocationDryRun' });

const demandSchema = z
  .object({
    sku: z.string(),
    sites: z.array(
      z.object({
        site: z.string(),
        unitsPerDay: z.number(),
        linesPerDay: z.number(),
      }),
    ),
  })
  .meta({ id: 'Demand' });

type AllocationBody = z.output<typeof allocationSchema>;

function termsOf(
  { store, body }: RouteRequest<unknown, unknown, AllocationBody>,
  topology: Topology,
): Required<AllocationTerms> {
  const { sites, skus, ownShare, only } = body;
  const children = childrenOf(topology, topology.primary).map(({ site }) => site);
  const known = children.join(', ') || 'none';
  const stranger = sites.find((site) => !children.includes(site));
  if (stranger !== undefined) {
    throw new Problem(422, 'unknown-site', `"${stranger}" is no child of the primary (its children: ${known})`);
  }
  const usual = store.inventory.allocation;
  const by = body.by ?? (body.shares ? 'shares' : usual.by);
  const shares = by === 'shares' ? (body.shares ?? usual.shares) : {};
  const terms = { store: store.store, sites, skus, ownShare, sharing: { by, shares, only } };
  if (by === 'shares') requireParts(shares, topology, terms);
  return terms;
}

/** Parts that no taker has any of would share equally, which nobody asked for. */
function requireParts(shares: Readonly<Record<string, number>>, topology: Topology, terms: AllocationTerms): void {
  const { among } = takersOf(topology.primary, topology, terms);
  const takers = among.join(', ') || 'none';
  const stranger = Object.keys(shares).find((site) => !topology.sites.some((known) => known.site === site));
  if (stranger !== undefined) throw new Problem(422, 'unknown-site', `"${stranger}" has a part, and is no site`);
  if (!among.some((site) => (shares[site] ?? 0) > 0)) {
    throw new Problem(422, 'no-parts', `no taker has a part: name one of them in "shares" (takers: ${takers})`);
  }
}

function sumOf(lines: readonly StockLine[]): z.output<typeof sumSchema> {
  return { units: unitsOf(lines), lines: lines.filter(({ quantity }) => quantity > 0).length };
}

function dryRunOf(
  by: AllocationBody['by'],
  pool: readonly StockLine[],
  shares: readonly Share[],
): Record<string, unknown> {
  const gets = new Map<string, { site: string; quantity: number }[]>(pool.map(({ sku }) => [sku, []]));
  for (const { taker, lines } of shares) {
    for (const { sku, quantity } of lines) gets.get(sku)?.push({ site: taker, quantity });
  }
  const items = pool.map(({ sku, quantity }) => {
    const given = gets.get(sku) ?? [];
    return { sku, pool: quantity, gets: given, rest: quantity - given.reduce((sum, each) => sum + each.quantity, 0) };
  });
  return {
    ...{ by, pool: sumOf(pool), sites: shares.map(({ taker, lines }) => ({ site: taker, ...sumOf(lines) })) },
    rest: sumOf(items.map(({ sku, rest }) => ({ sku, quantity: rest }))),
    items: items.slice(0, ITEMS_SHOWN_MAX),
    itemsLeftOut: Math.max(0, items.length - ITEMS_SHOWN_MAX),
  };
}

export const inventoryAllocationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/allocations',
    tag: 'inventory',
    operationId: 'allocateInventory',
    summary: 'Share the pool out to the sites (workflow inventoryAllocation), or say who would get what',
    roles: STAFF,
    params: storeParams,
    query: z.strictObject({}),
    body: allocationSchema,
    idempotent: true,
    responses: {
      200: { description: 'A dry run: who would get what. Nothing has changed.', schema: dryRunSchema },
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      ...AT_THE_PRIMARY,
      422: { description: 'A site is no child of the primary, or no taker has a part.' },
    },
    handle: async (request) => {
      const { context, store, body } = request;
      const { topology } = await loadTopology(context.db, store.store);
      await context.db.transaction((tx) => requirePrimacy(tx, store.store, topology.epoch));
      const terms = termsOf(request, topology);
      if (body.dryRun) {
        const { pool, shares } = await previewAllocation(context, terms);
        return { status: 200, body: dryRunOf(terms.sharing.by, pool, shares) };
      }
      const input: InventoryAllocationInput = { ...terms, request: context.runtime.ids.uuid(), topology };
      return startWorkflow(request, {
        kind: 'inventoryAllocation',
        workflowId: formatWorkflowId('inventoryAllocation', { store: store.store, request: input.request }),
        input,
        epoch: topology.epoch,
      });
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/demand',
    tag: 'inventory',
    operationId: 'listDemand',
    summary: 'Measured demand of each item a day, at this site and at its children with what is below them',
    roles: STAFF,
    params: storeParams,
    query: pageQuery.extend({ sku: skuSchema.optional() }),
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of items.', schema: pageOf(demandSchema) } },
    handle: async ({ context, store, query }) => {
      const { limit, after = '', sku } = query;
      const { db, site } = context;
      const { topology } = await loadTopology(db, store.store);
      const sites = [site, ...childrenOf(topology, site).map((child) => child.site)];
      const skus = sku === undefined ? await itemsAskedFor(db, store.store, { after, limit }) : [sku];
      const demand = await demandOfItems(context, db, store.store, skus, sites);
      const items = [...demand].map(([item, bySite]) => ({
        sku: item,
        sites: [...bySite].map(([name, { unitsPerDay, linesAbove }]) => ({
          ...{ site: name, unitsPerDay, linesPerDay: linesAbove[0] ?? 0 },
        })),
      }));
      const isFull = sku === undefined && items.length === limit;
      return { status: 200, body: { items, next: isFull ? (skus.at(-1) ?? null) : null } };
    },
  }),
];
