/** Short-lived tokens under a key made of the store's sealing keys: nothing of them is kept anywhere. */
import { hkdfSync } from 'node:crypto';
import { SignJWT, decodeProtectedHeader, jwtVerify } from 'jose';
import { TellableError } from '../domain/errors';
import { type StoreSettings } from './context';

/** Clocks of two sites may differ by this much, seconds. */
export const CLOCK_TOLERANCE_S = 60;
const KEY_BYTES = 32;
const MS_PER_S = 1_000;

/** What a token is for: one made for another purpose is not good. */
export interface TokenKind {
  readonly purpose: string;
  /** Seconds. */
  readonly lifetime: number;
}

function tokenKey(store: StoreSettings, keyId: string, { purpose }: TokenKind): Uint8Array | null {
  const sealing = store.sealing.keys.get(keyId);
  return sealing ? new Uint8Array(hkdfSync('sha256', sealing, '', purpose, KEY_BYTES)) : null;
}

/** A token that says who it is for or from; `now` is milliseconds UTC. */
export async function signToken(store: StoreSettings, kind: TokenKind, who: string, now: number): Promise<string> {
  const { current } = store.sealing;
  const key = tokenKey(store, current, kind);
  if (!key) throw new TellableError(`sealing key "${current}" of store "${store.store}" is missing`);
  const seconds = Math.floor(now / MS_PER_S);
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256', kid: current })
    .setIssuer(who)
    .setAudience(store.store)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + kind.lifetime)
    .sign(key);
}

/** Whom a token names; null for one that is not good here and now. */
export async function verifyToken(
  store: StoreSettings,
  kind: TokenKind,
  token: string,
  now: number,
): Promise<string | null> {
  try {
    const key = tokenKey(store, decodeProtectedHeader(token).kid ?? '', kind);
    if (!key) return null;
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience: store.store,
      currentDate: new Date(now),
      clockTolerance: CLOCK_TOLERANCE_S,
      // Not one from the future either: it would be good for longer.
      maxTokenAge: kind.lifetime,
      requiredClaims: ['iss', 'exp'],
    });
    return payload.iss ?? null;
  } catch {
    return null;
  }
}
