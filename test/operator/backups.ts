/** What the tests of backups share. */
import { join } from 'node:path';
import { auditStore } from '../../db/audit';
import { openDatabase } from '../../db/migrate';
import { runEntrepot } from '../support/command';
import { freshLocation } from '../support/databases';
import { type World } from '../support/world';

export interface Copy {
  readonly path: string;
  readonly site: string;
  readonly sha256: string;
  readonly stores: readonly { readonly incarnation: number; readonly dataId: string }[];
}

export async function takeBackup(world: World, site: string): Promise<Copy> {
  const to = join(world.folder, 'backups');
  const words = ['backup', world.configFile(site), '--to', to, '--json'];
  const { code, stdout, stderr } = await runEntrepot(words, { cwd: world.folder });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^site \w+: copying \S+\n$/) });
  return (JSON.parse(stdout) as [Copy])[0];
}

/** The site's configuration names a database that is not there yet. */
export function loseDatabase(world: World, site: string): () => Promise<void> {
  const { location, remove } = freshLocation(world.engine);
  world.configs.set(site, { ...world.config(site), database: location });
  return remove;
}

export const restore = (world: World, copy: string, site: string, ...more: string[]) =>
  runEntrepot(['restore', copy, '--config', world.configFile(site), ...more], { cwd: world.folder });

export async function audit(world: World, names: readonly string[]) {
  const sites = names.map((site) => ({ site, db: openDatabase(world.config(site).database) }));
  try {
    return (await auditStore(sites, world.store)).violations;
  } finally {
    await Promise.all(sites.map(({ db }) => db.close()));
  }
}

export async function topologyAt(world: World, site: string) {
  const { body } = await world.call(site, 'GET', '/topology');
  return body as unknown as { sites: { site: string; incarnation: number }[] };
}
