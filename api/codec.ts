/** Sealed documents opened for operators: Temporal's remote codec protocol, its page, and a workflow's documents. */
import { z } from 'zod';
import { type OpenedDocument, openForReading, openPayload } from '../activities/codec';
import { signToken } from '../activities/signed-token';
import { parseWorkflowId } from '../domain/workflow-ids';
import { codecPage } from '../web/codec-page';
import { BROWSER_SESSION, SESSION_PATH, sessionCookie } from './browser-session';
import { RETRY_AFTER_S } from './limits';
import { Problem, notFound } from './problems';
import { type Route, type RouteRequest, route } from './route';
import { idSchema, nameSchema, noBody, noQuery } from './schemas';

/** Largest request, bytes: what one answer of Temporal can hold (4 MiB) as base64, and more. */
const CODEC_BYTES_MAX = 8 * 1024 * 1024;
/** Most payloads of one request. */
const PAYLOADS_MAX = 2_000;

const PAGE = codecPage(SESSION_PATH);

const none = z.strictObject({});
const base64 = z.string();
const payload = z.looseObject({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() });
const payloads = z.strictObject({ payloads: z.array(payload).max(PAYLOADS_MAX) });
/** What the UI says beside: whether it wants references to large payloads left alone, which ours are not. */
const codecQuery = z.strictObject({ preserveStorageRefs: z.string().optional() });

const documentSchema = z
  .object({
    ...{ kind: z.string(), payloadID: z.string(), store: z.string(), sender: z.string(), receiver: z.string() },
    ...{ count: z.number().int(), keyId: z.string() },
    opened: z.unknown().describe('XML as text, or what the JSON holds; null when this site has no key for it.'),
  })
  .meta({ id: 'OpenedDocument' });

function codecRoute(name: 'decode' | 'encode', summary: string, handle: Route['handle']): Route {
  return route({
    ...{ method: 'post', path: `${SESSION_PATH}/${name}`, tag: 'codec', operationId: `codec-${name}`, summary },
    ...{
      roles: ['operator'],
      browser: 'or-nobody',
      params: none,
      query: codecQuery,
      body: payloads,
      idempotent: false,
    },
    bodyBytesMax: CODEC_BYTES_MAX,
    responses: { 200: { description: 'The payloads, as many and in the same order.', schema: payloads } },
    handle,
  });
}

export const codecRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: SESSION_PATH,
    tag: 'codec',
    operationId: 'codecPage',
    summary: 'A page that shows sealed documents to whoever has an operator key',
    roles: [],
    params: none,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The page; it holds nothing of the store.', contentType: 'text/html' } },
    handle: async () => ({
      status: 200,
      contentType: 'text/html; charset=utf-8',
      headers: { 'Content-Security-Policy': PAGE.policy, 'Cache-Control': 'no-store' },
      body: PAGE.html,
    }),
  }),
  codecRoute(
    'decode',
    'Payloads with their sealed documents opened, for the Temporal UI and command line',
    async (request) => {
      const { store, caller } = request;
      const { payloads: given } = request.body as z.output<typeof payloads>;
      if (caller.role !== 'operator') return { status: 200, body: { payloads: given } };
      return { status: 200, body: { payloads: await Promise.all(given.map((one) => openPayload(one, store))) } };
    },
  ),
  codecRoute('encode', 'The payloads as they are: documents are sealed where they are sent', async ({ body }) => ({
    status: 200,
    body,
  })),
  route({
    method: 'post',
    path: `${SESSION_PATH}/session`,
    tag: 'codec',
    operationId: 'openCodecSession',
    summary: "Let this browser's Temporal UI open sealed documents for eight hours",
    roles: ['operator'],
    params: none,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 204: { description: 'The cookie is set.', headers: { 'Set-Cookie': 'The session.' } } },
    handle: async ({ context, store, caller }) => {
      const token = await signToken(store, BROWSER_SESSION, caller.id, context.runtime.clock.now());
      return { status: 204, headers: { 'Set-Cookie': sessionCookie(token, context.url) } };
    },
  }),
  route({
    method: 'delete',
    path: `${SESSION_PATH}/session`,
    tag: 'codec',
    operationId: 'closeCodecSession',
    summary: "End this browser's session",
    roles: ['operator'],
    browser: 'session',
    params: none,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 204: { description: 'The cookie is gone.', headers: { 'Set-Cookie': 'Nothing.' } } },
    handle: async ({ context }) => ({ status: 204, headers: { 'Set-Cookie': sessionCookie('', context.url) } }),
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/workflows/{workflowId}/documents',
    tag: 'codec',
    operationId: 'listWorkflowDocuments',
    summary: 'The documents that a workflow has carried, opened',
    roles: ['operator'],
    params: z.strictObject({ store: nameSchema, workflowId: idSchema }),
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: {
      200: { description: 'Each document once.', schema: z.object({ items: z.array(documentSchema), next: z.null() }) },
      404: { description: 'No such workflow of this store.' },
      503: { description: 'Temporal is away.' },
    },
    handle: async (request) => ({ status: 200, body: { items: await documentsOf(request), next: null } }),
  }),
];

async function documentsOf({
  context,
  store,
  params: { workflowId },
}: RouteRequest<{ workflowId: string }, unknown, unknown>): Promise<OpenedDocument[]> {
  const unknown = notFound(`Temporal knows no workflow "${workflowId}" of store "${store.store}"`);
  if (parseWorkflowId(workflowId)?.store !== store.store) throw unknown;
  const documents = await context.sealedDocuments(workflowId).catch((err: unknown) => {
    context.log.warn({ err, workflowId }, 'a history could not be read');
    const detail = 'Temporal does not answer: the documents are in its history; try again';
    throw new Problem(503, 'temporal-away', detail, {}, { 'Retry-After': String(RETRY_AFTER_S) });
  });
  if (!documents) throw unknown;
  return Promise.all(
    documents
      .filter((document) => document.store === store.store)
      .map(async (document) => {
        const { sealed: _sealed, ...identity } = document;
        return (await openForReading(document, store)) ?? { ...identity, opened: null };
      }),
  );
}
