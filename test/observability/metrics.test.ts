/** What Prometheus gets from a site: every metric that is promised, true to what happened, and the rules for alerts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { parse } from 'yaml';
import { type StoreSettings } from '../../activities/context';
import { createApp } from '../../api/app';
import { allRoutes } from '../../api/routes';
import { addKey, makeKey } from '../../db/api-keys';
import { recordAudit } from '../../db/audit';
import { openDatabase } from '../../db/migrate';
import { findOnPath } from '../../workers/program-cache';
import { freePort } from '../support/servers';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';

/** Of the design; replication is not built yet, and its lag comes with it. */
const PROMISED = [
  ...['outbox_oldest_seconds', 'held_deliveries', 'held_oldest_seconds', 'parked_documents', 'rights_units'],
  ...['transfers_in_flight_oldest_seconds', 'catalog_revision_lag', 'sales_refused_total', 'site_up', 'store_epoch'],
  'audit_violations',
].map((name) => `entrepot_${name}`);
const ROOT = join(__dirname, '..', '..');
const RULES = join(ROOT, 'docs', 'alerts.yml');

type Labels = Readonly<Record<string, string>>;

/** A scrape: the samples by name. */
class Scrape {
  private readonly samples: { name: string; labels: Labels; value: number }[] = [];
  readonly names = new Set<string>();

  constructor(readonly text: string) {
    for (const line of text.split('\n')) {
      const typed = /^# TYPE (\w+) /.exec(line)?.[1];
      if (typed !== undefined) {
        if (this.names.has(typed)) throw new Error(`${typed} is there twice`);
        this.names.add(typed);
      }
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text] as const);
      this.samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
    }
  }

  /** The one sample that has these labels. */
  value(name: string, labels: Labels = {}): number | undefined {
    const found = this.samples.filter(
      (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
    );
    if (found.length > 1) throw new Error(`${found.length} samples of ${name}`);
    return found[0]?.value;
  }
}

