/** A primary and a secondary that write all of their log to files, for tests that read it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SiteConfig } from '../../workers/config';
import { Processes } from '../support/processes';
import { World, itemsCsv } from '../support/world';

export type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

/** Sites hq and north, with goods to sell, everything logged from the start. */
export async function talkativeWorld(): Promise<World> {
  const world = await create({});
  for (const site of world.configs.keys()) await world.startSite(site);
  await stockUp(world);
  return world;
}

/** The same as processes of their own, which load what they are told to. */
export async function processesOf(change: Partial<SiteConfig>): Promise<{ world: World; processes: Processes }> {
  const world = await create(change);
  const processes = new Processes(world);
  await processes.startAll();
  await stockUp(world);
  return { world, processes };
}

async function create(change: Partial<SiteConfig>): Promise<World> {
  const world = await World.create('sqlite', ['north']);
  for (const [site, config] of world.configs) {
    const log = { level: 'debug', file: join(world.folder, `${site}.log`) } as const;
    world.configs.set(site, { ...config, log, ...change });
  }
  return world;
}

async function stockUp(world: World): Promise<void> {
  await world.registered();
  await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
  await world.stock([{ sku: 'A', quantity: 100 }]);
}

/** What a site has logged so far. */
export function linesOf(world: World, site: string): Line[] {
  return textsOf(world, site).map((line) => JSON.parse(line) as Line);
}

/** The same as it was written. */
export function textsOf(world: World, site: string): string[] {
  return readFileSync(join(world.folder, `${site}.log`), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
