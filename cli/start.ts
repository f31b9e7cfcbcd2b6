/** `entrepot start`: a whole trial system from nothing, until Ctrl-C. */
import { formatTable, print, progress } from './output';
import { SiteApi } from './site-api';
import { lockDirectory, openTrial } from './trial/data-directory';
import { stockUp } from './trial/first-start';
import {
  PORT_BASE_DEFAULT,
  type Trial,
  codecPage,
  externalTemporal,
  primaryOf,
  secondariesOf,
  siteOf,
} from './trial/layout';
import { newKey } from './trial/keys';
import { Supervisor } from './trial/supervisor';

export interface StartOptions {
  readonly data: string;
  readonly db?: string;
  readonly portBase?: number;
  readonly sites?: number;
}

export async function runStart(options: StartOptions): Promise<void> {
  const stopAsked = stopSignal();
  const unlock = lockDirectory(options.data);
  try {
    const trial = openTrial(
      {
        data: options.data,
        ...(options.portBase === undefined ? {} : { portBase: options.portBase }),
        ...(options.sites === undefined ? {} : { secondaries: options.sites }),
        ...(options.db === undefined ? {} : { db: options.db }),
      },
      PORT_BASE_DEFAULT,
      newKey,
    );
    const supervisor = new Supervisor(trial, progress);
    try {
      await Promise.race([bringUp(supervisor), stopAsked.then(refuseToGoOn)]);
      print(`\nCtrl-C stops everything. Data and keys are in ${trial.data}.`);
      progress(`\n${await stopAsked}: stopping the sites, then Temporal`);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      progress('\nstopping before everything was up');
    } finally {
      await supervisor.stop();
    }
    progress('stopped');
  } finally {
    unlock();
  }
}

/** Ctrl-C while things are still starting. */
class Stopped extends Error {}

function refuseToGoOn(): never {
  throw new Stopped();
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
}

async function bringUp(supervisor: Supervisor): Promise<void> {
  const { trial } = supervisor;
  await startSystem(supervisor);
  await stockUp(trial, operatorAt(trial, trial.primary), progress);
  print(await overview(trial));
}

/** Ports, databases, sites, then Temporal: sites serve before Temporal is up. */
export async function startSystem(supervisor: Supervisor): Promise<void> {
  await supervisor.requirePorts();
  await supervisor.prepareDatabases();
  await supervisor.startSites();
  await supervisor.startTemporal();
}

export function operatorAt(trial: Trial, site: string): SiteApi {
  return new SiteApi({ url: siteOf(trial, site).url, key: trial.keys.operator, store: trial.store });
}

async function overview(trial: Trial): Promise<string> {
  const rows = await Promise.all(
    trial.sites.map(async ({ site, role, url }) => {
      const api = operatorAt(trial, site);
      const [{ revision, itemCount }, units] = await Promise.all([api.catalogStatus(trial.catalog), api.ownUnits()]);
      return [site, role, url, revision, itemCount, units];
    }),
  );
  const near = secondariesOf(trial)[0] ?? primaryOf(trial);
  const sku = (await operatorAt(trial, near.site).skuInStock()) ?? 'SKU';
  return [
    '',
    formatTable(['site', 'role', 'URL', 'revision', 'items', 'rights (units)'], rows),
    '',
    `APIs:         ${trial.sites.map(({ url }) => url).join('  ')}  (each with /docs and /openapi.json)`,
    `Temporal UI:  ${temporalUi(trial)}`,
    `Documents:    ${codecPage(trial)}  (sealed in Temporal, opened here for operators)`,
    `Store:        ${trial.store}`,
    `Sample keys:  operator    ${trial.keys.operator}`,
    `              integrator  ${trial.keys.integrator}`,
    `              buyer       ${trial.keys.buyer}`,
    '',
    `Buy something at ${near.site} (paste it as it is):`,
    '',
    purchaseSnippet(near.url, trial, sku),
  ].join('\n');
}

function temporalUi(trial: Trial): string {
  const external = externalTemporal();
  return external === null ? trial.temporal.uiUrl : `the one of ${external}`;
}

/** A cart, what goes into it, who buys it, and the order: plain curl for any shell. */
export function purchaseSnippet(url: string, trial: Trial, sku: string): string {
  const lines = JSON.stringify({ lines: [{ sku, quantity: 2 }] });
  const details = JSON.stringify({
    buyer: { name: 'Ada Buyer', email: 'ada@buyer.example' },
    shipTo: { name: 'Ada Buyer', street: ['1 High Street'], city: 'York', postalCode: 'YO1 7HH', countryCode: 'GB' },
    shippingMethod: 'standard',
    payment: { method: 'account', termsDays: 30 },
  });
  return [
    `S=${url}/v1/stores/${trial.store}; K='Authorization: Bearer ${trial.keys.buyer}'; J='Content-Type: application/json'`,
    'C=$(curl -sS -X POST $S/carts -H "$K")',
    `field() { printf %s "$C" | sed 's/.*"'"$1"'":"//;s/".*//'; }; U=$S/carts/$(field cartId); T="Cart-Token: $(field token)"`,
    `curl -sS -o /dev/null -X POST $U/lines -H "$K" -H "$J" -H "$T" -H 'If-Match: *' -d '${lines}'`,
    `curl -sS -o /dev/null -X PATCH $U -H "$K" -H "$J" -H "$T" -H 'If-Match: *' -d '${details}'`,
    'curl -sS -X POST $U/checkout -H "$K" -H "$T"',
  ].join('\n');
}
