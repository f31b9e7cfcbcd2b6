/** One episode's world: sites in a tree, Temporal, people outside, the weather, and the oracle that watches all of it. */
import { type SiteContext, type StoreSettings } from '../../activities/context';
import { unobserved } from '../../activities/observation';
import { credit } from '../../db/inventory/ledger';
import { noRetries } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { type CentralItems, REPLENISHMENT_OFF } from '../../domain/inventory';
import { type Topology } from '../../domain/sites';
import { INVENTORY_AT_REST } from '../support/inventory-settings';
import { Counters, type RareCase } from './counters';
import { Dice } from './dice';
import { Oracle } from './oracle';
import { unitsOf } from './oracle/amounts';
import { Life, Scheduler } from './scheduler';
import { Site } from './site';
import { CATALOG, CURRENCY, ITEMS, ROOT, SHIPPING, STORE } from './shop';
import { type Worker } from './temporal/activity-tasks';
import { type Sandbox } from './temporal/sandbox';
import { TemporalServer } from './temporal/server';
import { type Weather, drawWeather } from './weather';

export interface WorldOptions {
  readonly seed: number;
  readonly sandbox: Sandbox;
  readonly template: string;
  readonly folder: string;
}

/** Whoever asks a site from outside waits this long for an answer, milliseconds. */
const PATIENCE_MS = 10_000;

export class World {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly counters = new Counters();
  readonly oracle: Oracle;
  readonly temporal: TemporalServer;
  readonly sites = new Map<string, Site>();
  /** People and machines outside the sites. */
  readonly outside: Life;
  readonly topology: Topology;
  /** Nobody begins anything new any more. */
  calm = false;
  /** Outside, somebody still waits for an answer. */
  asking = 0;

  constructor({ seed, sandbox, template, folder }: WorldOptions) {
    this.dice = new Dice(seed);
    this.weather = drawWeather(this.dice);
    this.topology = drawTree(this.dice);
    this.scheduler = new Scheduler(this.dice, () => this.oracle.look());
    this.outside = new Life('outside', this.scheduler);
    const { scheduler, weather, counters } = this;
    const children = this.topology.sites.filter(({ parent }) => parent === ROOT).map(({ site }) => site);
    this.oracle = new Oracle(ROOT, children, () => ({ step: scheduler.steps, at: scheduler.elapsed }));
    this.temporal = new TemporalServer({
      ...{ scheduler, weather, counters, sandbox, life: new Life('temporal', scheduler) },
      workerOf: (queue) => this.workerOf(queue),
      workflowWorker: () => [...this.sites.values()].some((site) => site.process && site.hears && site.speaks),
      note: (who, what) => this.oracle.note(who, what, idsIn(what)),
      answered: (site, type, _input, answer) => this.answered(site, type, answer),
    });
    const settings = storeSettings(this.topology, drawInventory(this.dice));
    const observation = unobserved({ next: () => this.dice.fraction(), bytes: (size) => this.dice.bytes(size) });
    for (const { site } of this.topology.sites) {
      const peer = (name: string) => this.site(name);
      const around = { scheduler, weather, counters, settings, observation, template, folder, peer };
      this.sites.set(site, new Site(site, { ...around, oracle: this.oracle, temporal: this.temporal }));
    }
  }

  /** Stock is there from before, and the sites start. */
  async begin(): Promise<void> {
    for (const site of this.sites.values()) {
      if (this.dice.chance(OPENING_STOCK)) await this.openingStock(site);
      site.boot();
    }
  }

  site(name: string): Site {
    const site = this.sites.get(name);
    if (!site) throw new Error(`there is no site ${name}`);
    return site;
  }

  get root(): Site {
    return this.site(ROOT);
  }

  happened(name: RareCase): void {
    this.counters.happened(name);
  }

  /** Somebody outside asks a site for something; rejects when no answer comes, whether or not it was done. */
  ask<T>(site: Site, what: string, run: (context: SiteContext) => Promise<T>): Promise<T> {
    const { scheduler, outside, weather } = this;
    const { process } = site;
    this.asking++;
    const answer = new Promise<T>((resolve, reject) => {
      const giveUp = () => reject(new Error(`${site.name} does not answer: ${what}`));
      const callOff = scheduler.later(outside, `patience: ${what}`, PATIENCE_MS, giveUp);
      if (!process || scheduler.dice.chance(weather.lostRequest)) return;
      scheduler.spawn(
        process.life,
        what,
        () => run(process.context),
        (outcome) => {
          if (scheduler.dice.chance(weather.lostAnswer)) return this.happened('answer lost');
          scheduler.later(outside, `answer: ${what}`, 0, () => {
            callOff();
            if ('value' in outcome) resolve(outcome.value);
            else reject(outcome.error instanceof Error ? outcome.error : new Error(String(outcome.error)));
          });
        },
      );
    });
    return answer.finally(() => void this.asking--);
  }

