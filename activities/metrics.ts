/**
 * A site's metrics (docs/operations.md lists them). Each store has a registry of its own, so that whoever may read one
 * store's numbers sees no other's. Labels are few and their values known beforehand: never an id.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import { type Retries } from '../db/database';
import { SALE_REFUSALS, type SaleRefusalReason } from '../domain/carts';

/** Upper ends of the duration buckets, seconds. */
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MS_PER_S = 1_000;

/** What is counted and timed of one store as it happens. */
export class StoreMetrics {
  readonly registry = new Registry();
  private readonly sales: Counter;
  private readonly refused: Counter<'reason'>;
  private readonly checkouts: Histogram;
  private readonly requests: Histogram<'method' | 'route' | 'status'>;
  private readonly batches: Counter;
  private readonly offered: Counter;
  private readonly asked: Counter;
  private readonly missing: Counter;

  constructor(site: string, store: string) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ store, site });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.sales = counter('entrepot_sales_total', 'Orders sold here.');
    this.refused = new Counter({
      ...{ name: 'entrepot_sales_refused_total', help: 'Checkouts refused here, by reason.', registers },
      labelNames: ['reason'],
    });
    for (const reason of SALE_REFUSALS) this.refused.inc({ reason }, 0);
    this.checkouts = new Histogram({
      ...{
        name: 'entrepot_checkout_duration_seconds',
        help: 'From the cart in hand to the order committed, or refused.',
      },
      ...{ buckets: DURATION_BUCKETS_S, registers },
    });
    this.requests = new Histogram({
      ...{ name: 'entrepot_http_request_duration_seconds', help: 'Requests by route and class of status.', registers },
      ...{ labelNames: ['method', 'route', 'status'], buckets: DURATION_BUCKETS_S },
    });
    this.batches = counter('entrepot_relay_batches_total', 'Batches of orders offered to Temporal.');
    this.offered = counter('entrepot_relay_orders_total', 'Orders in those batches; one offered again counts again.');
    this.asked = counter(
      'entrepot_demand_counted_total',
      'Orders and refusals counted as demand, of this site and those below it.',
    );
    this.missing = counter(
      'entrepot_demand_missing_units_total',
      'Units that checkouts here asked for and did not find; a cart that is tried again counts again.',
    );
  }

  sold(durationMs: number): void {
    this.sales.inc();
    this.checkouts.observe(durationMs / MS_PER_S);
  }

  refusedSale(reason: SaleRefusalReason, durationMs: number): void {
    this.refused.inc({ reason });
    this.checkouts.observe(durationMs / MS_PER_S);
  }

  /** `route` as declared, with its parameters' names. */
  answered(method: string, route: string, status: number, durationMs: number): void {
    this.requests.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, durationMs / MS_PER_S);
  }

  countedDemand(asked: number, missingUnits: number): void {
    this.asked.inc(asked);
    this.missing.inc(missingUnits);
  }

  offeredBatch(orders: number): void {
    this.batches.inc();
    this.offered.inc(orders);
  }
}

/** All of a site's metrics. */
export class SiteMetrics {
  private readonly stores = new Map<string, StoreMetrics>();
  private readonly registry = new Registry();
  private readonly activities: Histogram<'activity' | 'outcome'>;
  private readonly unrouted: Counter;

  /** `shared` are metrics of the process that the site runs in. */
  constructor(
    private readonly site: string,
    private readonly shared: readonly Registry[] = [],
  ) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ site });
    this.activities = new Histogram({
      ...{ name: 'entrepot_activity_duration_seconds', help: 'Attempts at activities, by outcome.', registers },
      ...{ labelNames: ['activity', 'outcome'], buckets: DURATION_BUCKETS_S },
    });
    this.unrouted = new Counter({
      ...{ name: 'entrepot_http_unrouted_total', help: 'Requests for what is not there.', registers },
    });
  }

  /** A request that found no route belongs to no store. */
  strayed(): void {
    this.unrouted.inc();
  }

  /** Shows how often the database's transactions were run again. */
  follow(retries: Readonly<Retries>): void {
    new Counter({
      ...{ name: 'entrepot_db_transaction_retries_total', help: 'Transactions that were run again, by cause.' },
      ...{ labelNames: ['cause'], registers: [this.registry] },
      collect() {
        this.reset();
        for (const [cause, count] of Object.entries(retries)) this.inc({ cause }, count);
      },
    });
  }

  of(store: string): StoreMetrics {
    const known = this.stores.get(store) ?? new StoreMetrics(this.site, store);
    this.stores.set(store, known);
    return known;
  }

  attempted(activity: string, outcome: 'done' | 'failed', durationMs: number): void {
    this.activities.observe({ activity, outcome }, durationMs / MS_PER_S);
  }

  /** In Prometheus's text form: the store's own, `also`, and what all stores share. */
  async text(store: string, also: readonly Registry[]): Promise<string> {
    const all = [this.of(store).registry, ...also, this.registry, ...this.shared];
    return (await Promise.all(all.map((registry) => registry.metrics()))).join('\n');
  }

  static readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
}
