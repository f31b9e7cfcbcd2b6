/** How one site of a store shows another who it is. */
import { type StoreSettings } from './context';
import { type TokenKind, signToken, verifyToken } from './signed-token';

/** Made for one request. */
const SITE_TOKEN: TokenKind = { purpose: 'entrepot site token', lifetime: 60 };

/** `now` is milliseconds UTC. */
export function signSiteToken(store: StoreSettings, site: string, now: number): Promise<string> {
  return signToken(store, SITE_TOKEN, site, now);
}

/** The site that signed; null for a token that is not good here and now. */
export function verifySiteToken(store: StoreSettings, token: string, now: number): Promise<string | null> {
  return verifyToken(store, SITE_TOKEN, token, now);
}
