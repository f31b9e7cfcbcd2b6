/** One site: its database, API, relay and Temporal workers in one process. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomBytes } from 'node:crypto';
import { type Express } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { BuyersUnderWay } from '../activities/buyers';
import { sweepDocuments } from '../activities/catalog/documents';
import { type SiteContext } from '../activities/context';
import { askForFirstShare } from '../activities/inventory/first-share';
import { lookForShortItems } from '../activities/inventory/replenishment-request';
import { SiteMetrics } from '../activities/metrics';
import { createApp } from '../api/app';
import { allRoutes } from '../api/routes';
import { startServer } from '../api/server';
import { sweepIdempotencyKeys } from '../db/idempotency';
import { noRetries } from '../db/database';
import { isMariadbUrl, migrate, openDatabase } from '../db/migrate';
import { seedTopology } from '../db/topology';
import { type Runtime } from '../domain/runtime';
import { type SiteConfig, storeSettingsFrom } from './config';
import { scopedActivities } from './activity-scope';
import { demandCounter } from './demand-counter';
import { documentArchive } from './document-archive';
import { createLogger } from './log';
import { processMetrics } from './process-metrics';
import { Relay } from './relay';
import { reservationExpiry } from './reservation-expiry';
import { searchIndexer } from './search-indexer';
import { siteTransport } from './site-transport';
import { stockCarrier } from './stock-carrier';
import { sealedDocumentsOf } from './sealed-documents';
import { openTelemetry } from './telemetry';
import { TemporalLink } from './temporal-link';

export interface RunningSite {
  readonly site: string;
  /** The API's base URL. */
  readonly url: string;
  readonly context: SiteContext;
  /** What serves the API. */
  readonly app: Express;
  /** Finishes what is under way and closes everything. */
  stop(): Promise<void>;
}

/** How often keys that have served their time are swept. */
const SWEEP_INTERVAL_MS = 10 * 60_000;

/** Time, randomness and ids of the real world. */
export const REAL_RUNTIME: Runtime = {
  clock: { now: () => Date.now() },
  ids: { uuid: () => uuidv7() },
  random: { next: () => Math.random(), bytes: (size) => randomBytes(size) },
};

/** Starts a site; it serves and sells as soon as its database is open, whether Temporal is up or not. */
export async function startSite(config: SiteConfig, runtime: Runtime = REAL_RUNTIME): Promise<RunningSite> {
  const log = createLogger(config);
  await mkdir(config.documentsDir, { recursive: true });
  if (!isMariadbUrl(config.database)) await mkdir(dirname(config.database), { recursive: true });
  const { ran, newer } = await migrate(config.database);
  if (ran.length > 0) log.info({ migrations: ran }, 'database migrated');
  if (newer.length > 0)
    log.warn({ migrations: newer }, 'a newer release has expanded the database; this one runs on it');
  const retries = noRetries();
  const db = openDatabase(config.database, retries);
  const telemetry = await openTelemetry(config, runtime.random, log);
  const work: { relay?: Relay; link?: TemporalLink } = {};
  const metrics = new SiteMetrics(config.site, [processMetrics()]);
  metrics.follow(retries);
  const { archiveDir } = config.documents;
  const context: SiteContext = {
    site: config.site,
    stores: storeSettingsFrom(config),
    db,
    runtime,
    transport: siteTransport,
    log,
    trace: null,
    tracing: telemetry.tracing,
    metrics,
    documentsDir: config.documentsDir,
    url: config.url,
    temporalUi: { url: config.temporal.uiUrl, namespace: config.temporal.namespace },
    temporalReach: async () => work.link?.reach() ?? { reached: false, reason: 'the site is starting' },
    sealedDocuments: (workflowId) => sealedDocumentsOf(work.link?.client, workflowId),
    outboxHasWork: () => work.relay?.poke(),
    buyers: new BuyersUnderWay(),
    archiveDocument: archiveDir === undefined ? null : documentArchive(archiveDir, log),
  };
  await seedStores(context);

  const link = new TemporalLink(context, config.temporal, scopedActivities(context, { topologyChanged }), () =>
    work.relay?.poke(),
  );
  work.link = link;
  function topologyChanged(): void {
    link.topologyChanged();
  }
  work.relay = new Relay(context, () => link.client);
  const app = createApp(context, allRoutes);
  const server = await startServer(app, config.listen).catch(async (error: unknown) => {
    await db.close();
    throw error;
  });
  link.start();
  work.relay.start();
  await replenishStores(context);
  const indexer = searchIndexer(context);
  indexer.start();
  const sweep = setInterval(() => sweepQuietly(context), SWEEP_INTERVAL_MS);
  const carrier = stockCarrier(context);
  carrier.start();
  const counter = demandCounter(context);
  counter.start();
  const expiry = reservationExpiry(context);
  expiry.start();
  log.info({ url: server.url }, 'site serves');

  return {
    site: config.site,
    url: server.url,
    context,
    app,
    async stop() {
      clearInterval(sweep);
      await server.close();
      await work.relay?.stop();
      await indexer.stop();
      await carrier.stop();
      await counter.stop();
      await expiry.stop();
      await link.stop();
      await db.close();
      await telemetry.close();
      log.info('site stopped');
    },
  };
}

async function seedStores({ db, stores, site, runtime }: SiteContext): Promise<void> {
  for (const { configuredTopology } of stores.values()) {
    await db.transaction((tx) => seedTopology(tx, configuredTopology, site, runtime.ids.uuid(), runtime.clock.now()));
  }
}

/** Whoever is to look for short items by itself begins with the process. */
async function replenishStores(context: SiteContext): Promise<void> {
  for (const settings of context.stores.values()) {
    const { store, inventory } = settings;
    if (inventory.replenishment.everyMinutes === 0) continue;
    await askForFirstShare(context, settings);
    await lookForShortItems(context, store, `site:${context.site}`);
  }
}

function sweepQuietly(context: SiteContext): void {
  const { db, runtime, log } = context;
  const later = (what: string) => (err: unknown) =>
    log.warn({ err }, `old ${what} could not be swept; they are tried again later`);
  sweepIdempotencyKeys(db, runtime.clock.now()).catch(later('idempotency keys'));
  sweepDocuments(context).catch(later('catalogue documents'));
}
