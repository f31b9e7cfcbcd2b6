/** How much waits at a site and since when: the deliveries' list as numbers, however long it is. */
import { z } from 'zod';
import { listConfirmations } from '../db/catalog/deliveries';
import { type OpenTransfers, countOpenTransfers, openReplenishment } from '../db/inventory';
import { countParked } from '../db/orders';
import { outboxGroups } from '../db/outbox';
import { HELD_AFTER_MS } from '../domain/held';
import { type DeliveryState, deliveryStates } from './deliveries';
import { type RouteRequest } from './route';
import { timeOrNull } from './schemas';

const countSchema = z.object({
  count: z.number().int().describe('Orders, requested workflows, catalogue and stock documents.'),
  oldest: z.iso.datetime().nullable(),
});

export const deliveryCountsSchema = z.object({
  waiting: countSchema,
  delivering: countSchema,
  held: countSchema,
  parked: countSchema,
});

/** Of one kind in one state; `oldest` in milliseconds UTC. */
interface Counted {
  readonly state: DeliveryState;
  readonly count: number;
  readonly oldest: number | null;
}

export async function countDeliveries(
  request: Pick<RouteRequest<unknown, unknown, unknown>, 'context' | 'store'>,
): Promise<z.output<typeof deliveryCountsSchema>> {
  const { db, runtime, site } = request.context;
  const { store } = request.store;
  const heldBefore = runtime.clock.now() - HELD_AFTER_MS;
  const asked = await openReplenishment(db, store);
  const counted: Counted[] = [
    ...(await outboxGroups(db, store)).map(({ batch, entries, since }) =>
      counts(batch === null ? 'waiting' : since < heldBefore ? 'held' : 'delivering', entries, since),
    ),
    ...(await listConfirmations(db, store)).flatMap(({ state, heldSince, updatedAt }) =>
      state === 'confirmed' ? [] : [counts(state, 1, heldSince ?? updatedAt)],
    ),
    ...transfersCounted(await countOpenTransfers(db, store, site, heldBefore)),
    ...(asked ? [counts(asked.createdAt < heldBefore ? 'held' : 'delivering', 1, asked.createdAt)] : []),
    { state: 'parked', ...(await countParked(db, store)) },
  ];
  return Object.fromEntries(deliveryStates.map((state) => [state, sumOf(counted, state)])) as z.output<
    typeof deliveryCountsSchema
  >;
}

function counts(state: DeliveryState, count: number, oldest: number): Counted {
  return { state, count, oldest };
}

function transfersCounted({ before, since }: { before: OpenTransfers; since: OpenTransfers }): Counted[] {
  return [
    { state: 'held', count: before.count, oldest: before.oldest },
    { state: 'delivering', count: since.count, oldest: since.oldest },
  ];
}

function sumOf(all: readonly Counted[], state: DeliveryState): z.output<typeof countSchema> {
  const these = all.filter((counted) => counted.state === state && counted.count > 0);
  const oldest = these.flatMap((counted) => counted.oldest ?? []);
  return {
    count: these.reduce((sum, { count }) => sum + count, 0),
    oldest: timeOrNull(oldest.length === 0 ? null : Math.min(...oldest)),
  };
}
