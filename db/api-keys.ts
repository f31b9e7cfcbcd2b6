/** API keys: only hashes are kept; scoped to store, site and role (design, section 7). */
import { createHash } from 'node:crypto';
import { formatAudience, groupsIn } from '../domain/audience';
import { type Random } from '../domain/runtime';
import { type Statements, type Transaction } from './database';
import { forUpdate } from './dialect';

/** `monitor` may read the metrics and nothing else. */
export type KeyRole = 'buyer' | 'integrator' | 'operator' | 'partner' | 'monitor';
export const KEY_ROLES = [
  'buyer',
  'integrator',
  'operator',
  'partner',
  'monitor',
] as const satisfies readonly KeyRole[];

export interface ApiKey {
  readonly store: string;
  readonly keyId: string;
  readonly secretHash: string;
  readonly role: KeyRole;
  /** null: every site of the store. */
  readonly site: string | null;
  readonly label: string;
  /** User groups whose items it may see, by their ids. */
  readonly groups: readonly string[];
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

/** A secret has 256 bits of its own, so a plain hash is enough to keep. */
const SECRET_BYTES = 32;
const KEY_ID_BYTES = 9;
const KEY_FORM = /^ek_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

/** Splits `ek_<key id>_<secret>`; null for anything else. */
export function parseKey(text: string): { keyId: string; secret: string } | null {
  const match = KEY_FORM.exec(text);
  return match ? { keyId: match[1] as string, secret: match[2] as string } : null;
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** A new key's text; it is shown once and kept nowhere. */
export function makeKey(random: Random): string {
  const keyId = random.bytes(KEY_ID_BYTES).toString('base64').replace(/[+/]/g, 'x');
  return `ek_${keyId}_${random.bytes(SECRET_BYTES).toString('base64url')}`;
}

export interface NewKey {
  readonly store: string;
  /** As made by makeKey. */
  readonly key: string;
  readonly role: KeyRole;
  readonly site: string | null;
  readonly label: string;
  readonly groups?: readonly string[];
  readonly expiresAt: number | null;
  readonly now: number;
}

export async function addKey(
  tx: Transaction,
  { store, key, role, site, label, groups = [], expiresAt, now }: NewKey,
): Promise<ApiKey> {
  const parsed = parseKey(key);
  if (!parsed) throw new Error('an API key has the form ek_<12 letters or digits>_<43 of base64url>');
  const { keyId, secret } = parsed;
  const secretHash = hashSecret(secret);
  await tx.run(
    `INSERT INTO api_keys (store, key_id, secret_hash, role, site, label, viewer_groups, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [store, keyId, secretHash, role, site, label, formatAudience(groups), now, expiresAt],
  );
  return { store, keyId, secretHash, role, site, label, groups, createdAt: now, expiresAt, revokedAt: null };
}

/** Neither revoked nor expired. */
export function isInForce({ revokedAt, expiresAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

interface KeyRow {
  store: string;
  key_id: string;
  secret_hash: string;
  role: KeyRole;
  site: string | null;
  label: string;
  viewer_groups: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

const COLUMNS = 'store, key_id, secret_hash, role, site, label, viewer_groups, created_at, expires_at, revoked_at';

function apiKey(row: KeyRow): ApiKey {
  return {
    store: row.store,
    keyId: row.key_id,
    secretHash: row.secret_hash,
    role: row.role,
    site: row.site,
    label: row.label,
    groups: groupsIn(row.viewer_groups ?? ''),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

export async function findKey(reads: Statements, store: string, keyId: string): Promise<ApiKey | undefined> {
  const row = await reads.get<KeyRow>(`SELECT ${COLUMNS} FROM api_keys WHERE store = ? AND key_id = ?`, [store, keyId]);
  return row && apiKey(row);
}

export async function listKeys(reads: Statements, store: string, limit: number, after = ''): Promise<ApiKey[]> {
  const rows = await reads.all<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys WHERE store = ? AND key_id > ? ORDER BY key_id LIMIT ${limit}`,
    [store, after],
  );
  return rows.map(apiKey);
}

/** Answers false when there is no such key; revoking twice changes nothing. */
export async function revokeKey(tx: Transaction, store: string, keyId: string, now: number): Promise<boolean> {
  const matched = await tx.run(
    'UPDATE api_keys SET revoked_at = COALESCE(revoked_at, ?) WHERE store = ? AND key_id = ?',
    [now, store, keyId],
  );
  return matched > 0;
}

export interface Rotation {
  readonly store: string;
  readonly keyId: string;
  /** The new key, as made by makeKey. */
  readonly key: string;
  /** When the old key dies at the latest, and until when the new one lives; undefined for as long as the old one. */
  readonly oldExpiresAt: number;
  readonly newExpiresAt: number | null | undefined;
  readonly now: number;
}

/** A new key of the same role, site, label and groups; the old one ends with the overlap. Undefined for one not in force. */
export async function rotateKey(
  tx: Transaction,
  { store, keyId, key, oldExpiresAt, newExpiresAt, now }: Rotation,
): Promise<{ old: ApiKey; added: ApiKey } | undefined> {
  const row = await tx.get<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys WHERE store = ? AND key_id = ?${forUpdate(tx.engine)}`,
    [store, keyId],
  );
  if (!row || !isInForce(apiKey(row), now)) return undefined;
  const old = apiKey(row);
  const expiresAt = newExpiresAt === undefined ? old.expiresAt : newExpiresAt;
  const { role, site, label, groups } = old;
  const added = await addKey(tx, { store, key, role, site, label, groups, expiresAt, now });
  const ends = Math.min(oldExpiresAt, old.expiresAt ?? oldExpiresAt);
  await tx.run('UPDATE api_keys SET expires_at = ? WHERE store = ? AND key_id = ?', [ends, store, keyId]);
  return { old: { ...old, expiresAt: ends }, added };
}
