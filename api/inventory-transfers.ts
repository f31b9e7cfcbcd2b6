/** Single transfers: brought to this site, traced, moved by an operator, taken back. */
import { z } from 'zod';
import { workflowPage } from '../activities/context';
import { moveStock } from '../activities/inventory/moving';
import { DocumentRefusedError, creditAllocation } from '../activities/inventory/transfer-documents';
import { refuseHere, takeBack } from '../activities/inventory/voiding';
import { readAllocation, writeAllocation } from '../cxml/inventory';
import { DOCUMENT_BYTES_MAX, XmlError } from '../cxml/reader';
import { DocumentConflictError } from '../db/inbox';
import { TransferRefusedError, findTransfer, linesOfTransfer, movementsOfTransfer } from '../db/inventory';
import { loadTopology } from '../db/topology';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { INVENTORY_LINES_MAX, type TransferId, formatTransferId, intakeOf, parseTransferId } from '../domain/inventory';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { INVENTORY_XML, bytesOf } from './inventory-borrowing';
import { movementSchema, shownMovement } from './inventory-ledger';
import { Problem, notFound } from './problems';
import { type Route, STAFF, route } from './route';
import { idSchema, nameSchema, noBody, noQuery, storeParams, time, timeOrNull } from './schemas';
import { acceptedSchema } from './workflow-requests';

const transferParams = storeParams.extend({ transfer: idSchema.describe('giver.incarnation.sequence') });

const traceSchema = z
  .object({
    transfer: z.string(),
    giver: z.string(),
    taker: z.string(),
    takerIncarnation: z.number().int().nullable(),
    state: z.string(),
    cause: z.string(),
    document: z.string(),
    createdAt: z.iso.datetime(),
    settledAt: z.iso.datetime().nullable(),
    lines: z.array(z.object({ sku: z.string(), quantity: z.number().int() })),
    movements: z.array(movementSchema).describe("What this site's ledger has of it."),
  })
  .meta({ id: 'TransferTrace' });

const stateSchema = z.object({ transfer: z.string(), state: z.string() }).meta({ id: 'TransferState' });

const DOCUMENT = z.string().meta({
  example: writeAllocation({
    envelope: {
      ...{ payloadID: '1767225600000.transfer-hq.1.1.1@shop.example', timestamp: Date.UTC(2026, 0, 1) },
      ...{ store: 'shop', domain: 'shop.example', sender: 'hq', receiver: 'north' },
    },
    ...{ transfer: { giver: 'hq', incarnation: 1, sequence: 1 }, takerIncarnation: 1 },
    lines: [{ sku: '10002', quantity: 2 }],
  }),
});

function idOf(text: string): TransferId {
  const id = parseTransferId(text);
  if (!id) throw notFound(`"${text}" is no transfer: giver.incarnation.sequence, for example "hq.1.7"`);
  return id;
}

