/** What the sites of one tree ask each other while a buyer waits (figure 12). */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { offer, takePart } from '../activities/inventory/borrowing';
import {
  type BorrowingDocument,
  readBorrowing,
  writeBorrowing,
  writeLoan,
  writeOffer,
} from '../cxml/inventory-borrowing';
import { DOCUMENT_BYTES_MAX, XmlError } from '../cxml/reader';
import { DocumentConflictError } from '../db/inbox';
import { loadTopology } from '../db/topology';
import { type DocumentKind, type Envelope, formatPayloadID } from '../domain/documents';
import { INVENTORY_LINES_MAX } from '../domain/inventory';
import { Problem } from './problems';
import { type Reply, type Route, type RouteRequest, route } from './route';
import { storeParams } from './schemas';

export const INVENTORY_XML = 'text/xml; charset=UTF-8';
/** What a question that does not say how long it waits is given, milliseconds. */
const WAIT_DEFAULT_MS = 1_000;
/** Longest time that a site may be asked to work on an answer, milliseconds. */
const WAIT_MAX_MS = 30_000;

const DOCUMENT = z.string().meta({
  example: writeBorrowing({
    envelope: {
      ...{ payloadID: '1767225600000.c-north-1-1@shop.example', timestamp: Date.UTC(2026, 0, 1) },
      ...{ store: 'shop', domain: 'shop.example', sender: 'north', receiver: 'hq' },
    },
    ...{ name: 'c-north-1-1.1', taker: 'north', takerIncarnation: 1, lines: [{ sku: '10002', quantity: 2 }] },
  }),
});

const query = z.strictObject({
  waitMs: z.coerce
    .number()
    .int()
    .min(1)
    .max(WAIT_MAX_MS)
    .default(WAIT_DEFAULT_MS)
    .describe('For how long the answer is worth something, milliseconds.'),
});

type Asked = RouteRequest<unknown, z.output<typeof query>, unknown>;

const shared = {
  method: 'post',
  tag: 'inventory',
  roles: ['site'],
  params: storeParams,
  query,
  body: z.undefined(),
  streamBody: { 'text/xml': DOCUMENT, 'application/xml': DOCUMENT },
  bodyBytesMax: DOCUMENT_BYTES_MAX,
  idempotent: false,
} as const;

export const inventoryBorrowingRoutes: readonly Route[] = [
  route({
    ...shared,
    path: '/v1/stores/{store}/inventory/borrowings',
    operationId: 'borrowInventory',
    summary: 'An order at another site is short: give what there is, and find the rest; once per name',
    responses: {
      200: { description: 'An InventoryLoan: what was given, by whom.', contentType: 'text/xml' },
      400: { description: 'Not an InventoryBorrowing.' },
      409: { description: 'Other lines were asked for under that name.' },
    },
    handle: async (request) => {
      const { context, store, query: asked } = request;
      const deadline = context.runtime.clock.now() + asked.waitMs;
      const { document, bytes } = await readDocument(request);
      const { name: borrowing, taker, takerIncarnation, lines, envelope } = document;
      const digest = createHash('sha256').update(bytes).digest('hex');
      const about = { store: store.store, borrowing, asker: envelope.sender, taker, takerIncarnation };
      const own = { ...about, cartId: null, lines, digest };
      try {
        const loan = await takePart(context, store, own, deadline);
        const answer = answerTo(request, document, 'loan');
        return send(
          request,
          'InventoryLoan',
          answer,
          writeLoan({ envelope: answer, inReplyTo: envelope.payloadID, ...loan }),
        );
      } catch (error) {
        if (error instanceof DocumentConflictError) throw new Problem(409, 'document-conflict', error.message);
        throw error;
      }
    },
  }),
  route({
    ...shared,
    path: '/v1/stores/{store}/inventory/offers',
    operationId: 'offerInventory',
    summary: 'What this site and those below it could give to an order elsewhere, now; nothing is given',
    responses: {
      200: { description: 'An InventoryOffer.', contentType: 'text/xml' },
      400: { description: 'Not an InventoryBorrowing.' },
    },
    handle: async (request) => {
      const { context, store, query: asked } = request;
      const deadline = context.runtime.clock.now() + asked.waitMs;
      const { document } = await readDocument(request);
      const { name: borrowing, taker, takerIncarnation, envelope } = document;
      const lines = await offer(
        context,
        store,
        { borrowing, asker: envelope.sender, taker, takerIncarnation, lines: document.lines },
        deadline,
      );
      const answer = answerTo(request, document, 'offer');
      return send(
        request,
        'InventoryOffer',
        answer,
        writeOffer({ envelope: answer, inReplyTo: envelope.payloadID, lines }),
      );
    },
  }),
];

/** The document, if it is what it says it is: from the site that calls, for this one. */
async function readDocument(request: Asked): Promise<{ document: BorrowingDocument; bytes: Buffer }> {
  const { context, store, caller } = request;
  const bytes = await bytesOf(request);
  const document = parse(bytes);
  const { envelope, taker, lines } = document;
  const said = [envelope.store, envelope.sender, envelope.receiver];
  const known = [store.store, caller.id, context.site];
  if (said.join() !== known.join()) {
    throw new Problem(400, 'bad-document', `the document is of ${said.join(', ')}; it came as ${known.join(', ')}`);
  }
  const { topology } = await loadTopology(context.db, store.store);
  if (!topology.sites.some(({ site }) => site === taker) || taker === context.site) {
    throw new Problem(400, 'bad-document', `"${taker}" is no other site of this store`);
  }
  if (lines.length === 0 || lines.length > INVENTORY_LINES_MAX) {
    throw new Problem(400, 'bad-document', `${lines.length} lines: it takes 1 to ${INVENTORY_LINES_MAX}`);
  }
  return { document, bytes };
}

export async function bytesOf({ stream }: Pick<Asked, 'stream'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer): BorrowingDocument {
  try {
    return readBorrowing(bytes);
  } catch (error) {
    if (error instanceof XmlError) throw new Problem(400, 'bad-document', error.withValue);
    throw error;
  }
}

function answerTo({ context, store }: Asked, { name, envelope }: BorrowingDocument, what: 'loan' | 'offer'): Envelope {
  const now = context.runtime.clock.now();
  return {
    payloadID: formatPayloadID(now, `${what}-${context.site}-${name}`, 1, store.domain),
    ...{ timestamp: now, store: store.store, domain: store.domain, sender: context.site, receiver: envelope.sender },
  };
}

function send({ context }: Asked, kind: DocumentKind, { payloadID }: Envelope, xml: string): Reply {
  context.archiveDocument?.(kind, payloadID, xml);
  return { status: 200, contentType: INVENTORY_XML, body: xml };
}
