/**
 * The inbox: a document's row and its effect are one transaction (design, section 3). The same bytes again get the
 * stored answer; other bytes under the same payloadID are a conflict. No row without an effect: refusals are not kept.
 */
import { type Transaction } from './database';
import { forUpdate } from './dialect';

export class DocumentConflictError extends Error {
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
  const answer = await effect();
  const { store, sender, payloadId, kind, digest, now } = document;
  await tx.run(
    'INSERT INTO inbox (store, sender, payload_id, kind, digest, answer, received_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [store, sender, payloadId, kind, digest, answer, now],
  );
  return answer;
}
