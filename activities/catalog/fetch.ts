/** A site fetches a catalogue document from its parent: cXML SubscriptionContentRequest over HTTP. */
import { Readable, pipeline } from 'node:stream';
import { createBrotliDecompress } from 'node:zlib';
import { writeContentRequest } from '../../cxml/catalog';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { TellableError } from '../../domain/errors';
import { formatTraceparent } from '../../domain/trace';
import { type SiteContext, storeSettings } from '../context';
import { type CatalogDocumentReference } from '../contract';
import { postToSite } from '../site-request';

/** How long the parent may take to begin its answer, milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
/** How long a document under way may stand still: a link that is cut in silence would hold it for minutes. */
const SILENCE_TIMEOUT_MS = 10_000;
/** Bytes decompressed at a time: with zlib's own 16 KiB it took three times as long. */
const CHUNK_BYTES = 131_072;

/** Its bytes as they come; whoever does not read them to their end destroys the stream. */
export async function fetchDocument(context: SiteContext, reference: CatalogDocumentReference): Promise<Readable> {
  const settings = storeSettings(context, reference.store);
  const now = context.runtime.clock.now();
  const { store, domain } = settings;
  const payloadID = formatPayloadID(now, `${context.site}-${reference.catalog}-${reference.target}`, 1, domain);
  const envelope: Envelope = { payloadID, timestamp: now, store, domain, sender: context.site, receiver: 'parent' };
  const request = writeContentRequest(reference.catalog, reference.base, envelope);
  context.archiveDocument?.('SubscriptionContentRequest', payloadID, request);
  const patience = new Patience();
  patience.wait(ANSWER_TIMEOUT_MS, 'the parent does not answer');
  const response = await postToSite(context, settings, {
    url: `${reference.url}?target=${reference.target}`,
    body: request,
    headers: {
      'Content-Type': 'text/xml; charset=UTF-8',
      'Accept-Encoding': 'br',
      ...(context.trace ? { traceparent: formatTraceparent(context.trace) } : {}),
    },
    signal: patience.signal,
  })
    .catch((error: unknown) => {
      throw new TellableError(`${reference.url} does not answer: is the parent up?`, { cause: error });
    })
    .finally(() => patience.end());
  if (!response.ok || !response.body) {
    throw new TellableError(`${reference.url} answered ${response.status} to the request for ${reference.payloadID}`);
  }
  const body = Readable.from(bodyOf(response.body, patience), { objectMode: false });
  return response.headers.get('content-encoding') === 'br' ? decompressed(body) : body;
}

/** A compressed document's own bytes. */
export function decompressed(bytes: Readable): Readable {
  // What goes wrong comes out of it to whoever reads.
  return pipeline(bytes, createBrotliDecompress({ chunkSize: CHUNK_BYTES }), () => undefined);
}

/** Ends what takes too long. */
class Patience {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  readonly signal = this.controller.signal;

  wait(milliseconds: number, problem: string): void {
    this.timer = setTimeout(
      () => this.controller.abort(new TellableError(`${problem} within ${milliseconds} ms`)),
      milliseconds,
    );
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

/** The body, which may not stand still; the reader may take its time. */
async function* bodyOf(body: AsyncIterable<Uint8Array>, patience: Patience): AsyncGenerator<Uint8Array> {
  const stillness = () => patience.wait(SILENCE_TIMEOUT_MS, 'nothing more of the document came');
  try {
    stillness();
    for await (const chunk of body) {
      patience.end();
      yield chunk;
      stillness();
    }
  } finally {
    patience.end();
  }
}