  /** Somebody outside does something beside everything else; whatever fails there is theirs to try again, or to leave. */
  outsideDoes(what: string, run: () => Promise<void>): void {
    this.scheduler.spawn(this.outside, what, run, () => undefined);
  }

  private workerOf(queue: string): Worker | undefined {
    for (const { process } of this.sites.values()) if (process?.queues.has(queue)) return process.worker;
    return undefined;
  }

  /** What the sites say to each other, for the oracle. */
  private answered(site: string, type: string, answer: unknown): void {
    if (type === 'applyInventoryUpdate') {
      const { result } = answer as { result: { short: readonly unknown[] } };
      if (result.short.length > 0) this.happened('update was short');
    }
    if (type !== 'receiveOrders') return;
    for (const { orderId, ...said } of answer as { orderId: string }[]) {
      this.oracle.orders.answered(site, `order ${orderId}`, JSON.stringify(said));
    }
  }

  private async openingStock(site: Site): Promise<void> {
    const account = 'own';
    const id = `opening-${site.name}`;
    const lines = this.dice.some(ITEMS, 3).map(({ sku }) => ({ sku, quantity: this.dice.between(1, 60) }));
    this.oracle.stock.arrive(id, unitsOf(lines));
    const db = openDatabase(site.location, noRetries());
    const movement = { store: STORE, movementId: `receipt:${site.name}:${id}`, kind: 'receipt', account } as const;
    const origin = { counterparty: null, transferId: null, cause: `receipt:${id}`, epoch: 1, incarnation: 0, now: 0 };
    await db.transaction((tx) => credit(tx, { ...movement, ...origin }, lines));
    await db.close();
  }
}

/** Nobody looks by himself; every item may be given for the one before. */
const REPLENISHMENT = {
  ...REPLENISHMENT_OFF,
  substitutes: Object.fromEntries(ITEMS.slice(1).map(({ sku }, index) => [ITEMS[index]?.sku ?? '', [sku]])),
};

/** How long orders wait for other sites: not at all, as in life, and long enough for a busy world. */
const BORROWING_WAITS_MS = [0, 1_500, 5_000, 20_000];

/** The part of the sites that has stock of its own before anything is granted. */
const OPENING_STOCK = 0.8;

const IDS = /[0-9a-f]{8}-[0-9a-f-]{27}|\b[a-z]+\.\d+\.\d+\b/g;

/** Orders, carts and transfers that a text names. */
function idsIn(text: string): string[] {
  return text.match(IDS) ?? [];
}

function drawTree(dice: Dice): Topology {
  const children = ['north', 'south', 'west', 'east'].slice(0, dice.between(1, 4));
  const below = dice.chance(0.4) ? [{ site: 'isle', parent: dice.pick(children) }] : [];
  const tree = [{ site: ROOT, parent: null }, ...children.map((site) => ({ site, parent: ROOT })), ...below];
  const sites = tree.map(({ site, parent }) => ({
    ...{ site, parent, url: `http://${site}.example`, incarnation: 0 },
    role: parent === null ? ('primary' as const) : ('secondary' as const),
  }));
  return { store: STORE, version: 0, epoch: 1, primary: ROOT, sites };
}

/** In some worlds the stock of some items is kept at the root. */
const CENTRAL_WORLDS = 0.6;
/** As long as a world takes a few times over. */
const RESERVATION_MINUTES = 0.1;

function drawInventory(dice: Dice): StoreSettings['inventory'] {
  const waitMs = dice.pick(BORROWING_WAITS_MS);
  const inventory = { ...INVENTORY_AT_REST, borrowing: { waitMs, refill: true }, replenishment: REPLENISHMENT };
  if (waitMs === 0 || !dice.chance(CENTRAL_WORLDS)) return inventory;
  const items = dice.pick<CentralItems>(['all', ITEMS.slice(0, 1).map(({ sku }) => sku)]);
  const emergencyUnits = dice.below(2);
  return { ...inventory, central: { items, emergencyUnits, reservationMinutes: RESERVATION_MINUTES } };
}

function storeSettings(configuredTopology: Topology, inventory: StoreSettings['inventory']): StoreSettings {
  return {
    ...{ store: STORE, name: 'Shop', domain: 'shop.example', currency: CURRENCY, language: 'en', catalog: CATALOG },
    shippingMethods: [SHIPPING],
    tax: { description: 'VAT included', amount: 0 },
    priceChange: 'refuse',
    inventory,
    sealing: { current: 'simulated', keys: new Map([['simulated', Buffer.alloc(32, 7)]]) },
    configuredTopology,
  };
}
