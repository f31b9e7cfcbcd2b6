/** How one site of a store shows another who it is: a short-lived token under a key of the store's sealing keys. */
import { hkdfSync } from 'node:crypto';
import { SignJWT, decodeProtectedHeader, jwtVerify } from 'jose';
import { type StoreSettings } from './context';
import { TellableError } from '../domain/errors';

/** A token is made for one request. */
const TOKEN_LIFETIME_S = 60;
/** Clocks of two sites may differ by this much, seconds. */
export const CLOCK_TOLERANCE_S = 60;
const KEY_BYTES = 32;
const KEY_PURPOSE = 'entrepot site token';

function tokenKey(store: StoreSettings, keyId: string): Uint8Array | null {
  const sealing = store.sealing.keys.get(keyId);
  return sealing ? new Uint8Array(hkdfSync('sha256', sealing, '', KEY_PURPOSE, KEY_BYTES)) : null;
}

/** `now` is milliseconds UTC. */
export async function signSiteToken(store: StoreSettings, site: string, now: number): Promise<string> {
  const key = tokenKey(store, store.sealing.current);
  if (!key) throw new TellableError(`sealing key "${store.sealing.current}" of store "${store.store}" is missing`);
  const seconds = Math.floor(now / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256', kid: store.sealing.current })
    .setIssuer(site)
    .setAudience(store.store)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + TOKEN_LIFETIME_S)
    .sign(key);
}

/** The site that signed; null for a token that is not good here and now. */
export async function verifySiteToken(store: StoreSettings, token: string, now: number): Promise<string | null> {
  try {
    const key = tokenKey(store, decodeProtectedHeader(token).kid ?? '');
    if (!key) return null;
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience: store.store,
      currentDate: new Date(now),
      clockTolerance: CLOCK_TOLERANCE_S,
      // Not one from the future either: it would be good for longer.
      maxTokenAge: TOKEN_LIFETIME_S,
      requiredClaims: ['iss', 'exp'],
    });
    return payload.iss ?? null;
  } catch {
    return null;
  }
}
