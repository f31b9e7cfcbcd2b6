/**
 * The inbox: a document's row and its effect are one transaction (design, section 3). The same bytes again get the
 * stored answer; other bytes under the same payloadID are a conflict. No row without an effect: refusals are not kept.
 */
import { type Transaction } from './database';
import { forUpdate, insertRows } from './dialect';
import { isDuplicateKey } from './errors';
import { TellableError } from '../domain/errors';

export class DocumentConflictError extends TellableError {
  constructor(
    readonly payloadId: string,
    readonly sender: string,
  ) {
    super(
      `document ${payloadId} of ${sender} was received before with other content: send new content under a new payloadID`,
    );
  }
}

export interface IncomingDocument {
  readonly store: string;
  readonly sender: string;
  readonly payloadId: string;
  readonly kind: string;
  /** SHA-256 (hex) of its content. */
  readonly digest: string;
  /** Milliseconds UTC. */
  readonly now: number;
}

/** The stored answer, when these bytes were received before; throws DocumentConflictError for other bytes. */
export async function findAnswer(tx: Transaction, document: IncomingDocument): Promise<string | undefined> {
  const { store, sender, payloadId, digest } = document;
  const row = await tx.get<{ digest: string; answer: string }>(
    `SELECT digest, answer FROM inbox WHERE store = ? AND sender = ? AND payload_id = ?${forUpdate(tx.engine)}`,
    [store, sender, payloadId],
  );
  if (row && row.digest !== digest) throw new DocumentConflictError(payloadId, sender);
  return row?.answer;
}

/** Runs `effect` for a document that was not received before, and keeps its answer (JSON). */
export async function takeOnce(
  tx: Transaction,
  document: IncomingDocument,
  effect: () => Promise<string>,
): Promise<string> {
  const known = await findAnswer(tx, document);
  if (known !== undefined) return known;
  const { store, sender, payloadId, kind, digest, now } = document;
  try {
    // Before the effect, so that a second attempt at the same document waits here for the first.
    await tx.run(
      "INSERT INTO inbox (store, sender, payload_id, kind, digest, answer, received_at) VALUES (?, ?, ?, ?, ?, '', ?)",
      [store, sender, payloadId, kind, digest, now],
    );
  } catch (error) {
    const answered = isDuplicateKey(error) ? await findAnswer(tx, document) : undefined;
    if (answered === undefined) throw error;
    return answered;
  }
  const answer = await effect();
  await tx.run('UPDATE inbox SET answer = ? WHERE store = ? AND sender = ? AND payload_id = ?', [
    ...[answer, store, sender, payloadId],
  ]);
  return answer;
}

/** The stored answers of many documents of one sender, by payloadID. */
export async function findAnswers(
  tx: Transaction,
  documents: readonly IncomingDocument[],
): Promise<Map<string, { digest: string; answer: string }>> {
  const [first] = documents;
  if (!first) return new Map();
  const rows = await tx.all<{ payload_id: string; digest: string; answer: string }>(
    `SELECT payload_id, digest, answer FROM inbox WHERE store = ? AND sender = ?
     AND payload_id IN (${documents.map(() => '?').join(', ')})${forUpdate(tx.engine)}`,
    [first.store, first.sender, ...documents.map(({ payloadId }) => payloadId)],
  );
  return new Map(rows.map(({ payload_id: payloadId, digest, answer }) => [payloadId, { digest, answer }]));
}

/** Keeps the answers of documents that were taken in this transaction. */
export async function keepAnswers(
  tx: Transaction,
  documents: readonly (IncomingDocument & { readonly answer: string })[],
): Promise<void> {
  await insertRows(
    tx,
    'inbox',
    ['store', 'sender', 'payload_id', 'kind', 'digest', 'answer', 'received_at'],
    documents.map(({ store, sender, payloadId, kind, digest, answer, now }) => [
      ...[store, sender, payloadId, kind, digest, answer, now],
    ]),
  );
}
