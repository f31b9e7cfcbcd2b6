/** One site's database and context without its process, for tests of activities. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SiteContext } from '../../activities/context';
import { withoutProcess } from '../../activities/without-process';
import { type Engine } from '../../db/database';
import { saveTopology, seedTopology } from '../../db/topology';
import { type Topology } from '../../domain/sites';
import { type FreshDatabase, freshDatabase } from './databases';
import { INVENTORY_AT_REST } from './inventory-settings';
import { REAL_RUNTIME } from '../../workers/site';
import { siteTransport } from '../../workers/site-transport';

export const STORE = 'shop';
/** The incarnations that the sites have in these tests: different ones, so that a mix-up shows. */
export const INCARNATIONS: Readonly<Record<string, number>> = { hq: 7, north: 3, south: 5 };

export function topology(version: number, epoch = 1, primary = 'hq'): Topology {
  const sites = ['hq', 'north', 'south'].map((site) => ({
    site,
    role: site === primary ? ('primary' as const) : ('secondary' as const),
    parent: site === primary ? null : primary,
    url: `http://${site}.example`,
    incarnation: INCARNATIONS[site] ?? 0,
  }));
  return { store: STORE, version, epoch, primary, sites };
}

export interface LoneSite extends FreshDatabase {
  readonly site: string;
  readonly context: SiteContext;
  /** Documents that the site has emitted, by payloadID. */
  readonly emitted: Map<string, string>;
}

export async function loneSite(engine: Engine, site: string, known: Topology = topology(1)): Promise<LoneSite> {
  const fresh = await freshDatabase(engine);
  await fresh.db.transaction(async (tx) => {
    await seedTopology(tx, { ...known, version: 0 }, site, `data-of-${site}`, 0);
    await saveTopology(tx, known, 0);
  });
  const emitted = new Map<string, string>();
  const documentsDir = mkdtempSync(join(tmpdir(), `entrepot-${site}-`));
  const drop = async () => {
    await fresh.drop();
    rmSync(documentsDir, { recursive: true, force: true });
  };
  const context: SiteContext = {
    ...withoutProcess(site, REAL_RUNTIME.random),
    stores: new Map([
      [
        STORE,
        {
          ...{ store: STORE, name: 'Shop', domain: 'shop.example', currency: 'GBP', language: 'en', catalog: 'main' },
          shippingMethods: [],
          tax: { description: 'none', amount: 0 },
          priceChange: 'refuse',
          inventory: INVENTORY_AT_REST,
          sealing: { current: 'test', keys: new Map([['test', Buffer.alloc(32, 7)]]) },
          configuredTopology: known,
        },
      ],
    ]),
    db: fresh.db,
    runtime: REAL_RUNTIME,
    transport: siteTransport,
    documentsDir,
    archiveDocument: (_kind, payloadID, xml) => void emitted.set(payloadID, xml.toString()),
  };
  return { ...fresh, site, context, emitted, drop };
}
