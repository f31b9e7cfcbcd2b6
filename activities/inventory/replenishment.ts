/** A site that runs low asks its parent, and the parent answers (figures 11 and 12), one document each. */
import { createHash } from 'node:crypto';
import {
  readReplenishmentAnswer,
  readReplenishmentRequest,
  writeReplenishmentAnswer,
  writeReplenishmentRequest,
} from '../../cxml/inventory-replenishment';
import { takeOnce } from '../../db/inbox';
import {
  answersSince,
  beginReplenishment,
  findReplenishment,
  itemsKept,
  levelsOf,
  lockRights,
  noteAnswers,
  shortItems,
} from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import { type OwnTopology, loadTopology, requireNumber } from '../../db/topology';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import {
  INVENTORY_LINES_MAX,
  type LentTransfer,
  type StockAccount,
  type StockLine,
  UNAVAILABLE_WAIT_MS,
  answerNeeds,
  grantedBy,
  intakeOf,
  leftOpenBy,
  linesOfTransfers,
  replenishmentCause,
  sumBySku,
  unitsOf,
  waitingItems,
} from '../../domain/inventory';
import { childrenOf, parentOf } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type SiteActivities } from '../contract';
import { type Gift, giveNext, givenFor } from './giving';
import { asRefusal, openSame, seal } from './sealed';
import { refreshThresholds } from './thresholds';
import { DocumentRefusedError, type WrittenDocument, takeGiven } from './transfer-documents';

type ReplenishmentActivities = Pick<
  SiteActivities,
  'measureThresholds' | 'requestReplenishment' | 'answerReplenishment' | 'applyReplenishment'
>;

export function replenishmentActivities(context: SiteContext): ReplenishmentActivities {
  const { log } = context;
  return {
    async measureThresholds({ store }) {
      await refreshThresholds(context, storeSettings(context, store));
    },

    async requestReplenishment({ store, request, after, all = false }) {
      const { everyMinutes } = storeSettings(context, store).inventory.replenishment;
      const { asked, waiting } = await askFor(context, store, { request, after, all });
      if (!asked) return { everyMinutes, waiting, asked };
      const { written, parent, next } = asked;
      log.info({ store, request, items: written.lines, parent }, 'items are short');
      const document = await seal(context, 'InventoryReplenishmentRequest', written);
      return { everyMinutes, waiting, asked: { document, parent, next } };
    },

    async answerReplenishment({ document }) {
      try {
        const xml = await openSame(context, document, (opened) => readReplenishmentRequest(opened).envelope);
        return await seal(context, 'InventoryReplenishmentAnswer', await answer(context, document.store, xml));
      } catch (error) {
        throw asRefusal(error);
      }
    },

    async applyReplenishment({ document }) {
      try {
        const xml = await openSame(context, document, (opened) => readReplenishmentAnswer(opened).envelope);
        const { confirmations, wanted } = await apply(context, document.store, xml);
        const sealed = await Promise.all(
          confirmations.map((written) => seal(context, 'InventoryConfirmation', written)),
        );
        return { confirmations: sealed, wanted };
      } catch (error) {
        throw asRefusal(error);
      }
    },
  };
}

