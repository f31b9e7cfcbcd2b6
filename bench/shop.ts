/** A shop to measure: its items and stock in a site's database, and carts that are ready for checkout. */
import { type SiteContext } from '../activities/context';
import { withoutProcess } from '../activities/without-process';
import { type NewCartLine, addLines, createCart, writeCart } from '../db/carts';
import { type Database } from '../db/database';
import { storeSettingsFrom } from '../workers/config';
import { type SiteConfig } from '../workers/config-schema';
import { REAL_RUNTIME } from '../workers/site';
import { siteTransport } from '../workers/site-transport';

export const BUYER = { name: 'Bench Buyer', email: null };
export const ADDRESS = {
  ...{ name: 'Bench Buyer', deliverTo: [], street: ['1 High Street'], city: 'Leeds', state: null },
  ...{ postalCode: 'LS1 1AA', countryCode: 'GB', email: null, phone: null },
};
const PAYMENT = { method: 'account', termsDays: 30, reference: null };

/** What the site's process gives its routes and activities, around a database that the bench has opened. */
export function contextFor(config: SiteConfig, db: Database): SiteContext {
  return {
    ...withoutProcess(config.site, REAL_RUNTIME.random),
    ...{ stores: storeSettingsFrom(config), db, runtime: REAL_RUNTIME, transport: siteTransport },
    ...{ documentsDir: config.documentsDir, url: config.url },
    temporalUi: { url: config.temporal.uiUrl, namespace: config.temporal.namespace },
  };
}

export interface CartToMake {
  readonly store: string;
  readonly catalog: string;
  readonly tokenHash: string;
  readonly lines: readonly NewCartLine[];
}

/** Makes a cart that lacks nothing; answers its id. */
export async function makeCart(context: SiteContext, cart: CartToMake): Promise<string> {
  const { db, site } = context;
  const { store, catalog, tokenHash, lines } = cart;
  const now = REAL_RUNTIME.clock.now();
  const cartId = REAL_RUNTIME.ids.uuid();
  const made = { store, cartId, version: 1 };
  const settings = context.stores.get(store);
  const shippingMethod = settings?.shippingMethods[0]?.code ?? '';
  await db.transaction(async (tx) => {
    const currency = settings?.currency ?? '';
    await createCart(tx, { store, cartId, tokenHash, buyerId: 'bench', catalog, currency, site, now });
    await writeCart(tx, made, { buyer: BUYER, shipTo: ADDRESS, shippingMethod, payment: PAYMENT }, now);
    await addLines(tx, made, site, lines);
  });
  return cartId;
}
