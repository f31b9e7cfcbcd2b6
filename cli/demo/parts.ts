/** The demo's parts in their order, each printed as it happens. */
import { connect } from 'node:net';
import { readCatalogDocumentSize } from '../../db/evidence';
import { auditReport } from '../audit';
import { siteConfigs, withDatabases } from '../databases';
import { failed } from '../exit-codes';
import { formatCount, formatSeconds, formatTable, formatTime, print, progress } from '../output';
import { type Purchase, type PurchaseAnswer, SiteApi } from '../site-api';
import { operatorAt } from '../start';
import { type Stocked, stockUp, waitForWorkflow } from '../trial/first-start';
import { type Trial, primaryOf, secondariesOf, siteOf } from '../trial/layout';
import { type Exit } from '../trial/site-process';
import { type Supervisor } from '../trial/supervisor';
import { BuyersLog } from './buyers-log';
import { type DayOrder, countryCode, readDayOrders, siteForOrder } from './day-orders';
import { validateOrderDocument } from './document-check';
import {
  BUYERS_AT_ONCE,
  KILL_AFTER_SHARE,
  LAST_UNITS,
  LAST_UNITS_BUYERS,
  SALES_WHILE_GONE_MIN,
  chooseScarceItem,
  inParallel,
} from './scenario';
import { seededRandom } from '../random';

/** How long the primary may take to have confirmed everything after its return, milliseconds. */
const CONFIRM_ALL_TIMEOUT_MS = 90_000;
/** How long held deliveries may take to be shown as held, milliseconds. */
const HELD_SHOWN_TIMEOUT_MS = 30_000;
const LOOK_AGAIN_MS = 300;
/** Held deliveries that are printed with their links. */
const HELD_SHOWN_MAX = 6;
/** Lines of the sample document that are printed. */
const DOCUMENT_LINES_SHOWN = 60;

type Figures = [string, string][];

