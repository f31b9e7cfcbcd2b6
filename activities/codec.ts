/**
 * What Temporal's payloads say to an operator: sealed documents in them are opened (Temporal's remote codec protocol).
 * What can't be opened, or is another store's, stays as it is.
 */
import { type SealedDocument, isSealedDocument } from '../domain/documents';
import { type StoreSettings } from './context';
import { openDocument } from './sealing';

/** As in Temporal's JSON: metadata and data are base64. */
export interface EncodedPayload {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly data?: string | undefined;
}

/** A sealed document with its content in place of the sealed text. */
export interface OpenedDocument extends Omit<SealedDocument, 'sealed'> {
  /** XML as text; what is JSON as what it holds. */
  readonly opened: unknown;
}

const JSON_ENCODING = 'json/plain';
/** Values within values that are looked through. */
const DEPTH_MAX = 32;

const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('utf8');

export async function openPayload(payload: EncodedPayload, store: StoreSettings): Promise<EncodedPayload> {
  const { metadata = {}, data } = payload;
  if (data === undefined || fromBase64(metadata['encoding'] ?? '') !== JSON_ENCODING) return payload;
  let value: unknown;
  try {
    value = JSON.parse(fromBase64(data));
  } catch {
    return payload;
  }
  const opened = await openWithin(value, store, 0);
  return opened === value ? payload : { ...payload, data: Buffer.from(JSON.stringify(opened)).toString('base64') };
}

/** The document with its content; null for one that this store's keys do not open. */
export async function openForReading(document: SealedDocument, store: StoreSettings): Promise<OpenedDocument | null> {
  if (document.store !== store.store) return null;
  const { sealed: _sealed, ...identity } = document;
  try {
    const text = (await openDocument(document, store.sealing)).toString('utf8');
    return { ...identity, opened: readable(text) };
  } catch {
    return null;
  }
}

function readable(text: string): unknown {
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The value itself where nothing in it was opened. */
async function openWithin(value: unknown, store: StoreSettings, depth: number): Promise<unknown> {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  if (isSealedDocument(value)) return (await openForReading(value, store)) ?? value;
  const entries = Object.entries(value);
  const opened = await Promise.all(entries.map(([, inner]) => openWithin(inner, store, depth + 1)));
  if (opened.every((inner, index) => inner === entries[index]?.[1])) return value;
  if (Array.isArray(value)) return opened;
  return Object.fromEntries(entries.map(([name], index) => [name, opened[index]]));
}

/** Every sealed document in a value, each once. */
export function sealedWithin(value: unknown, depth = 0): SealedDocument[] {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return [];
  if (isSealedDocument(value)) return [value];
  return Object.values(value).flatMap((inner) => sealedWithin(inner, depth + 1));
}
