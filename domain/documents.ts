/** The envelope that every document has, in it or around it (design, section 1). */

export type DocumentKind =
  | 'OrderRequest'
  | 'SubscriptionChangeMessage'
  | 'SubscriptionContentRequest'
  | 'SubscriptionContentResponse'
  | 'InventoryAllocation'
  | 'InventoryConfirmation'
  | 'InventoryBorrowing'
  | 'InventoryOffer'
  | 'InventoryLoan'
  | 'InventoryReplenishmentRequest'
  | 'InventoryReplenishmentAnswer';

export interface Envelope {
  readonly payloadID: string;
  /** Milliseconds UTC. */
  readonly timestamp: number;
  readonly store: string;
  /** The store's Internet domain; the right side of payloadIDs. */
  readonly domain: string;
  /** Sites, or a partner's identity. */
  readonly sender: string;
  readonly receiver: string;
}

/** `<time>.<subject>.<version>@<store's domain>` (design, section 6). */
export function formatPayloadID(time: number, subject: string, version: number, domain: string): string {
  return `${time}.${subject}.${version}@${domain}`;
}

/** A document on its way through Temporal: its identity in clear, its content sealed (design, section 3). */
export interface SealedDocument {
  readonly kind: DocumentKind | 'OrderBatch';
  readonly payloadID: string;
  readonly store: string;
  /** Site names. */
  readonly sender: string;
  readonly receiver: string;
  /** Orders of a batch, lines of an allocation. */
  readonly count: number;
  readonly keyId: string;
  /** Base64 of nonce, cipher text and tag. */
  readonly sealed: string;
}

const TEXTS = ['kind', 'payloadID', 'store', 'sender', 'receiver', 'keyId', 'sealed'] as const;

/** Told by its shape, among all else that a payload may hold. */
export function isSealedDocument(value: object): value is SealedDocument {
  const fields = value as Record<string, unknown>;
  return TEXTS.every((name) => typeof fields[name] === 'string') && typeof fields['count'] === 'number';
}
