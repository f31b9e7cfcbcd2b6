/** How one site asks another over HTTP: with a token of its own, whatever its clock says. */
import { type SiteContext, type StoreSettings, type TransportRequest } from './context';
import { CLOCK_TOLERANCE_S } from './signed-token';
import { signSiteToken } from './site-token';

/** A clock that is off by more than this is not reckoned with, milliseconds: a day tells a fault of another kind. */
const CLOCK_OFFSET_MAX_MS = 24 * 60 * 60_000;

export interface SiteRequest extends Omit<TransportRequest, 'method'> {
  readonly url: string;
}

/**
 * Posts to another site of the store. A token is good for a minute by the receiver's clock; when that refuses it and
 * tells a time far from this site's, the token is made once more for the time that it told.
 */
export async function postToSite(context: SiteContext, store: StoreSettings, request: SiteRequest): Promise<Response> {
  const { site, runtime, log, transport } = context;
  const { url, body, headers, signal } = request;
  const ask = async (now: number) => {
    const token = await signSiteToken(store, site, now);
    return transport(url, { method: 'POST', body, headers: { ...headers, Authorization: `Bearer ${token}` }, signal });
  };
  const answer = await ask(runtime.clock.now());
  if (answer.status !== 401) return answer;
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  const offsetMs = theirs - runtime.clock.now();
  if (!(Math.abs(offsetMs) > CLOCK_TOLERANCE_S * 1000 && Math.abs(offsetMs) < CLOCK_OFFSET_MAX_MS)) return answer;
  log.warn({ store: store.store, url, offsetMs }, 'the other clock differs: set this site by a time server');
  await answer.body?.cancel();
  return ask(theirs);
}
