/** Documents of stock on their way through Temporal: sealed, opened, and refused for good where no retry can mend it. */
import { ApplicationFailure } from '@temporalio/common';
import { XmlError } from '../../cxml/reader';
import { DocumentConflictError } from '../../db/inbox';
import { TransferRefusedError } from '../../db/inventory';
import { type DocumentKind, type Envelope, type SealedDocument } from '../../domain/documents';
import { TellableError } from '../../domain/errors';
import { type SiteContext, storeSettings } from '../context';
import { openDocument, sealDocument } from '../sealing';
import { DocumentRefusedError, type WrittenDocument } from './transfer-documents';

/** The receiver will not take this document, however often it is sent. */
const DOCUMENT_REFUSED = 'DocumentRefused';

/** Opens a document, which must be the one that its identity says. */
export async function openSame(
  context: SiteContext,
  document: SealedDocument,
  envelopeOf: (opened: Buffer) => Envelope,
): Promise<Buffer> {
  const opened = await openDocument(document, storeSettings(context, document.store).sealing);
  requireSame(document, envelopeOf(opened));
  return opened;
}

function requireSame(document: SealedDocument, { payloadID, store, sender, receiver }: Envelope): void {
  const named = { payloadID, store, sender, receiver };
  for (const [field, value] of Object.entries(named)) {
    const outside = document[field as keyof typeof named];
    if (outside !== value) {
      throw refusal(`document ${document.payloadID} says another ${field} inside than "${outside}", as outside`);
    }
  }
}

export function seal(
  context: SiteContext,
  kind: DocumentKind,
  { envelope, xml, lines }: WrittenDocument,
): Promise<SealedDocument> {
  const { payloadID, store, sender, receiver } = envelope;
  const identity = { kind, payloadID, store, sender, receiver, count: lines };
  return sealDocument(identity, xml, storeSettings(context, store).sealing, context.runtime.random);
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, DOCUMENT_REFUSED);
}

/** What no retry can mend must not be retried for ever. */
export function asRefusal(error: unknown): unknown {
  const kinds = [DocumentConflictError, DocumentRefusedError, TransferRefusedError, XmlError];
  return error instanceof TellableError && kinds.some((kind) => error instanceof kind) ? refusal(error.message) : error;
}
