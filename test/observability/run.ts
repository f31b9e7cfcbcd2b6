/** A primary and a secondary that write all of their log to files, for tests that read it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { World, itemsCsv } from '../support/world';

export type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

/** Sites hq and north, with goods to sell, everything logged from the start. */
export async function talkativeWorld(change: (config: SiteConfigChange) => SiteConfigChange = (same) => same) {
  const world = await World.create('sqlite', ['north']);
  for (const [site, config] of world.configs) {
    world.configs.set(site, change({ ...config, log: { level: 'debug', file: join(world.folder, `${site}.log`) } }));
  }
  for (const site of world.configs.keys()) await world.startSite(site);
  await world.registered();
  await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
  await world.stock([{ sku: 'A', quantity: 100 }]);
  return world;
}

type SiteConfigChange = ReturnType<World['config']>;

/** What a site has logged so far. */
export function linesOf(world: World, site: string): Line[] {
  return readFileSync(join(world.folder, `${site}.log`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
