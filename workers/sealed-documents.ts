/** The sealed documents in a workflow's history, as Temporal has it. */
import { type Client } from '@temporalio/client';
import { sealedWithin } from '../activities/codec';
import { type SealedDocument } from '../domain/documents';
import { isNotThere } from './grpc-error';
import { CALL_TIMEOUT_MS } from './temporal-connection';

const JSON_ENCODING = 'json/plain';

interface Payload {
  readonly metadata: { readonly encoding?: Uint8Array | null };
  readonly data: Uint8Array;
}

/** Each once, in the order in which the workflow carried them; null for a workflow that is not known. */
export async function sealedDocumentsOf(
  client: Client | undefined,
  workflowId: string,
): Promise<SealedDocument[] | null> {
  if (!client) throw new Error('Temporal was not reached yet');
  try {
    const history = await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflow.getHandle(workflowId).fetchHistory(),
    );
    const found = payloadsWithin(history.events).flatMap((payload) => sealedWithin(valueOf(payload)));
    return [...new Map(found.map((document) => [`${document.kind} ${document.payloadID}`, document])).values()];
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}

/** Arguments, results and signals alike, wherever an event has them. */
function payloadsWithin(value: unknown): Payload[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  const { metadata, data } = value as Partial<Payload>;
  if (metadata && data instanceof Uint8Array) return [{ metadata, data }];
  return Object.values(value).flatMap(payloadsWithin);
}

function valueOf({ metadata, data }: Payload): unknown {
  if (Buffer.from(metadata.encoding ?? []).toString() !== JSON_ENCODING) return null;
  return JSON.parse(Buffer.from(data).toString('utf8')) as unknown;
}
