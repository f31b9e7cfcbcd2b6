/** The documents that sites fetch from their parent: cXML's subscription transactions. */
import { z } from 'zod';
import { openDocumentFile, planDocument, prepareDocument } from '../activities/catalog/documents';
import { viewOfSite } from '../activities/catalog/views';
import { readContentRequest, writeContentRequest, writeStatus } from '../cxml/catalog';
import { DOCUMENT_BYTES_MAX, XmlError } from '../cxml/reader';
import { readHead } from '../db/catalog/heads';
import { NO_REVISION } from '../domain/catalog';
import { formatPayloadID } from '../domain/documents';
import { catalogParams } from './catalog-schemas';
import { Problem } from './problems';
import { type Route, route } from './route';

const XML = 'text/xml; charset=UTF-8';

const DOCUMENT = z.string().meta({
  example: writeContentRequest('main', NO_REVISION, {
    payloadID: '1767225600000.north-main-1.1@shop.example',
    timestamp: Date.UTC(2026, 0, 1),
    ...{ store: 'shop', domain: 'shop.example', sender: 'north', receiver: 'parent' },
  }),
});

export const catalogContentRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/catalogs/{catalog}/content',
    tag: 'catalog',
    operationId: 'getCatalogContent',
    summary: 'A site asks its parent for a revision: cXML SubscriptionContentRequest and -Response',
    roles: ['site'],
    params: catalogParams,
    query: z.strictObject({ target: z.coerce.number().int().min(0).default(0) }),
    body: z.undefined(),
    streamBody: { 'text/xml': DOCUMENT, 'application/xml': DOCUMENT },
    bodyBytesMax: DOCUMENT_BYTES_MAX,
    idempotent: false,
    responses: {
      200: { description: 'The document, or one with Status 204 when nothing is newer.', contentType: 'text/xml' },
      400: { description: 'Not a SubscriptionContentRequest.' },
    },
    handle: async ({ context, store, caller, params, query, stream }) => {
      const request = await readRequest(stream);
      if (request.catalog !== params.catalog) {
        throw new Problem(
          400,
          'bad-document',
          `the document asks for "${request.catalog}", the path for "${params.catalog}"`,
        );
      }
      const head = await readHead(context.db, store.store, params.catalog);
      const target = query.target === NO_REVISION ? head.revision : query.target;
      if (target === NO_REVISION || target <= request.base || target > head.revision) {
        const now = context.runtime.clock.now();
        const payloadID = formatPayloadID(now, `${params.catalog}-${target}`, 1, store.domain);
        const envelope = { payloadID, timestamp: now, store: store.store, domain: store.domain };
        const parties = { sender: context.site, receiver: request.envelope.sender };
        return {
          status: 200,
          contentType: XML,
          body: writeStatus(204, 'nothing is newer', { ...envelope, ...parties }),
        };
      }
      // What a site may have is what it serves, whatever it asks for.
      const { partition } = await viewOfSite(context.db, store.store, caller.id);
      const wanted = { catalog: params.catalog, partition, base: request.base, target };
      const key = await planDocument(context, store.store, wanted);
      await prepareDocument(context, store, key);
      const document = openDocumentFile(context, store.store, key);
      return { status: 200, contentType: XML, headers: { 'Content-Encoding': 'br' }, stream: document };
    },
  }),
];

async function readRequest(stream: AsyncIterable<Buffer>): Promise<ReturnType<typeof readContentRequest>> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  try {
    return readContentRequest(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof XmlError) throw new Problem(400, 'bad-document', error.withValue);
    throw error;
  }
}