export const inventoryTransferRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/transfers',
    tag: 'inventory',
    operationId: 'creditTransfer',
    summary: 'A giver brings what it has debited: an InventoryAllocation, credited once',
    roles: ['site'],
    params: storeParams,
    query: noQuery,
    body: z.undefined(),
    streamBody: { 'text/xml': DOCUMENT, 'application/xml': DOCUMENT },
    bodyBytesMax: DOCUMENT_BYTES_MAX,
    idempotent: false,
    responses: {
      200: { description: 'An InventoryConfirmation.', contentType: 'text/xml' },
      400: { description: 'Not an InventoryAllocation from the calling site for this one.' },
      409: { description: 'Refused for ever: it was given up, or came before with other lines.' },
    },
    handle: async (request) => {
      const { context, store, caller } = request;
      const bytes = await bytesOf(request);
      try {
        const { sender, store: named } = readAllocation(bytes).envelope;
        if (sender !== caller.id || named !== store.store) {
          throw new Problem(400, 'bad-document', `the document is of "${sender}" for ${named}; "${caller.id}" sent it`);
        }
        const { xml } = await creditAllocation(context, store.store, bytes);
        return { status: 200, contentType: INVENTORY_XML, body: xml };
      } catch (error) {
        if (error instanceof XmlError) throw new Problem(400, 'bad-document', error.withValue);
        if (error instanceof DocumentRefusedError) throw new Problem(400, 'bad-document', error.message);
        if (error instanceof DocumentConflictError || error instanceof TransferRefusedError) {
          throw new Problem(409, 'document-conflict', error.message);
        }
        throw error;
      }
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/inventory/transfers/{transfer}',
    tag: 'inventory',
    operationId: 'traceTransfer',
    summary: 'One transfer as this site has it, unit by unit',
    roles: STAFF,
    params: transferParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'The transfer.', schema: traceSchema },
      404: { description: 'This site has no part in such a transfer.' },
    },
    handle: async ({ context, store, params }) => {
      const id = idOf(params.transfer);
      const found = await findTransfer(context.db, store.store, id);
      if (!found) throw notFound(`site "${context.site}" has no part in transfer ${params.transfer}`);
      const movements = await movementsOfTransfer(context.db, store.store, id);
      const { taker, takerIncarnation, state, cause, payloadId: document, createdAt, settledAt } = found;
      return {
        status: 200,
        body: {
          ...{ transfer: formatTransferId(id), giver: id.giver, taker, takerIncarnation, state, cause, document },
          ...{ createdAt: time(createdAt), settledAt: timeOrNull(settledAt) },
          lines: await linesOfTransfer(context.db, store.store, id),
          movements: movements.map(shownMovement),
        },
      };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/transfers/{transfer}/refusals',
    tag: 'inventory',
    operationId: 'refuseTransfer',
    summary: 'A giver wants a transfer back: this site will never credit it, unless it has',
    roles: ['site'],
    params: transferParams,
    query: z.strictObject({ takerIncarnation: z.coerce.number().int().min(0).optional() }),
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'What holds from now on: tombstone, credited or stranded.', schema: stateSchema },
      404: { description: 'That is no transfer of the calling site.' },
    },
    handle: async ({ context, store, params, query, caller }) => {
      const id = idOf(params.transfer);
      if (id.giver !== caller.id) throw notFound(`transfer ${params.transfer} is not of site "${caller.id}"`);
      const state = await refuseHere(context, store.store, id, query.takerIncarnation ?? null);
      return { status: 200, body: { transfer: params.transfer, state } };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/transfers/{transfer}/voids',
    tag: 'inventory',
    operationId: 'voidTransfer',
    summary: 'Take a transfer that this site gave back: its taker refuses it for ever first',
    roles: ['operator'],
    params: transferParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'void; or credited or stranded, where it is too late.', schema: stateSchema },
      404: { description: 'This site gave no such transfer.' },
      503: { description: 'The taker does not answer: nothing was changed.' },
    },
    handle: async ({ context, store, params }) => {
      const id = idOf(params.transfer);
      const given = id.giver === context.site ? await findTransfer(context.db, store.store, id) : undefined;
      if (!given) throw notFound(`site "${context.site}" gave no transfer ${params.transfer}`);
      try {
        return { status: 200, body: { transfer: params.transfer, state: await takeBack(context, store, id) } };
      } catch (err) {
        context.log.warn({ store: store.store, transfer: params.transfer, err }, 'a transfer could not be taken back');
        throw new Problem(
          503,
          'site-away',
          `"${given.taker}" does not answer, and may credit the transfer yet: try again`,
        );
      }
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/inventory/moves',
    tag: 'inventory',
    operationId: 'moveInventory',
    summary: 'Move units from this site to another (workflow inventoryReallocation)',
    roles: ['operator'],
    params: storeParams,
    query: noQuery,
    body: z
      .strictObject({
        to: nameSchema,
        account: z.enum(['own', 'pool']).optional().describe('Unless given: the pool of a parent, else own.'),
        lines: z
          .array(
            z.strictObject({
              sku: z.string().min(1).max(SKU_LENGTH_MAX),
              quantity: z.number().int().min(1).max(LINE_QUANTITY_MAX),
            }),
          )
          .min(1)
          .max(INVENTORY_LINES_MAX),
      })
      .meta({ example: { to: 'north', lines: [{ sku: '10002', quantity: 1 }] } }),
    idempotent: true,
    responses: {
      202: {
        description: 'The units have left this site and are on their way.',
        schema: acceptedSchema.extend({ transfer: z.string() }).meta({ id: 'MoveAccepted' }),
      },
      409: { description: 'There is too little: nothing was moved.' },
      422: { description: 'There is no such other site.' },
    },
    handle: async ({ context, store, body }) => {
      const own = await loadTopology(context.db, store.store);
      const { topology, site } = own;
      const others = topology.sites.map((known) => known.site).filter((known) => known !== site);
      if (!others.includes(body.to)) {
        throw new Problem(422, 'unknown-site', `"${body.to}" is no other site of this store: ${others.join(', ')}`);
      }
      const account = body.account ?? intakeOf(own);
      const request = context.runtime.ids.uuid();
      const moved = await moveStock(context, store, { request, to: body.to, account, lines: body.lines });
      if (moved.outcome === 'short') {
        const said = moved.short.map(({ sku, requested, available }) => `${requested} of "${sku}", ${available} there`);
        throw new Problem(409, 'insufficient-stock', `too little in ${account}: ${said.join('; ')}`, {
          lines: moved.short,
        });
      }
      const { workflowId, transfer } = moved;
      const statusUrl = `${context.url}/v1/stores/${store.store}/workflows/${encodeURIComponent(workflowId)}`;
      const links = { statusUrl, temporalUi: workflowPage(context, workflowId) };
      return {
        status: 202,
        headers: { Location: statusUrl },
        body: { workflowId, ...links, transfer: formatTransferId(transfer) },
      };
    },
  }),
];
