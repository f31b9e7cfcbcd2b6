/** Carts as buyers fill them, and their checkout with the patience that buyers have. */
import { type SiteContext } from '../../../activities/context';
import { itemsOnSale, sellCart } from '../../../activities/sale';
import { addLines, createCart, findCart, writeCart } from '../../../db/carts';
import { PUBLIC } from '../../../domain/audience';
import { type StockLine } from '../../../domain/inventory';
import { unitsOf } from '../oracle/amounts';
import { CATALOG, CURRENCY, ITEMS, SHIPPING, STORE } from '../shop';
import { type Site } from '../site';
import { type World } from '../world';

export interface WantedCart {
  readonly cart: string;
  readonly lines: readonly StockLine[];
}

const ADDRESS = {
  ...{ name: 'Ann Buyer', deliverTo: [], street: ['1 High Street'], city: 'Leeds', state: null, postalCode: 'LS1 1AA' },
  ...{ countryCode: 'GB', phone: null, email: null },
};
const DETAILS = {
  buyer: { name: 'Ann Buyer', email: null },
  shipTo: ADDRESS,
  shippingMethod: SHIPPING.code,
  payment: { method: 'account', termsDays: 30, reference: null },
};

/** Attempts at a checkout before a buyer gives up. */
const ATTEMPTS_MAX = 5;

/** What a buyer wants, known to the oracle before any site hears of it. */
export function wantCart(world: World): WantedCart {
  const { dice, oracle } = world;
  const cart = uuidFrom(dice.bytes(16));
  const lines = dice.some(ITEMS, dice.between(1, 2)).map(({ sku }) => ({ sku, quantity: dice.between(1, 6) }));
  // The same item in two lines, at times.
  if (dice.oneIn(8) && lines[0]) lines.push({ sku: lines[0].sku, quantity: 1 });
  oracle.fillCart(cart, unitsOf(lines));
  return { cart, lines };
}

/** Puts the cart in a site's database, ready for checkout; once, however often it is asked. */
export function fillCart(world: World, site: Site, wanted: WantedCart): Promise<void> {
  return world.ask(site, `cart ${wanted.cart}`, (context) => placeCart(context, wanted));
}

async function placeCart({ db, site, runtime }: SiteContext, { cart: cartId, lines }: WantedCart): Promise<void> {
  const cart = {
    store: STORE,
    cartId,
    tokenHash: '0'.repeat(64),
    buyerId: 'ann',
    catalog: CATALOG,
    viewer: PUBLIC,
    currency: CURRENCY,
  };
  const items = await itemsOnSale(
    db,
    cart,
    lines.map(({ sku }) => sku),
  );
  const priced = lines.map(({ sku, quantity }) => ({
    ...{ sku, quantity, price: items.get(sku)?.item.price ?? 0 },
    priceRevision: items.get(sku)?.revision ?? 0,
  }));
  const now = runtime.clock.now();
  await db.transaction(async (tx) => {
    if (await findCart(tx, STORE, cartId)) return;
    await createCart(tx, { ...cart, site, now });
    await writeCart(tx, { ...cart, version: 1 }, DETAILS, now);
    await addLines(tx, cart, site, priced);
  });
}

/** Asks for the order until there is an answer, or the buyer has had enough. */
export async function checkOut(world: World, site: Site, { cart, lines }: WantedCart): Promise<void> {
  const { scheduler, outside, dice, oracle } = world;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    if (attempt > 1) world.happened('sale asked again');
    try {
      const result = await world.ask(site, `checkout ${cart}`, (context) =>
        sellCart(context, { store: STORE, cartId: cart }),
      );
      if (result.outcome === 'ordered') {
        if (result.already) world.happened('sale answered as before');
        oracle.orders.tellBuyer(site.name, cart, result.orderId);
        return;
      }
      world.happened('sale refused');
      oracle.note('buyer', `is refused by ${site.name}: ${result.refusal.problem}`, [
        cart,
        ...lines.map(({ sku }) => sku),
      ]);
      const { problem } = result.refusal;
      if (problem === 'primary-away') world.happened('primary away');
      if ((problem !== 'insufficient-stock' && problem !== 'primary-away') || dice.oneIn(2)) return;
    } catch (error) {
      if (isViolation(error)) return scheduler.fail(error);
    }
    await scheduler.wait(outside, 'buyer waits', { delay: dice.below(6_000) });
  }
}

function isViolation(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'Violation';
}

function uuidFrom(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
