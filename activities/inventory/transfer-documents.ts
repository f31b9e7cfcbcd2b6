/** The two documents of a transfer, whichever way they come: what was given, and what its taker says to it. */
import { createHash } from 'node:crypto';
import {
  type TransferOutcome,
  readAllocation,
  readConfirmation,
  writeAllocation,
  writeConfirmation,
} from '../../cxml/inventory';
import { type Transaction } from '../../db/database';
import { forUpdate } from '../../db/dialect';
import { takeOnce } from '../../db/inbox';
import {
  type NewTransfer,
  findTransfer,
  linesOfTransfer,
  settleTransfer,
  strandIfForLostData,
  sumOfTransfer,
  takeTransfer,
  voidTransfer,
} from '../../db/inventory';
import { type OwnTopology, loadTopology, requireNumber } from '../../db/topology';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { TellableError } from '../../domain/errors';
import {
  type LentTransfer,
  type StockAccount,
  type TransferId,
  formatTransferId,
  intakeOf,
  isForLostData,
  unitsOf,
} from '../../domain/inventory';
import { type SiteContext, storeSettings } from '../context';

/** The receiver will not take this document, however often it is sent. */
export class DocumentRefusedError extends TellableError {}

export interface WrittenDocument {
  readonly envelope: Envelope;
  readonly xml: string;
  readonly lines: number;
}

/** What this site has given, as a document: the same bytes whenever it is written. */
export async function allocationOf(context: SiteContext, store: string, id: TransferId): Promise<WrittenDocument> {
  const { db, site } = context;
  const { domain } = storeSettings(context, store);
  const transfer = await findTransfer(db, store, id);
  if (!transfer) throw await unknownTransfer(context, store, id);
  const lines = await linesOfTransfer(db, store, id);
  const { payloadId: payloadID, taker: receiver, takerIncarnation, createdAt: timestamp } = transfer;
  const envelope = { payloadID, timestamp, store, domain, sender: site, receiver };
  const xml = writeAllocation({ envelope, transfer: id, takerIncarnation, lines });
  context.archiveDocument?.('InventoryAllocation', payloadID, xml);
  return { envelope, xml, lines: lines.length };
}

/** Why a site does not know what it is said to have given; given by data that a backup has replaced, it never will. */
async function unknownTransfer({ db, site }: SiteContext, store: string, id: TransferId): Promise<TellableError> {
  const { incarnation } = await loadTopology(db, store);
  const unknown = `transfer ${formatTransferId(id)} is not known at site "${site}"`;
  if (!isForLostData(id.incarnation, incarnation)) return new TellableError(unknown);
  return new DocumentRefusedError(
    `${unknown}, whose data a backup has replaced: count and receive what is there, then allocate it`,
  );
}

/** Credits once, and answers the confirmation: the same one whenever the same document comes. */
export async function creditAllocation(
  context: SiteContext,
  store: string,
  document: Buffer,
): Promise<WrittenDocument> {
  const { db, runtime, log } = context;
  const { domain } = storeSettings(context, store);
  const { envelope, transfer: id, takerIncarnation, lines } = readAllocation(document);
  const { payloadID, sender, receiver } = envelope;
  if (receiver !== context.site) {
    throw new DocumentRefusedError(
      `document ${payloadID} is for site "${receiver}", and this is "${context.site}": send it there`,
    );
  }
  const now = runtime.clock.now();
  const digest = createHash('sha256').update(document).digest('hex');
  const incoming = { store, sender, payloadId: payloadID, kind: 'InventoryAllocation', digest, now };
  const units = unitsOf(lines);
  const confirmation = await db.transaction((tx) =>
    takeOnce(tx, incoming, async () => {
      const own = await loadTopology(tx, store);
      requireNumber(own);
      const given = { transfer: id, payloadID, lines, giver: sender, takerIncarnation, cause: payloadID };
      return JSON.stringify(await takeGiven(tx, own, given, { domain, now }));
    }),
  );
  const answer = JSON.parse(confirmation) as Pick<WrittenDocument, 'envelope' | 'xml'>;
  context.archiveDocument?.('InventoryConfirmation', answer.envelope.payloadID, answer.xml);
  log.info({ store, payloadId: payloadID, lines: lines.length, units }, 'stock credited');
  return { ...answer, lines: lines.length };
}

export interface Given extends LentTransfer {
  readonly giver: string;
  readonly takerIncarnation: number | null;
  readonly cause: string;
}

/** Credits what was given, or doesn't for good; answers what its giver is to hear of it. */
export async function takeGiven(
  tx: Transaction,
  own: OwnTopology,
  { transfer: id, payloadID, lines, giver, takerIncarnation, cause }: Given,
  { domain, now }: { readonly domain: string; readonly now: number },
): Promise<WrittenDocument> {
  const { topology, site, incarnation } = own;
  const { store, epoch } = topology;
  const transfer: NewTransfer = {
    ...{ store, id, taker: site, takerIncarnation, cause, payloadId: payloadID },
    ...{ epoch, incarnation, lines, now },
  };
  const outcome = await takeOrRefuse(tx, transfer, intakeOf(own));
  const envelope: Envelope = {
    payloadID: formatPayloadID(now, `confirm-${formatTransferId(id)}`, 1, domain),
    ...{ timestamp: now, store, domain, sender: site, receiver: giver },
  };
  const about = { envelope, transfer: id, inReplyTo: payloadID, lines: lines.length, units: unitsOf(lines) };
  return { envelope, xml: writeConfirmation({ ...about, outcome }), lines: lines.length };
}

/** What the taker says to a transfer, for ever: so that its giver hears, whoever gave it up, and however late. */
async function takeOrRefuse(tx: Transaction, transfer: NewTransfer, account: StockAccount): Promise<TransferOutcome> {
  const known = await findTransfer(tx, transfer.store, transfer.id, forUpdate(tx.engine));
  if (known?.state === 'tombstone') return 'refused';
  if (await strandIfForLostData(tx, transfer)) return 'stranded';
  await takeTransfer(tx, transfer, account);
  return 'credited';
}

/** Figure 8, step 810. A confirmation is a fact: it is taken in whatever epoch it comes. */
export async function bookConfirmation(context: SiteContext, store: string, document: Buffer | string): Promise<void> {
  const { envelope, transfer, outcome, lines, units } = readConfirmation(document);
  await context.db.transaction(async (tx) => {
    const given = await sumOfTransfer(tx, store, transfer);
    // A successor of the lost primary may not know the transfer: it has nothing to settle.
    if (given.lines > 0 && (given.lines !== lines || given.units !== units)) {
      throw new DocumentRefusedError(
        `transfer ${formatTransferId(transfer)} gave ${given.units} units in ${given.lines} lines, ` +
          `site "${envelope.sender}" confirms ${units} in ${lines}: run the audit`,
      );
    }
    const now = context.runtime.clock.now();
    if (outcome !== 'refused') return settleTransfer(tx, store, transfer, now, outcome);
    // Where its taker was restored after it had refused, the giver may have heard that first: what is settled stays, and an
    // operator decides about units that are stranded.
    if (given.lines === 0 || (await findTransfer(tx, store, transfer))?.state === 'stranded') return;
    const { topology, incarnation } = await loadTopology(tx, store);
    await voidTransfer(tx, { store, id: transfer, epoch: topology.epoch, incarnation, now });
  });
}