describe('metrics', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start('sqlite', ['north']);
    await world.pushItems(itemsCsv({ A: '1.00' }), ['north']);
    await world.stock([{ sku: 'A', quantity: 5 }]);
  });
  afterAll(() => world.stop());

  const scrape = async (site: string) => {
    const answer = await fetch(`${world.config(site).url}/metrics`, {
      headers: { authorization: `Bearer ${world.key}` },
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    return new Scrape(await answer.text());
  };

  test('hold all that is promised, and nothing that grows with the trade', async () => {
    await recordAudit([world.site('hq').context], world.store, { hq: 1, '(all sites)': 2, north: 4 }, Date.now());
    const { names, text } = await scrape('hq');
    expect(PROMISED.filter((name) => !names.has(name))).toEqual([]);
    expect(names).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    expect(text).not.toMatch(new RegExp(`route="[^"]*${world.store}`));
  });

  test('count sales and refusals by reason, and time requests by route', async () => {
    const before = await scrape('north');
    expect(before.value('entrepot_sales_refused_total', { reason: 'price-changed', store: world.store })).toBe(0);
    await world.buy('north', [{ sku: 'A', quantity: 2 }]);
    await world.buy('north', [{ sku: 'A', quantity: 99 }]);
    const after = await scrape('north');
    expect(after.value('entrepot_sales_total', { site: 'north', store: world.store })).toBe(1);
    expect(after.value('entrepot_sales_refused_total', { reason: 'insufficient-stock' })).toBe(1);
    expect(after.value('entrepot_checkout_duration_seconds_count')).toBe(2);
    const route = '/v1/stores/{store}/carts/{cart}/checkout';
    const requests = 'entrepot_http_request_duration_seconds_count';
    expect(after.value(requests, { method: 'post', route, status: '2xx' })).toBe(1);
    expect(after.value(requests, { method: 'post', route, status: '4xx' })).toBe(1);
    expect(after.value('entrepot_rights_units', { account: 'own' })).toBe(3);
    expect(after.value('entrepot_site_up')).toBe(1);
    expect(after.value('entrepot_store_epoch')).toBe(1);
    expect(after.value('entrepot_temporal_up')).toBe(1);
    expect(after.value('entrepot_audit_violations')).toBeUndefined();
    await until(
      'what checkouts did not find to be counted',
      async () => (await scrape('north')).value('entrepot_demand_missing_units_total') === 96,
    );
    await fetch(`${world.config('north').url}/nothing`);
    expect((await scrape('north')).value('entrepot_http_unrouted_total')).toBe(1);
  });

  test('show what the last recorded audit found at the site, and at the root what belongs to none', async () => {
    const sites = ['hq', 'north'].map((site) => world.site(site).context);
    await recordAudit(sites, world.store, { north: 4, '(all sites)': 2 }, Date.now() - 60_000);
    const [hq, north] = await Promise.all(['hq', 'north'].map(scrape));
    expect([hq, north].map((one) => one?.value('entrepot_audit_violations'))).toEqual([2, 4]);
    expect(north?.value('entrepot_audit_age_seconds')).toBeGreaterThanOrEqual(60);
  });

  test('show what is held, since when, and how far behind a receiver is, until it is back', async () => {
    await world.stopSite('hq');
    await world.buy('north', [{ sku: 'A', quantity: 1 }]);
    await until('the hold of the order', async () => {
      const now = await scrape('north');
      return now.value('entrepot_held_deliveries', { kind: 'orders' }) === 1;
    });
    const held = await scrape('north');
    expect(held.value('entrepot_outbox_oldest_seconds')).toBeGreaterThan(3);
    expect(held.value('entrepot_held_oldest_seconds', { kind: 'orders' })).toBeGreaterThan(3);
    expect(held.value('entrepot_relay_orders_total')).toBe(2);
    await world.startSite('hq');
    await until(
      'the outbox to empty',
      async () => (await scrape('north')).value('entrepot_outbox_oldest_seconds') === 0,
    );

    await world.stopSite('north');
    await world.pushItems(itemsCsv({ A: '1.50' }), []);
    await world.call('hq', 'POST', '/inventory/receipts', {
      body: { receiptId: 'r2', lines: [{ sku: 'A', quantity: 9 }] },
    });
    await world.call('hq', 'POST', '/inventory/allocations', { body: { skus: ['A'] } });
    const behind = { catalog: 'main', receiver: 'north' };
    const [waiting] = await Promise.all(
      ['catalog', 'stock'].map((kind) =>
        until(`held ${kind}`, async () => {
          const now = await scrape('hq');
          return now.value('entrepot_held_deliveries', { kind }) === 1 && now;
        }),
      ),
    );
    expect(waiting?.value('entrepot_catalog_revision_lag', behind)).toBe(1);
    expect(waiting?.value('entrepot_transfers_uncredited', { state: 'in-flight' })).toBe(1);
    expect(waiting?.value('entrepot_transfers_uncredited_units', { state: 'in-flight' })).toBe(9);
    expect(waiting?.value('entrepot_transfers_uncredited_units', { state: 'stranded' })).toBe(0);
    await world.startSite('north');
    await until('all to be delivered', async () => {
      const now = await scrape('hq');
      const held = ['orders', 'catalog', 'stock'].map((kind) => now.value('entrepot_held_deliveries', { kind }));
      const flight = now.value('entrepot_transfers_in_flight_oldest_seconds');
      return (
        held.every((count) => count === 0) && flight === 0 && now.value('entrepot_catalog_revision_lag', behind) === 0
      );
    });
  });

  test('show what is short at a site, what it has asked for, and what nobody has', async () => {
    expect((await scrape('north')).value('entrepot_items_short')).toBeUndefined();
    await world.call('north', 'PUT', '/inventory/thresholds/A', { body: { threshold: { units: 50 } } });
    await world.stopSite('hq');
    await world.call('north', 'POST', '/inventory/replenishments');
    const asking = await until('the request', async () => {
      const now = await scrape('north');
      return now.value('entrepot_items_short') === 1 && now;
    });
    expect(asking.value('entrepot_replenishment_asked_items')).toBe(1);
    expect(asking.value('entrepot_replenishment_asked_seconds')).toBeGreaterThanOrEqual(0);
    await world.startSite('hq');
    await until('the answer', async () => {
      const now = await scrape('north');
      const [asked, none] = ['asked', 'unavailable'].map((what) => now.value(`entrepot_replenishment_${what}_items`));
      return asked === 0 && none === 1;
    });
  });

  test('are for monitors and operators of the store, and tell it when the database is away', async () => {
    const { context } = world.site('north');
    const made = await world.call('north', 'POST', '/keys', { body: { role: 'monitor', label: 'prometheus' } });
    const bearer = { authorization: `Bearer ${String(made.body['key'])}` };
    const nowhere = openDatabase(`mysql://nobody@127.0.0.1:${await freePort()}/none`);
    let { db } = context;
    const app = createApp(
      {
        ...context,
        get db() {
          return db;
        },
      },
      allRoutes,
    );
    const first = await request(app).get('/metrics').set(bearer);
    expect(new Scrape(first.text).value('entrepot_site_up')).toBe(1);
    expect((await request(app).get(`/v1/stores/${world.store}/orders`).set(bearer)).status).toBe(403);
    db = nowhere;
    const away = await request(app).get('/metrics').set(bearer);
    expect(away.status).toBe(200);
    const left = new Scrape(away.text);
    expect([left.value('entrepot_site_up'), left.value('entrepot_outbox_oldest_seconds')]).toEqual([0, undefined]);
    expect(left.value('entrepot_sales_refused_total', { reason: 'cart-closed' })).toBe(0);
    await nowhere.close();
  });

  test('of another store at the same site stay with its own keys', async () => {
    const { context } = world.site('north');
    const own = context.stores.get(world.store);
    const key = makeKey(context.runtime.random);
    const added = { key, role: 'monitor', site: null, label: 'other', expiresAt: null, now: Date.now() } as const;
    await context.db.transaction((tx) => addKey(tx, { ...added, store: 'other' }));
    const stores = new Map([...context.stores, ['other', { ...(own as StoreSettings), store: 'other' }]]);
    const answer = await request(createApp({ ...context, stores }, allRoutes))
      .get('/metrics')
      .set({ authorization: `Bearer ${key}` });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('store="other"');
    expect(answer.text).not.toContain(`store="${world.store}"`);
  });

  test('are all that the alert rules speak of, and every rule has its way out in the operations guide', async () => {
    const { names } = await scrape('hq');
    const known = new Set([...names, 'up']);
    interface Rule {
      readonly alert: string;
      readonly expr: string;
    }
    const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    const spoken = rules.flatMap(({ expr }) => [...expr.matchAll(/\b((?:entrepot|nodejs|process)_\w+|up)\b/g)]);
    const metrics = new Set(spoken.map(([, name = '']) => name.replace(/_(bucket|count|sum)$/, '')));
    expect([...metrics].filter((name) => !known.has(name))).toEqual([]);
    expect(PROMISED.filter((name) => !metrics.has(name))).toEqual([]);
    const guide = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const runbook = new Map(
      [...guide.matchAll(/^\| `(Entrepot\w+)` +\| (.+?) +\|$/gm)].map(([, name, text]) => [name, text]),
    );
    expect([...runbook.keys()].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});

test('the alert rules are right by the word of promtool, where there is one', async () => {
  const promtool = await findOnPath('promtool', process.env);
  if (promtool === null)
    process.stderr.write('promtool is missing (Debian: prometheus): alerts.yml is not checked by it\n');
  else expect(execFileSync(promtool, ['check', 'rules', RULES], { encoding: 'utf8' })).toMatch(/SUCCESS/);
});
