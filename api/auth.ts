/** Who calls: an API key, or another site of the store (design, section 7). */
import { timingSafeEqual } from 'node:crypto';
import { type SiteContext, type StoreSettings } from '../activities/context';
import { verifyToken } from '../activities/signed-token';
import { verifySiteToken } from '../activities/site-token';
import { type ApiKey, findKey, hashSecret, isInForce, parseKey } from '../db/api-keys';
import { isConnectionLost } from '../db/errors';
import { loadTopology } from '../db/topology';
import { BROWSER_SESSION } from './browser-session';
import { Problem } from './problems';
import { type Caller, type Role } from './route';

/** How long a key is believed without asking the database: a revoked key stops within this time, milliseconds. */
export const KEY_CACHE_MS = 2_000;
/** While the database is away, a key that it named lately is believed this long, milliseconds: metrics are read then. */
const KEY_GRACE_MS = 10 * 60_000;
/** Keys remembered by one process. */
const KEYS_CACHED_MAX = 10_000;

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="entrepot"' };

function unauthorized(): Problem {
  return new Problem(
    401,
    'unauthorized',
    'send "Authorization: Bearer <key>" with an API key of this store and site that is neither expired nor revoked',
    {},
    CHALLENGE,
  );
}

/** What a caller shows: the `Authorization` header, or a browser's session. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly session?: string | null;
}

export class Authentication {
  private readonly cache = new Map<string, { key: ApiKey | undefined; until: number }>();

  constructor(private readonly context: SiteContext) {}

  /**
   * The caller, and the store among these that its key is for. Throws 401 for a caller that is nobody here, 403 for one
   * that may not call a route for these roles.
   */
  async require(
    stores: readonly StoreSettings[],
    { authorization, session = null }: Credentials,
    roles: readonly Role[],
  ): Promise<{ caller: Caller; store: StoreSettings }> {
    const bearer = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization ?? '')?.[1];
    for (const store of stores) {
      const caller =
        session !== null
          ? await this.sessionHolder(store, session)
          : bearer !== undefined
            ? ((await this.keyHolder(store, bearer)) ?? (await this.otherSite(store, bearer)))
            : null;
      if (caller) return { caller: this.permitted(caller, roles), store };
    }
    throw unauthorized();
  }

  private permitted(caller: Caller, roles: readonly Role[]): Caller {
    const permitted: readonly Caller['role'][] = roles;
    if (!permitted.includes(caller.role)) {
      throw new Problem(
        403,
        'forbidden',
        `a key of role "${caller.role}" may not do this; it takes: ${roles.join(', ')}`,
      );
    }
    return caller;
  }

  private async keyHolder(store: StoreSettings, bearer: string): Promise<Caller | null> {
    const parsed = parseKey(bearer);
    if (!parsed) return null;
    const key = await this.find(store.store, parsed.keyId);
    if (!key) return null;
    const same = timingSafeEqual(Buffer.from(key.secretHash), Buffer.from(hashSecret(parsed.secret)));
    return same ? this.holderOf(key) : null;
  }

  /** A browser whose session was opened with a key; it ends with the key. */
  private async sessionHolder(store: StoreSettings, token: string): Promise<Caller | null> {
    const keyId = await verifyToken(store, BROWSER_SESSION, token, this.context.runtime.clock.now());
    const key = keyId === null ? undefined : await this.find(store.store, keyId);
    return key ? this.holderOf(key) : null;
  }

  private holderOf(key: ApiKey): Caller | null {
    const here = key.site === null || key.site === this.context.site;
    return here && isInForce(key, this.context.runtime.clock.now())
      ? { role: key.role, id: key.keyId, groups: key.groups }
      : null;
  }

  private async find(store: string, keyId: string): Promise<ApiKey | undefined> {
    const now = this.context.runtime.clock.now();
    const name = `${store}/${keyId}`;
    const cached = this.cache.get(name);
    if (cached && cached.until > now) return cached.key;
    let key: ApiKey | undefined;
    try {
      key = await findKey(this.context.db, store, keyId);
    } catch (error) {
      if (cached && isConnectionLost(error) && cached.until + KEY_GRACE_MS > now) return cached.key;
      throw error;
    }
    if (this.cache.size >= KEYS_CACHED_MAX) this.cache.clear();
    this.cache.set(name, { key, until: now + KEY_CACHE_MS });
    return key;
  }

  private async otherSite(store: StoreSettings, bearer: string): Promise<Caller | null> {
    if (!bearer.includes('.')) return null;
    const site = await verifySiteToken(store, bearer, this.context.runtime.clock.now());
    if (site === null) return null;
    const { topology } = await loadTopology(this.context.db, store.store);
    return topology.sites.some((known) => known.site === site) ? { role: 'site', id: site } : null;
  }
}