export async function runDemoParts(supervisor: Supervisor, seed: number, logFile: string): Promise<Figures> {
  const { trial } = supervisor;
  const random = seededRandom(seed);
  const day = await readDayOrders();
  const bought = new Set(day.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  const scarce = { sku: '' };
  const stocked = await stockUp(trial, operatorAt(trial, trial.primary), progress, (skus) => {
    scarce.sku = chooseScarceItem(skus, bought, random);
    return [scarce.sku];
  });
  if (!stocked) throw failed('the demo found stock that it did not bring: it wants a fresh directory (--data DIR)');
  const log = new BuyersLog(logFile, { seed, lastUnits: { sku: scarce.sku, units: LAST_UNITS } });
  const demo = new Demo(supervisor, log, random);
  try {
    await demo.showStock(stocked);
    await demo.showPush(stocked);
    const [sample, ...rest] = day as [DayOrder, ...DayOrder[]];
    await demo.oneSale(sample);
    await demo.dayOfOrders(rest);
    await demo.lastUnits(scarce.sku);
    await demo.audit();
    return demo.figures;
  } finally {
    log.close();
  }
}

class Demo {
  readonly figures: Figures = [];
  private readonly trial: Trial;
  private readonly primary: SiteApi;
  private readonly secondaries: readonly string[];
  /** Set from the primary's proven end to its return. */
  private primaryGone = false;
  private accepted = 0;

  constructor(
    private readonly supervisor: Supervisor,
    private readonly log: BuyersLog,
    private readonly random: () => number,
  ) {
    this.trial = supervisor.trial;
    this.primary = operatorAt(this.trial, this.trial.primary);
    this.secondaries = secondariesOf(this.trial).map(({ site }) => site);
  }

  async showStock({ allocationMs }: Stocked): Promise<void> {
    heading('(a) stock, as it was shared out');
    const units = await Promise.all(this.trial.sites.map(({ site }) => operatorAt(this.trial, site).ownUnits()));
    print(
      formatTable(
        ['site', 'units that it may sell'],
        this.trial.sites.map(({ site }, index) => [site, units[index]]),
      ),
    );
    this.figures.push(['units shared out', formatCount(units.reduce((sum, count) => sum + count, 0))]);
    this.figures.push(['stock shared out and confirmed in', formatSeconds(allocationMs)]);
  }

  async showPush({ pushMs }: Stocked): Promise<void> {
    heading('(b) the catalogue, pushed as XML');
    const configs = siteConfigs([], this.trial.data).filter(({ site }) => site === this.trial.primary);
    const document = await withDatabases(configs, async ([primary]) =>
      primary ? readCatalogDocumentSize(primary.db, this.trial.store, this.trial.catalog) : null,
    );
    if (!document) throw failed('the primary has no record of the catalogue document that it sent');
    const heads = await Promise.all(
      this.trial.sites.map(({ site }) => operatorAt(this.trial, site).catalogStatus(this.trial.catalog)),
    );
    const rows = this.trial.sites.map(({ site }, index) => {
      const head = heads[index];
      return [site, head?.revision, head?.itemCount];
    });
    print(
      `document: ${formatCount(document.bytes)} bytes of XML (${formatCount(document.compressedBytes)} on the wire), at every site after ${formatSeconds(pushMs)}`,
    );
    print(formatTable(['site', 'revision', 'items'], rows));
    this.figures.push(['catalogue document', `${formatCount(document.bytes)} bytes`]);
    this.figures.push(['catalogue at every site after', formatSeconds(pushMs)]);
  }

  async oneSale(order: DayOrder): Promise<void> {
    heading('(c) one sale, and its cXML order as it arrived at the primary');
    const site = siteForOrder(order, this.secondaries);
    const begun = Date.now();
    const answer = await this.buyDayOrder(order, site);
    if (answer.orderId === null)
      throw failed(`the first sale was ${answer.outcome}: ${answer.detail ?? answer.status}`);
    const { orderId } = answer;
    await this.until(`order ${orderId} is confirmed`, CONFIRM_ALL_TIMEOUT_MS, async () => {
      const found = await this.primary.findOrder(orderId);
      return found?.state === 'confirmed';
    });
    const ms = Date.now() - begun;
    const document = await this.primary.orderDocument(orderId);
    const problems = await validateOrderDocument(document);
    if (problems.length > 0) throw failed(`the document of order ${orderId} is not valid: ${problems.join('; ')}`);
    const lines = document.replaceAll(/></g, '>\n<').split('\n');
    print('(line breaks added)');
    print(lines.slice(0, DOCUMENT_LINES_SHOWN).join('\n'));
    if (lines.length > DOCUMENT_LINES_SHOWN) print(`… and ${lines.length - DOCUMENT_LINES_SHOWN} lines more`);
    print(`\norder ${orderId}, sold at ${site}, goods for ${answer.subtotal}; valid by DTD and by the stricter check`);
    this.figures.push(['one order, from sale to confirmed', formatSeconds(ms)]);
  }

  async dayOfOrders(day: readonly DayOrder[]): Promise<void> {
    heading(`(d) a day of orders: ${formatCount(day.length)} real ones, the primary killed in the middle`);
    const begun = Date.now();
    const killAt = this.accepted + Math.floor(day.length * KILL_AFTER_SHARE);
    let killed: Promise<Exit> | undefined;
    await Promise.all(
      this.secondaries.map((site) =>
        inParallel(
          day.filter((order) => siteForOrder(order, this.secondaries) === site),
          BUYERS_AT_ONCE,
          async (order) => {
            await this.buyDayOrder(order, site);
            // Not awaited by the buyers: the kill falls into the middle of their requests.
            if (this.accepted >= killAt && !killed) {
              killed = this.killPrimary();
              // Told of once the buyers are done, not as an unhandled rejection before.
              killed.catch(() => undefined);
            }
          },
        ),
      ),
    );
    if (!killed) throw failed(`only ${this.accepted} orders were accepted: too few for the kill after ${killAt}`);
    const exit = await killed;
    const sellingMs = Date.now() - begun;
    print(
      `process ${exit.pid} of ${this.trial.primary} ended by ${exit.signal} at ${formatTime(exit.at)}; its port refuses`,
    );
    await this.showHeld();
    this.figures.push(['orders accepted on the day', formatCount(this.accepted)]);
    this.figures.push(['of these with the primary gone', this.goneCounts()]);
    this.figures.push(['the day was sold in', formatSeconds(sellingMs)]);
    await this.primaryReturns();
  }

  private readonly soldWhileGone = new Map<string, number>();

  private goneCounts(): string {
    return this.secondaries.map((site) => `${site} ${this.soldWhileGone.get(site) ?? 0}`).join(', ');
  }

  private async killPrimary(): Promise<Exit> {
    progress(`kill -9 for ${this.trial.primary} after ${this.accepted} orders`);
    const exit = await this.supervisor.process(this.trial.primary).kill();
    if (!(await refusesConnections(primaryOf(this.trial).port))) {
      throw failed(`process ${exit.pid} of the primary is gone, yet something listens on its port`);
    }
    this.primaryGone = true;
    return exit;
  }

  private async showHeld(): Promise<void> {
    for (const site of this.secondaries) {
      const sales = this.soldWhileGone.get(site) ?? 0;
      if (sales < SALES_WHILE_GONE_MIN) {
        throw failed(
          `${site} accepted ${sales} sales while the primary was gone: at least ${SALES_WHILE_GONE_MIN} were wanted`,
        );
      }
    }
    print(`sales accepted while the primary was gone: ${this.goneCounts()}`);
    await this.until('the held deliveries are shown', HELD_SHOWN_TIMEOUT_MS, async () => {
      const held = await Promise.all(this.secondaries.map((site) => operatorAt(this.trial, site).heldDeliveries()));
      return held.every((list) => list.length > 0);
    });
    const rows = await Promise.all(
      this.secondaries.map(async (site) => {
        const held = await operatorAt(this.trial, site).heldDeliveries();
        return held
          .slice(0, HELD_SHOWN_MAX)
          .map((delivery) => [
            site,
            `${delivery.count} ${delivery.kind} for ${delivery.site}`,
            formatTime(delivery.since),
            delivery.temporalUi,
          ]);
      }),
    );
    print(formatTable(['at', 'held', 'since', 'Temporal UI'], rows.flat()));
  }

  private async primaryReturns(): Promise<void> {
    heading('(e) the primary returns');
    this.primaryGone = false;
    const begun = Date.now();
    await this.supervisor.process(this.trial.primary).start();
    print(`${this.trial.primary} serves again after ${formatSeconds(Date.now() - begun)}`);
    await this.allConfirmed();
    const ms = Date.now() - begun;
    print(`every order is confirmed, ${formatSeconds(ms)} after the return began`);
    this.figures.push(['everything confirmed after the return', formatSeconds(ms)]);
  }

  private allConfirmed(): Promise<void> {
    return this.until('every order is confirmed', CONFIRM_ALL_TIMEOUT_MS, async () => {
      const waiting = await Promise.all(
        this.secondaries.map((site) => operatorAt(this.trial, site).unconfirmedOrders()),
      );
      return waiting.every((count) => count === 0);
    });
  }

  async lastUnits(sku: string): Promise<void> {
    heading(
      `(f) ${LAST_UNITS_BUYERS} buyers for the last ${LAST_UNITS} units of ${sku}, at ${this.secondaries.length} sites`,
    );
    await this.primary.receive('last-units', [{ sku, quantity: LAST_UNITS }]);
    const { id } = await this.primary.allocate({ sites: this.secondaries, skus: [sku], ownShare: false });
    await waitForWorkflow(this.primary, id, progress, 'allocation of the last units');
    const begun = Date.now();
    let sold = 0;
    const buyers = Array.from({ length: LAST_UNITS_BUYERS }, (_, index) => ({
      buyer: `last-${index + 1}`,
      site: this.secondaries[Math.floor(this.random() * this.secondaries.length)] ?? this.trial.primary,
    }));
    await inParallel(buyers, BUYERS_AT_ONCE * this.secondaries.length, async ({ buyer, site }) => {
      const answer = await this.buy('last-units', site, buyer, purchaseOf(buyer, 'GB', [{ sku, quantity: 1 }]));
      if (answer.outcome === 'ordered') sold++;
    });
    const ms = Date.now() - begun;
    print(`${sold} of ${LAST_UNITS} units sold, ${LAST_UNITS_BUYERS - sold} buyers refused, in ${formatSeconds(ms)}`);
    this.figures.push([`of the last ${LAST_UNITS} units sold`, `${sold} (to ${LAST_UNITS_BUYERS} buyers at once)`]);
    await this.allConfirmed();
  }

  async audit(): Promise<void> {
    heading('(g) the audit, on the live databases');
    const { store, data } = this.trial;
    const { text, clean } = await withDatabases(siteConfigs([], data), (sites) => auditReport(store, sites));
    print(text);
    if (!clean) throw failed('the audit found violations');
  }

  private buyDayOrder(order: DayOrder, site: string): Promise<PurchaseAnswer> {
    const buyer = order.customer === '' ? `guest of invoice ${order.invoice}` : `customer ${order.customer}`;
    return this.buy('day', site, buyer, purchaseOf(buyer, countryCode(order.country), order.lines));
  }

  private async buy(
    part: 'day' | 'last-units',
    site: string,
    buyer: string,
    purchase: Purchase,
  ): Promise<PurchaseAnswer> {
    const goneBefore = this.primaryGone;
    const api = new SiteApi({
      url: siteOf(this.trial, site).url,
      key: this.trial.keys.buyer,
      store: this.trial.store,
    });
    const answer = await api.buy(purchase);
    const primaryGone = goneBefore && this.primaryGone;
    this.log.write({ ...answer, at: Date.now(), part, site, buyer, lines: [...purchase.lines], primaryGone });
    if (answer.outcome === 'ordered') {
      this.accepted++;
      if (primaryGone) this.soldWhileGone.set(site, (this.soldWhileGone.get(site) ?? 0) + 1);
    }
    return answer;
  }

  private async until(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await holds())) {
      if (Date.now() > deadline) throw failed(`after ${formatSeconds(timeoutMs)} it is still not so that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

function purchaseOf(buyer: string, country: string, lines: Purchase['lines']): Purchase {
  const address = {
    name: buyer,
    deliverTo: [buyer],
    street: ['1 High Street'],
    city: country === 'GB' ? 'York' : 'Anytown',
    state: null,
    postalCode: null,
    countryCode: country,
    email: null,
    phone: null,
  };
  return { buyer: { name: buyer, email: null }, address, shippingMethod: 'standard', lines };
}

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

function heading(text: string): void {
  print(`\n${text}\n${'='.repeat(text.length)}`);
}
