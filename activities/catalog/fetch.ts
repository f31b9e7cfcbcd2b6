/** A site fetches a catalogue document from its parent: cXML SubscriptionContentRequest over HTTP. */
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

/** Its bytes as they come. */
export async function fetchDocument(
  context: SiteContext,
  reference: CatalogDocumentReference,
): Promise<AsyncIterable<Uint8Array>> {
  const settings = storeSettings(context, reference.store);
  const now = context.runtime.clock.now();
  const { store, domain } = settings;
  const payloadID = formatPayloadID(now, `${context.site}-${reference.catalog}-${reference.target}`, 1, domain);
  const envelope: Envelope = { payloadID, timestamp: now, store, domain, sender: context.site, receiver: 'parent' };
  const request = writeContentRequest(reference.catalog, reference.base, envelope);
  context.archiveDocument('SubscriptionContentRequest', payloadID, request);
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
  return bodyOf(response, patience);
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

/**
 * The body, which may not stand still; the reader may take its time. The response itself is held until then: the platform
 * ends the body of one that nobody holds any more as if it had been whole.
 */
async function* bodyOf(response: Response, patience: Patience): AsyncGenerator<Uint8Array> {
  const stillness = () => patience.wait(SILENCE_TIMEOUT_MS, 'nothing more of the document came');
  try {
    stillness();
    for await (const chunk of response.body ?? []) {
      patience.end();
      yield chunk;
      stillness();
    }
  } finally {
    patience.end();
  }
}
