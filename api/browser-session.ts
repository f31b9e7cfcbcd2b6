/**
 * A browser's session: a cookie that stands for an operator's key where no key can be sent, which is how the Temporal UI
 * calls its codec endpoint. It is good for the routes that say so, and as long as the key is.
 */
import { type Request } from 'express';
import { type SiteContext } from '../activities/context';
import { type TokenKind } from '../activities/signed-token';

export const SESSION_PATH = '/codec';
const COOKIE = 'entrepot_codec';
const HOURS = 3_600;

export const BROWSER_SESSION: TokenKind = { purpose: 'entrepot browser session', lifetime: 8 * HOURS };

/** `url` is the site's own: over https the cookie may come from the UI's pages wherever that is. */
export function sessionCookie(token: string, url: string): string {
  const reach = url.startsWith('https:') ? 'SameSite=None; Secure' : 'SameSite=Strict';
  const age = token === '' ? 0 : BROWSER_SESSION.lifetime;
  return `${COOKIE}=${token}; Path=${SESSION_PATH}; Max-Age=${age}; HttpOnly; ${reach}`;
}

/** The session's token in a `Cookie` header. */
export function readSession(cookies: string | undefined): string | null {
  for (const cookie of cookies?.split(';') ?? []) {
    const [name, ...value] = cookie.trim().split('=');
    if (name === COOKIE) return value.join('=');
  }
  return null;
}

/** Was the request made by a page of the Temporal UI? Good for what a browser enforces, and for nothing more. */
export function isOfTemporalUi(temporalUi: SiteContext['temporalUi'], request: Request): boolean {
  return request.get('origin') === new URL(temporalUi.url).origin;
}
