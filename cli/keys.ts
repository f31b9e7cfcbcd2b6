/** `entrepot keys create|list|rotate|revoke`: the API keys of a site. A key's text goes to stdout once, and nowhere else. */
import { formatTime, print, printJson, printList, progress } from './output';
import { type ApiKey, type NewApiKey, SiteApi } from './site-api';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';

export type CreateKeyOptions = TargetOptions & {
  readonly role: string;
  readonly label: string;
  readonly forSite?: string;
  readonly group?: readonly string[];
  /** Seconds. */
  readonly lifetime?: number;
};

export async function runKeysCreate(options: CreateKeyOptions): Promise<void> {
  const { role, label, forSite, group = [], lifetime } = options;
  const expiresAt = lifetime === undefined ? null : new Date(Date.now() + lifetime * 1000).toISOString();
  const made = await api(options).createKey({ role, label, site: forSite ?? null, groups: group, expiresAt });
  tell(options, made, `key ${made.keyId} (${describe(made)})`);
}

export async function runKeysList(options: TargetOptions): Promise<void> {
  const keys = await api(options).keys();
  printList(
    options.json,
    keys,
    ['key', 'role', 'site', 'label', 'made', 'expires', 'state'],
    keys.map((key) => [
      ...[key.keyId, key.role, key.site ?? 'every', key.label],
      ...[formatTime(key.createdAt), formatTime(key.expiresAt), stateOf(key)],
    ]),
    'no keys',
  );
}

export async function runKeysRotate(keyId: string, options: TargetOptions & { overlap?: number }): Promise<void> {
  const made = await api(options).rotateKey(keyId, options.overlap);
  const ends = formatTime(made.replaces.expiresAt);
  tell(options, made, `key ${made.keyId} (${describe(made)}) replaces ${keyId}, which ends at ${ends}`);
}

export async function runKeysRevoke(keyId: string, options: TargetOptions): Promise<void> {
  await api(options).revokeKey(keyId);
  if (options.json) printJson({ keyId, revoked: true });
  else print(`key ${keyId} is revoked; it stops within seconds`);
}

function api(options: TargetOptions): SiteApi {
  return new SiteApi(resolveTarget(options).target);
}

/** The key alone on stdout, for a script to take; what is to be known about it beside. */
function tell({ json }: TargetOptions, made: NewApiKey, what: string): void {
  if (json) {
    printJson(made);
    return;
  }
  progress(`${what}; its text is shown this once:`);
  print(made.key);
}

function describe({ role, site, label, expiresAt }: ApiKey): string {
  const until = expiresAt === null ? 'for ever' : `until ${formatTime(expiresAt)}`;
  return `${role}, "${label}", for ${site ?? 'every site'}, ${until}`;
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${formatTime(revokedAt)}`;
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'in force';
}
