/**
 * Bugs planted in a copy of the source. Each must be found by the oracle, as the breach of an invariant, within the
 * budget; what is found says which.
 */
import { type Patch } from './compile';
import { type Invariant } from './oracle/violation';

export interface PlantedBug {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Any of these is broken by it. */
  readonly breaks: readonly Invariant[];
  /** The episode in which the seed of the repository found it last: looked at first, then all of them. */
  readonly lastFound?: number;
}

const LEDGER = 'db/inventory/ledger.ts';
const POOL = 'db/inventory/pool.ts';
const TRANSFERS = 'db/inventory/transfers.ts';
const INVENTORY = 'activities/inventory/index.ts';
const DOCUMENTS = 'activities/inventory/transfer-documents.ts';
const VOIDS = 'db/inventory/voids.ts';
const SALE = 'activities/sale.ts';
const BOOK = 'db/orders/book.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a debit without its guard',
    patches: [
      { file: LEDGER, find: "AND account = ? AND rights >= ?',", replace: "AND account = ? AND ? > 0'," },
      { file: LEDGER, find: 'AND rights >= ${quantityOf}`,', replace: 'AND ${quantityOf} > 0`,' },
    ],
    breaks: [1],
    lastFound: 1,
  },
  {
    name: 'units credited that the giver has not debited',
    patches: [
      {
        file: TRANSFERS,
        find: "const short = await debit(tx, movementOf(transfer, account, 'transfer-out'), transfer.lines);",
        replace:
          'const short = transfer.lines.length < 0 ? await debit(tx, movementOf(transfer, account, "transfer-out"), []) : [];',
      },
    ],
    breaks: [1],
  },
  {
    name: 'credit first, and debit when the taker has confirmed',
    patches: [
      {
        file: TRANSFERS,
        find: "const short = await debit(tx, movementOf(transfer, account, 'transfer-out'), transfer.lines);",
        replace: 'const short: Awaited<ReturnType<typeof debit>> = [];',
      },
      {
        file: DOCUMENTS,
        find: "if (outcome !== 'refused') return settleTransfer(tx, store, transfer, now, outcome);",
        replace: `await settleTransfer(tx, store, transfer, now, outcome === 'refused' ? 'stranded' : outcome);
        const known = await findTransfer(tx, store, transfer);
        const movement = { store, movementId: 'transfer:' + formatTransferId(transfer), kind: 'transfer-out' as const, account: 'pool' as const };
        const about = { counterparty: known?.taker ?? '', transferId: formatTransferId(transfer), cause: known?.cause ?? '' };
        const { debit } = await import('../../db/inventory/ledger');
        await debit(tx, { ...movement, ...about, epoch: 1, incarnation: 1, now }, await linesOfTransfer(tx, store, transfer));`,
      },
    ],
    breaks: [1],
  },
  {
    name: 'the inbox as the only dedupe of transfers',
    patches: [
      {
        file: TRANSFERS,
        find: "    : await writeUnlessKnown(tx, transfer, 'credited');",
        replace: `    : (await writeUnlessKnown(tx, transfer, 'credited'), undefined as Transfer | undefined);`,
      },
      {
        file: TRANSFERS,
        find: '...{ store, movementId: `transfer:${name}`, kind, account, transferId: name, cause, epoch, incarnation, now },',
        replace: `...{ store, movementId: kind === 'transfer-in' ? \`transfer:\${name}:\${now}\` : \`transfer:\${name}\` },
    ...{ kind, account, transferId: name, cause, epoch, incarnation, now },`,
      },
    ],
    breaks: [1],
  },
  {
    name: "an allocation's transfers are not kept: asked again, it gives anew",
    patches: [
      {
        file: INVENTORY,
        find: 'return (await plannedBefore(tx, request)) ?? (await planAllocation(context, tx, request, view));',
        replace:
          'void plannedBefore;\n        return planAllocation(context, tx, { ...request, ownShare: false }, view);',
      },
    ],
    breaks: [1, 2, 5],
    lastFound: 6,
  },
  {
    name: 'the answer is kept first, and the units credited after',
    patches: [
      {
        file: DOCUMENTS,
        find: '      return JSON.stringify(await takeGiven(tx, own, given, { domain, now }));',
        replace: `      creditLater = () => db.transaction((after) => takeGiven(after, own, given, { domain, now }));
      const envelope = {
        payloadID: formatPayloadID(now, 'confirm-' + formatTransferId(id), 1, domain),
        ...{ timestamp: now, store, domain, sender: receiver, receiver: sender },
      };
      const about = { envelope, transfer: id, inReplyTo: payloadID, lines: lines.length, units };
      const xml = writeConfirmation({ ...about, outcome: 'credited' });
      return JSON.stringify({ envelope, xml, lines: lines.length });`,
      },
      {
        file: DOCUMENTS,
        find: "  const answer = JSON.parse(confirmation) as Pick<WrittenDocument, 'envelope' | 'xml'>;",
        replace: `  await creditLater?.();
  const answer = JSON.parse(confirmation) as Pick<WrittenDocument, 'envelope' | 'xml'>;`,
      },
      {
        file: DOCUMENTS,
        find: '  const confirmation = await db.transaction((tx) =>',
        replace: `  let creditLater: (() => Promise<unknown>) | undefined;
  const confirmation = await db.transaction((tx) =>`,
      },
    ],
    breaks: [1, 2],
  },
  {
    name: 'a restored site does again what its lost data had done',
    patches: [
      {
        file: 'domain/inventory/rights.ts',
        find: 'return concerned !== null && Math.max(concerned, 1) < incarnation;',
        replace: 'return concerned !== null && concerned > incarnation;',
      },
    ],
    breaks: [1],
    lastFound: 7,
  },
  {
    name: 'a restored site keeps what it might sell',
    patches: [
      {
        file: 'db/backup.ts',
        find: 'withdrawn: keepRights ? 0 : await withdrawRights(tx, withdrawal)',
        replace: 'withdrawn: keepRights || withdrawal ? 0 : await withdrawRights(tx, withdrawal)',
      },
    ],
    breaks: [1],
  },
  {
    name: 'the pool is recomputed from its receipts',
    patches: [
      {
        file: POOL,
        find: '  return rightsIn(tx, store, account, skus, forUpdate(tx.engine));',
        replace: `  return tx.run(
    \`UPDATE stock_levels SET rights = (SELECT COALESCE(SUM(quantity), 0) FROM stock_ledger g WHERE g.store = stock_levels.store
       AND g.sku = stock_levels.sku AND g.kind IN ('receipt', 'transfer-in')) WHERE store = ? AND account = 'pool'\`,
    [store],
  ).then(() => rightsIn(tx, store, account, skus, forUpdate(tx.engine)));`,
      },
    ],
    breaks: [1],
  },
  {
    name: 'a receipt is booked as often as it is asked for',
    patches: [
      {
        file: POOL,
        find: 'const movementId = `receipt:${site}:${receiptId}`;',
        replace: 'const movementId = `receipt:${site}:${receiptId}:${now}`;',
      },
    ],
    breaks: [1],
  },
  {
    name: 'an answer is booked as often as it comes, and its units returned',
    patches: [
      {
        file: BOOK,
        find: "cancelled: ['waiting', 'accepted', 'confirmed', 'parked'],",
        replace: "cancelled: ['waiting', 'accepted', 'confirmed', 'parked', 'cancelled'],",
      },
      {
        file: LEDGER,
        find: '  const movementId = `return:${sale.orderId}`;\n  if (await hasMovement(tx, sale.store, movementId)) return;',
        replace: '  const movementId = `return:${sale.orderId}:${sale.now}`;',
      },
    ],
    breaks: [1, 5],
    lastFound: 18,
  },
  {
    name: 'a confirmation that comes again is told again',
    patches: [
      {
        file: BOOK,
        find: "confirmed: ['waiting', 'accepted', 'parked'],",
        replace: "confirmed: ['waiting', 'accepted', 'parked', 'confirmed'],",
      },
    ],
    breaks: [5],
    lastFound: 6,
  },
  {
    name: "a cancelled order's units are not returned",
    patches: [
      {
        file: 'activities/orders/index.ts',
        find: "outcome === 'cancelled' && changed.includes(orderId));",
        replace: "outcome === 'cancelled' && !changed.includes(orderId));",
      },
    ],
    breaks: [1, 2, 5],
  },
  {
    name: 'the outbox row goes before its answer has come',
    patches: [
      {
        file: 'workers/relay.ts',
        find: "    const started = await this.traced('offer orders'",
        replace: `    const carried = await entriesOfBatch(db, store, batch);
    await db.transaction((tx) => removeEntries(tx, store, 'order', carried.map(({ subject }) => subject)));
    const started = await this.traced('offer orders'`,
      },
    ],
    breaks: [2],
  },
  {
    name: 'a COMMIT without an answer counts as done',
    patches: [{ file: SALE, find: 'return found ? true : undefined;', replace: 'return true;' }],
    breaks: [2],
    lastFound: 15,
  },
  {
    name: 'one site sells a cart twice',
    patches: [
      {
        file: 'db/carts.ts',
        find: "     WHERE store = ? AND cart_id = ? AND version = ? AND status = 'I'`,\n    [now, cart.store, cart.cartId, cart.version],\n  );\n  if (changed === 0) throw new CartMovedError(cart.cartId);\n}\n",
        replace:
          '     WHERE store = ? AND cart_id = ? AND version <> ?`,\n    [now, cart.store, cart.cartId, -1],\n  );\n  if (changed === 0) throw new CartMovedError(cart.cartId);\n}\n',
      },
      {
        file: BOOK,
        find: 'winners.map(({ cartId, orderId }) => [store, cartId, orderId, now]),',
        replace: "winners.map(({ cartId, orderId }) => [store, cartId, orderId, now]),\n    'ignore',",
      },
    ],
    breaks: [4],
    lastFound: 3,
  },
  {
    name: 'the root takes every order of a cart',
    patches: [
      {
        file: 'activities/orders/receive.ts',
        find: 'const lost = winner !== undefined && winner !== orderId;',
        replace: 'const lost = winner === undefined && winner === orderId;',
      },
      {
        file: BOOK,
        find: 'winners.map(({ cartId, orderId }) => [store, cartId, orderId, now]),',
        replace: "winners.map(({ cartId, orderId }) => [store, cartId, orderId, now]),\n    'ignore',",
      },
    ],
    breaks: [4],
    lastFound: 1,
  },
  {
    name: 'of transactions that share a COMMIT, a failed one is committed too',
    patches: [{ file: 'db/sqlite.ts', find: "      this.connection.execute('ROLLBACK TO one');\n", replace: '' }],
    breaks: [1, 2, 4],
    lastFound: 2,
  },
  {
    name: 'a void without a tombstone: the taker only says that it has not credited yet',
    patches: [
      {
        file: VOIDS,
        find: "const known = await writeUnlessKnown(tx, refused, 'tombstone');",
        replace: 'void writeUnlessKnown;\n  const known = await findTransfer(tx, store, id);',
      },
    ],
    breaks: [1],
    lastFound: 8,
  },
  {
    name: 'a void of what its taker has credited',
    patches: [
      {
        file: 'activities/inventory/voiding.ts',
        find: "if (said !== 'tombstone') {",
        replace: "if (said === 'stranded') {",
      },
    ],
    breaks: [1],
    lastFound: 7,
  },
  {
    name: 'what a parent answers to a site that runs low, it has not debited',
    patches: [
      {
        file: 'activities/inventory/giving.ts',
        find: '  await giveTransfer(tx, transfer, account);',
        replace: "  if (!gift.cause.startsWith('replenishment:')) await giveTransfer(tx, transfer, account);",
      },
    ],
    breaks: [1],
    lastFound: 3,
  },
  {
    name: 'an update is applied as often as it comes',
    patches: [
      {
        file: 'activities/inventory/updates.ts',
        find: 'if (known.result) return',
        replace: 'if (known.result && known.createdAt < 0) return',
      },
      {
        file: 'db/inventory/updates.ts',
        find: 'movementId: `${MOVEMENT_KINDS[kind]}:update:${updateId}`,',
        replace: 'movementId: `${MOVEMENT_KINDS[kind]}:update:${updateId}:${now}`,',
      },
    ],
    breaks: [2, 5],
    lastFound: 2,
  },
  {
    name: 'a parent answers a site that runs low as often as it is asked',
    patches: [
      {
        file: 'activities/inventory/replenishment.ts',
        find: 'const before = await givenFor(tx, store, taker.cause);',
        replace: 'const before: Awaited<ReturnType<typeof givenFor>> = [];',
      },
    ],
    breaks: [5],
    lastFound: 9,
  },
];
