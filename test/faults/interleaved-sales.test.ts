/** Carts and orders while two connections take turns, statement by statement: one sale, one order, one answer. */
import { type SaleResult, sellCart } from '../../activities/sale';
import { type SiteContext } from '../../activities/context';
import { formOrderBatch, orderActivities } from '../../activities/orders';
import { onceByKey } from '../../api/idempotency';
import { CartMovedError, changeLine, createCart, findCart, writeCart } from '../../db/carts';
import { type Database } from '../../db/database';
import { IDEMPOTENCY_LEASE_MS, claimIdempotencyKey } from '../../db/idempotency';
import { entriesOfBatch } from '../../db/outbox';
import { type StockLine } from '../../domain/inventory';
import { type OrderAnswer } from '../../domain/orders';
import { engines } from '../support/databases';
import { CATALOG, STORE, Shop } from '../orders/shop';
import { type Race, Races, values } from './races';

const one = (sku: string, quantity = 1): StockLine[] => [{ sku, quantity }];

describe.each(engines())('interleaved on %s', (engine) => {
  let hq: Shop;
  let north: Shop;
  let south: Shop;
  let races: Races;
  let racesAtHq: Races;
  beforeAll(async () => {
    [hq, north, south] = [
      await Shop.open(engine, 'hq'),
      await Shop.open(engine, 'north'),
      await Shop.open(engine, 'south'),
    ];
    for (const site of [north, south]) await site.sells({ A: '1.25', B: '2.50' });
    races = await Races.open(engine, north.location, north.db);
    racesAtHq = await Races.open(engine, hq.location, hq.db);
  });
  afterAll(async () => {
    await races.close();
    await racesAtHq.close();
    for (const site of [hq, north, south]) await site.drop();
  });

  const on = (shop: Shop, db: Database): SiteContext => ({ ...shop.context, db });
  const newId = () => north.context.runtime.ids.uuid();
  const fill = async (lines: readonly StockLine[], sites: readonly Shop[] = [north]): Promise<string> => {
    const cartId = newId();
    for (const site of sites) await site.copyCart(cartId, lines);
    return cartId;
  };
  /** From here on there are `units` of the item, whatever an earlier schedule has left. */
  const stock = async (sku: string, units: number, shop = north) => {
    await shop.db.run('DELETE FROM stock_levels WHERE sku = ?', [sku]);
    await shop.has(one(sku, units));
  };
  const sell = (cartId: string) => (db: Database) => sellCart(on(north, db), { store: STORE, cartId });
  const ordersOf = (shop: Shop, cartId: string) =>
    shop.db.all<{ order_id: string; state: string }>(
      'SELECT order_id, state FROM orders WHERE store = ? AND cart_id = ? ORDER BY order_id',
      [STORE, cartId],
    );
  const soldUnits = async (shop: Shop, cartIds: readonly string[]) => {
    const marks = cartIds.map(() => '?').join(', ');
    const row = await shop.db.get<{ units: number }>(
      `SELECT COALESCE(SUM(quantity), 0) AS units FROM order_lines JOIN orders USING (store, order_id)
       WHERE orders.cart_id IN (${marks})`,
      [...cartIds],
    );
    return row?.units ?? 0;
  };
  const outcomes = (results: readonly PromiseSettledResult<SaleResult>[]) =>
    values(results).map((result) => (result.outcome === 'ordered' ? 'ordered' : result.refusal.problem));
  const contended = (searched: { blocked: number }) => {
    if (engine === 'mariadb') expect(searched.blocked).toBeGreaterThan(0);
  };

  test('the search finds what an unguarded debit does', async () => {
    const debit = async (db: Database) =>
      db.transaction(async (tx) => {
        const row = await tx.get<{ rights: number }>("SELECT rights FROM stock_levels WHERE sku = 'race'");
        if ((row?.rights ?? 0) < 1) return 'short';
        await tx.run("UPDATE stock_levels SET rights = rights - 1 WHERE sku = 'race'");
        return 'sold';
      });
    const prepare = async (): Promise<Race<string>> => {
      await stock('race', 1);
      return {
        acts: [debit, debit],
        holds: async (results) => expect(values(results).sort()).toEqual(['short', 'sold']),
      };
    };
    const searching = races.search(prepare);
    if (engine === 'mariadb') await expect(searching).rejects.toThrow(/broken by actor 0 stopping after \d+ turns/);
    else await searching;
  });

  test('the last unit is sold once', async () => {
    contended(
      await races.search(async () => {
        await stock('A', 1);
        const carts = [await fill(one('A')), await fill(one('A'))] as const;
        return {
          acts: [sell(carts[0]), sell(carts[1])],
          holds: async (results) => {
            expect(outcomes(results).sort()).toEqual(['insufficient-stock', 'ordered']);
            expect([await north.units('A'), await soldUnits(north, carts)]).toEqual([0, 1]);
          },
        };
      }),
    );
  });

  test.each([
    [1, ['insufficient-stock', 'ordered']],
    [2, ['ordered', 'ordered']],
  ])('carts with the same items in another order, %i of each there', async (units, expected) => {
    contended(
      await races.search(async () => {
        await stock('A', units);
        await stock('B', units);
        const carts = [await fill([...one('A'), ...one('B')]), await fill([...one('B'), ...one('A')])] as const;
        return {
          acts: [sell(carts[0]), sell(carts[1])],
          holds: async (results) => {
            expect(outcomes(results).sort()).toEqual(expected);
            expect([await north.units('A'), await north.units('B')]).toEqual([0, 0]);
            expect(await soldUnits(north, carts)).toBe(2 * units);
          },
        };
      }),
    );
  });

  test('one cart checked out twice is one order, and both hear of it', async () => {
    contended(
      await races.search(async () => {
        await stock('A', 3);
        const cartId = await fill(one('A', 3));
        return {
          acts: [sell(cartId), sell(cartId)],
          holds: async (results) => {
            const orders = await ordersOf(north, cartId);
            expect(orders).toHaveLength(1);
            const told = values(results).map((result) => (result.outcome === 'ordered' ? result.orderId : result));
            expect(told).toEqual([orders[0]?.order_id, orders[0]?.order_id]);
            expect([await north.units('A'), await soldUnits(north, [cartId])]).toEqual([0, 3]);
          },
        };
      }),
    );
  });

  test('a cart that is changed while it is sold is sold as its buyer saw it, or not at all', async () => {
    contended(
      await races.search<unknown>(async () => {
        await stock('A', 5);
        const cartId = await fill(one('A', 2));
        const seen = await findCart(north.db, STORE, cartId);
        const [line] = seen?.lines ?? [];
        if (!seen || !line) throw new Error('the cart is gone');
        const change = (db: Database) =>
          db.transaction(async (tx) => {
            await writeCart(tx, seen, {}, 2);
            await changeLine(tx, seen, line, 5, 'north');
          });
        return {
          acts: [(db) => sellCart(on(north, db), { store: STORE, cartId, cart: seen, version: seen.version }), change],
          holds: async ([sale, changed]) => {
            const { outcome } = values([sale as PromiseSettledResult<SaleResult>])[0] as SaleResult;
            const sold = await soldUnits(north, [cartId]);
            expect(sold).toBe(outcome === 'ordered' ? 2 : 0);
            expect(await north.units('A')).toBe(5 - sold);
            if (outcome === 'ordered') expect(changed).toMatchObject({ reason: expect.any(CartMovedError) });
            else expect(changed?.status).toBe('fulfilled');
          },
        };
      }),
    );
  });

  test('an order is in one batch, whichever process forms it, and whatever is sold meanwhile', async () => {
    contended(
      await races.search(async () => {
        await north.db.run('DELETE FROM outbox');
        await stock('A', 2);
        const carts = [await fill(one('A')), await fill(one('A'))];
        for (const cartId of carts) await sellCart(north.context, { store: STORE, cartId });
        const form = (db: Database) => formOrderBatch(on(north, db), STORE);
        return {
          acts: [form, form],
          holds: async (results) => {
            const batches = values(results).filter((batch) => batch !== null);
            const entries = await Promise.all(batches.map((batch) => entriesOfBatch(north.db, STORE, batch)));
            expect(entries.map(({ length }) => length)).toEqual([2]);
          },
        };
      }),
    );
  });

  const receive = (document: Awaited<ReturnType<Shop['nextBatch']>>['document']) => (db: Database) =>
    orderActivities(on(hq, db)).receiveOrders({ store: STORE, epoch: 1, batch: document });
  const byId = (answers: OrderAnswer[]) => [...answers].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));

  test('a batch received twice is taken once, and both hear the same', async () => {
    contended(
      await racesAtHq.search(async () => {
        await north.db.run('DELETE FROM outbox');
        await stock('A', 2);
        const carts = [await fill(one('A')), await fill(one('A'))];
        for (const cartId of carts) await sellCart(north.context, { store: STORE, cartId });
        const { document } = await north.nextBatch();
        return {
          acts: [receive(document), receive(document)],
          holds: async (results) => {
            const [first, second] = values(results).map(byId);
            expect(first?.map(({ outcome }) => outcome)).toEqual(['confirmed', 'confirmed']);
            expect(second).toEqual(first);
            for (const cartId of carts) expect(await ordersOf(hq, cartId)).toMatchObject([{ state: 'confirmed' }]);
          },
        };
      }),
    );
  });

  test('of two orders from copies of one cart the root keeps one', async () => {
    contended(
      await racesAtHq.search(async () => {
        const documents = [];
        const cartId = await fill(one('A'), [north, south]);
        for (const shop of [north, south]) {
          await shop.db.run('DELETE FROM outbox');
          await stock('A', 1, shop);
          await sellCart(shop.context, { store: STORE, cartId });
          documents.push((await shop.nextBatch()).document);
        }
        const [up, down] = documents as [(typeof documents)[0], (typeof documents)[0]];
        return {
          acts: [receive(up), receive(down)],
          holds: async (results) => {
            const answers = values(results).flat();
            expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['cancelled', 'confirmed']);
            const winner = answers.find(({ outcome }) => outcome === 'confirmed')?.orderId;
            expect(answers.find(({ outcome }) => outcome === 'cancelled')).toMatchObject({ winner });
            const states = (await ordersOf(hq, cartId)).map(({ state }) => state);
            expect(states.sort()).toEqual(['cancelled', 'confirmed']);
          },
        };
      }),
    );
  });

  test.each<[string, OrderAnswer['outcome'], OrderAnswer['outcome'], string]>([
    ['two cancellations return the units once', 'cancelled', 'cancelled', 'cancelled'],
    ['an order that was confirmed does not go back to accepted', 'confirmed', 'accepted', 'confirmed'],
  ])('answers booked at once: %s', async (_what, first, second, state) => {
    contended(
      await races.search(async () => {
        await north.db.run('DELETE FROM outbox');
        await stock('A', 4);
        const sold = await sellCart(north.context, { store: STORE, cartId: await fill(one('A', 4)) });
        if (sold.outcome !== 'ordered') throw new Error(JSON.stringify(sold.refusal));
        const { orderId } = sold;
        const book = (outcome: OrderAnswer['outcome']) => (db: Database) => {
          const answer = { orderId, by: 'hq', outcome, epoch: 1, reason: 'r', winner: newId() } as OrderAnswer;
          return orderActivities(on(north, db)).bookOrderAnswers({ store: STORE, batch: 'b', answers: [answer] });
        };
        return {
          acts: [book(first), book(second)],
          holds: async (results) => {
            values(results);
            expect(await north.state(orderId)).toBe(state);
            expect(await north.units('A')).toBe(state === 'cancelled' ? 4 : 0);
            expect((await north.timeline(orderId)).filter((kind) => kind === state)).toHaveLength(1);
            expect(await north.count('outbox')).toBe(0);
          },
        };
      }),
    );
  });

  describe('an Idempotency-Key', () => {
    const made = async (key: string) =>
      (await north.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM carts WHERE buyer_id = ?', [key]))?.n;
    const ask = (key: string) => (db: Database) =>
      onceByKey(on(north, db), STORE, key, 'post /race', Buffer.from('body'), async () => {
        const cart = { store: STORE, cartId: newId(), tokenHash: 'h', buyerId: key, catalog: CATALOG };
        await db.transaction((tx) => createCart(tx, { ...cart, currency: 'GBP', site: 'north', now: 1 }));
        return { status: 201, headers: {}, body: cart.cartId };
      });

    test('used by two requests at once does its work once', async () => {
      await races.search(async () => {
        const key = newId();
        return {
          acts: [ask(key), ask(key)],
          holds: async (results) => {
            const answered = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.body] : []));
            const refused = results.flatMap((result) =>
              result.status === 'rejected' ? [result.reason as unknown] : [],
            );
            for (const reason of refused) expect(reason).toMatchObject({ slug: 'idempotency-in-flight' });
            expect(await made(key)).toBe(1);
            const again = await ask(key)(north.db);
            expect(again.headers).toMatchObject({ 'Idempotency-Replayed': 'true' });
            for (const body of answered) expect(body).toBe(again.body);
          },
        };
      });
    });

    test('whose holder died is taken over by one', async () => {
      await races.search(async () => {
        const key = { store: STORE, key: newId(), route: 'post /race', bodyDigest: '0'.repeat(64) };
        await claimIdempotencyKey(north.db, key, 1_000);
        const take = (db: Database) => claimIdempotencyKey(db, key, 1_001 + IDEMPOTENCY_LEASE_MS);
        return {
          acts: [take, take],
          holds: async (results) => {
            const states = values(results).map(({ state }) => state);
            expect(states.sort()).toEqual(['in-flight', 'mine']);
          },
        };
      });
    });
  });
});
