/** The trial system's API keys: made with it, let in at every site. */
import { randomBytes } from 'node:crypto';
import { addKey, findKey, makeKey, parseKey } from '../../db/api-keys';
import { type Database } from '../../db/database';
import { type Trial } from './layout';

const ROLES = ['operator', 'integrator', 'buyer'] as const;

/** Lets the keys in that are not yet; a revoked one stays revoked. */
export async function installKeys(db: Database, trial: Trial): Promise<void> {
  await db.transaction(async (tx) => {
    for (const role of ROLES) {
      const key = trial.keys[role];
      if (await findKey(tx, trial.store, parseKey(key)?.keyId ?? '')) continue;
      await addKey(tx, {
        store: trial.store,
        key,
        role,
        site: null,
        label: `trial system: ${role}`,
        expiresAt: null,
        now: Date.now(),
      });
    }
  });
}

export function newKey(): string {
  return makeKey({ next: () => Math.random(), bytes: (size) => randomBytes(size) });
}