interface Look {
  readonly request: string;
  /** Skus up to this one have been looked at. */
  readonly after: string;
  readonly all: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

/** Steps 1100 to 1104: nothing is asked when nothing is short, or there is nobody to ask. */
async function askFor(
  context: SiteContext,
  store: string,
  { request, after, all }: Look,
): Promise<{ asked: { written: WrittenDocument; parent: string; next: string | null } | null; waiting: number }> {
  const { db, runtime } = context;
  const known = await findReplenishment(db, store, request);
  const own = await loadTopology(db, store);
  const parent = known?.parent ?? parentOf(own.topology, own.site)?.site;
  if (parent === undefined) return { asked: null, waiting: 0 };
  const now = runtime.clock.now();
  const kept = all ? NOTHING : waitingItems(await answersSince(db, store, now - UNAVAILABLE_WAIT_MS));
  const { lines, waiting } = known
    ? { lines: known.lines, waiting: 0 }
    : await shortItemsBut(kept, db, store, { account: intakeOf(own), after });
  if (lines.length === 0) return { asked: null, waiting };
  const asked = known ?? { request, parent, lines, createdAt: now };
  if (!known) await db.transaction((tx) => beginReplenishment(tx, store, asked));
  const written = requestOf(context, own, asked);
  const next = lines.length < INVENTORY_LINES_MAX ? null : (lines.at(-1)?.sku ?? null);
  return { asked: { written, parent, next }, waiting };
}

/** Short items but those that wait: as many as one document holds, and how many up to there wait. */
async function shortItemsBut(
  kept: ReadonlySet<string>,
  reads: Statements,
  store: string,
  { account, after }: { readonly account: StockAccount; readonly after: string },
): Promise<{ lines: StockLine[]; waiting: number }> {
  const limit = INVENTORY_LINES_MAX;
  const lines: StockLine[] = [];
  let waiting = 0;
  for (let from: string | undefined = after; from !== undefined;) {
    const page: StockLine[] = await shortItems(reads, store, { account, after: from, limit });
    for (const line of page) {
      if (lines.length === limit) return { lines, waiting };
      if (kept.has(line.sku)) waiting++;
      else lines.push(line);
    }
    from = page.length < limit ? undefined : page.at(-1)?.sku;
  }
  return { lines, waiting };
}

/** The same bytes whenever it is written. */
function requestOf(
  context: SiteContext,
  { topology: { store }, site, incarnation }: OwnTopology,
  {
    request,
    parent,
    lines,
    createdAt: timestamp,
  }: { request: string; parent: string; lines: readonly StockLine[]; createdAt: number },
): WrittenDocument {
  const { domain } = storeSettings(context, store);
  const payloadID = formatPayloadID(timestamp, `replenishment-${request}`, 1, domain);
  const envelope: Envelope = { payloadID, timestamp, store, domain, sender: site, receiver: parent };
  const xml = writeReplenishmentRequest({ envelope, name: request, takerIncarnation: incarnation, lines });
  context.archiveDocument?.('InventoryReplenishmentRequest', payloadID, xml);
  return { envelope, xml, lines: lines.length };
}

/** At the parent, figure 12: grants leave the pool as a transfer, in the transaction that keeps the answer. */
async function answer(context: SiteContext, store: string, document: Buffer): Promise<WrittenDocument> {
  const { db, runtime, log } = context;
  const { domain, inventory } = storeSettings(context, store);
  const { envelope, name, takerIncarnation, lines } = readReplenishmentRequest(document);
  const { payloadID, sender, receiver } = envelope;
  const now = runtime.clock.now();
  const digest = createHash('sha256').update(document).digest('hex');
  const incoming = { store, sender, payloadId: payloadID, kind: 'InventoryReplenishmentRequest', digest, now };
  const kept = await db.transaction((tx) =>
    takeOnce(tx, incoming, async () => {
      const own = await loadTopology(tx, store);
      requireNumber(own);
      requireChild(own, envelope);
      const { substitutes } = inventory.replenishment;
      const skus = lines.map(({ sku }) => sku);
      const others = skus.flatMap((sku) => substitutes[sku] ?? []);
      const pool = await lockRights(tx, store, 'pool', [...new Set([...skus, ...others])].sort());
      const taker = { taker: sender, takerIncarnation, cause: replenishmentCause(name) };
      // The inbox's row may be gone. Of exactly what was given then, the answer gives everybody the same.
      const before = await givenFor(tx, store, taker.cause);
      const there = before.length > 0 ? linesOfTransfers(before) : pool;
      const answers = answerNeeds(lines, there, substitutes, await itemsKept(tx, store, skus));
      const transfers =
        before.length > 0 ? before : await give(tx, own, { ...taker, lines: grantedBy(answers), domain, now });
      const said: Envelope = {
        payloadID: formatPayloadID(now, `replenished-${name}`, 1, domain),
        ...{ timestamp: now, store, domain, sender: receiver, receiver: sender },
      };
      const about = { envelope: said, name, takerIncarnation, inReplyTo: payloadID };
      return JSON.stringify({ envelope: said, xml: writeReplenishmentAnswer({ ...about, answers, transfers }) });
    }),
  );
  const written = JSON.parse(kept) as Pick<WrittenDocument, 'envelope' | 'xml'>;
  context.archiveDocument?.('InventoryReplenishmentAnswer', written.envelope.payloadID, written.xml);
  log.info({ store, request: name, sender, items: lines.length }, 'a replenishment was answered');
  return { ...written, lines: lines.length };
}

function requireChild({ topology, site }: OwnTopology, { payloadID, sender, receiver }: Envelope): void {
  if (receiver === site && childrenOf(topology, site).some((child) => child.site === sender)) return;
  throw new DocumentRefusedError(
    `document ${payloadID} is of site "${sender}" for its parent "${receiver}"; this is "${site}", no parent of it`,
  );
}

/** One transfer, unless there is nothing to give or another item's units make it too long. */
async function give(tx: Transaction, own: OwnTopology, gift: Gift): Promise<LentTransfer[]> {
  const transfers: LentTransfer[] = [];
  for (let start = 0; start < gift.lines.length; start += INVENTORY_LINES_MAX) {
    const lines = gift.lines.slice(start, start + INVENTORY_LINES_MAX);
    transfers.push(await giveNext(tx, own, 'pool', { ...gift, lines }));
  }
  return transfers;
}

interface Applied {
  readonly confirmations: readonly WrittenDocument[];
  /** Units that the site is to have of what it was not given. */
  readonly wanted: readonly StockLine[];
}

/** Step 1110, once: credits what was given and notes what was said. */
async function apply(context: SiteContext, store: string, document: Buffer): Promise<Applied> {
  const { db, runtime, log } = context;
  const { domain } = storeSettings(context, store);
  const { envelope, name, takerIncarnation, answers, transfers } = readReplenishmentAnswer(document);
  const { payloadID, sender, receiver } = envelope;
  if (receiver !== context.site) {
    throw new DocumentRefusedError(`document ${payloadID} is for site "${receiver}", and this is "${context.site}"`);
  }
  const now = runtime.clock.now();
  const digest = createHash('sha256').update(document).digest('hex');
  const incoming = { store, sender, payloadId: payloadID, kind: 'InventoryReplenishmentAnswer', digest, now };
  const kept = await db.transaction((tx) =>
    takeOnce(tx, incoming, async () => {
      const own = await loadTopology(tx, store);
      requireNumber(own);
      const about = { giver: sender, takerIncarnation, cause: replenishmentCause(name) };
      const confirmations: WrittenDocument[] = [];
      for (const transfer of transfers) {
        confirmations.push(await takeGiven(tx, own, { ...transfer, ...about }, { domain, now }));
      }
      await noteAnswers(tx, store, name, answers, now);
      const applied: Applied = { confirmations, wanted: await levelsWanted(tx, own, leftOpenBy(answers)) };
      return JSON.stringify(applied);
    }),
  );
  const applied = JSON.parse(kept) as Applied;
  for (const { envelope: said, xml } of applied.confirmations) {
    context.archiveDocument?.('InventoryConfirmation', said.payloadID, xml);
  }
  const units = unitsOf(transfers.flatMap(({ lines }) => lines));
  log.info({ store, request: name, units, open: applied.wanted.length }, 'replenished');
  return applied;
}

async function levelsWanted(
  tx: Transaction,
  { topology: { store } }: OwnTopology,
  missing: readonly StockLine[],
): Promise<StockLine[]> {
  const skus = missing.map(({ sku }) => sku);
  const { own, pool } = await levelsOf(tx, store, skus);
  return sumBySku([...missing, ...own, ...pool]);
}
