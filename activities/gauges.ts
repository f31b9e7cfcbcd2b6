/** What a store's database says at the moment of a scrape, as Prometheus gauges (design, section 7). */
import { Gauge, Registry } from 'prom-client';
import { type StoreGauges, readGauges } from '../db/gauges';
import { type SiteContext } from './context';

const MS_PER_S = 1_000;

interface Definition {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly samples: (gauges: StoreGauges, now: number) => readonly Sample[];
}
type Sample = readonly [number, Readonly<Record<string, string>>?];

const age = (since: number | null, now: number) => (since === null ? 0 : Math.max(0, (now - since) / MS_PER_S));

/** Every gauge that is read from the database, by its name. */
const DEFINITIONS: Readonly<Record<string, Definition>> = {
  entrepot_store_epoch: {
    help: "The number of the store's primacy that this site knows.",
    samples: ({ epoch }) => [[epoch]],
  },
  entrepot_outbox_oldest_seconds: {
    help: 'How long the oldest entry has been in the outbox; 0 when it is empty.',
    samples: ({ outboxSince }, now) => [[age(outboxSince, now)]],
  },
  entrepot_held_deliveries: {
    help: 'Deliveries whose receiver has not answered for some seconds, by kind.',
    labels: ['kind'],
    samples: ({ held }) => held.map(({ kind, count }) => [count, { kind }]),
  },
  entrepot_held_oldest_seconds: {
    help: 'How long the oldest of them has been waiting.',
    labels: ['kind'],
    samples: ({ held }, now) => held.map(({ kind, since }) => [age(since, now), { kind }]),
  },
  entrepot_parked_documents: {
    help: 'Documents and deliveries that were refused and wait for an operator.',
    samples: ({ parked }) => [[parked]],
  },
  entrepot_rights_units: {
    help: 'Units that this site may sell (own) or grant (pool), over all items.',
    labels: ['account'],
    samples: ({ rights }) => Object.entries(rights).map(([account, units]) => [units, { account }]),
  },
  entrepot_transfers_in_flight_oldest_seconds: {
    help: 'How long the oldest transfer that this site gave has not been confirmed; 0 when there is none.',
    samples: ({ transferSince }, now) => [[age(transferSince, now)]],
  },
  entrepot_transfers_uncredited: {
    help: 'Transfers that this site gave: in-flight, in-doubt (no answer of the taker), stranded (its data are lost).',
    labels: ['state'],
    samples: ({ transfers }) => transfers.map(({ state, count }) => [count, { state }]),
  },
  entrepot_transfers_uncredited_units: {
    help: 'Units of these transfers.',
    labels: ['state'],
    samples: ({ transfers }) => transfers.map(({ state, units }) => [units, { state }]),
  },
  entrepot_items_short: {
    help: 'Items of which this site had less than their threshold when it last looked.',
    samples: ({ replenishment: { short } }) => (short === null ? [] : [[short]]),
  },
  entrepot_replenishment_asked_items: {
    help: 'Items that this site has asked its parent for, without an answer yet.',
    samples: ({ replenishment }) => [[replenishment.asked]],
  },
  entrepot_replenishment_asked_seconds: {
    help: 'How long ago that was; 0 when there is none.',
    samples: ({ replenishment }, now) => [[age(replenishment.since, now)]],
  },
  entrepot_replenishment_unavailable_items: {
    help: 'Items that this site asked for and its parent did not have, within the last hour.',
    samples: ({ replenishment }) => [[replenishment.unavailable]],
  },
  entrepot_catalog_revision_lag: {
    help: 'Revisions that a site which this one delivers to has not confirmed yet, by catalogue and receiver.',
    labels: ['catalog', 'receiver'],
    samples: ({ lags }) => lags.map(({ catalog, receiver, revisions }) => [revisions, { catalog, receiver }]),
  },
  entrepot_audit_violations: {
    help: 'Violations that the last recorded audit found at this site.',
    samples: ({ audit }) => (audit ? [[audit.violations]] : []),
  },
  entrepot_audit_age_seconds: {
    help: 'How long ago that audit was.',
    samples: ({ audit }, now) => (audit ? [[age(audit.at, now)]] : []),
  },
};

/**
 * The gauges of one store as of now. A database that does not answer is itself what a scrape has to tell: then there is
 * `entrepot_site_up` with 0, and of the rest nothing.
 */
export async function storeGauges(context: SiteContext, store: string): Promise<Registry> {
  const { db, site, runtime, log } = context;
  const registry = new Registry();
  registry.setDefaultLabels({ store, site });
  const registers = [registry];
  const up = new Gauge({ name: 'entrepot_site_up', help: "1 while the site's database answers.", registers });
  const temporal = new Gauge({ name: 'entrepot_temporal_up', help: '1 while Temporal answers.', registers });
  up.set(0);
  temporal.set((await context.temporalReach()).reached ? 1 : 0);
  const now = runtime.clock.now();
  try {
    const gauges = await readGauges(db, store, now);
    up.set(1);
    for (const [name, definition] of Object.entries(DEFINITIONS)) {
      const { help, labels = [], samples } = definition;
      const gauge = new Gauge({ name, help, labelNames: [...labels], registers });
      // What is not known is not 0.
      if (labels.length === 0) gauge.remove();
      for (const [value, labelled = {}] of samples(gauges, now)) gauge.set(labelled, value);
    }
  } catch (err) {
    log.warn({ store, err }, 'the database did not answer a scrape of the metrics');
  }
  return registry;
}
