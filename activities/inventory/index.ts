/** Sharing stock out and taking it in (figures 8 and 9). */
import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { readAllocation, readConfirmation, writeAllocation, writeConfirmation } from '../../cxml/inventory';
import { XmlError } from '../../cxml/reader';
import { DocumentConflictError, takeOnce } from '../../db/inbox';
import {
  type NewTransfer,
  TransferRefusedError,
  allocationCause,
  findTransfer,
  giveTransfer,
  grantToSelf,
  linesOfTransfer,
  lockPool,
  settleTransfer,
  strandIfForLostData,
  sumOfTransfer,
  takeSequences,
  takeTransfer,
  transfersOfCause,
  unitsGrantedToSelf,
} from '../../db/inventory';
import { type Transaction } from '../../db/database';
import { loadTopology, requirePrimacy } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import { type DocumentKind, type Envelope, type SealedDocument, formatPayloadID } from '../../domain/documents';
import {
  INVENTORY_LINES_MAX,
  type Share,
  type StockLine,
  formatTransferId,
  shareEqually,
} from '../../domain/inventory';
import { childrenOf, findSite } from '../../domain/sites';
import { type SiteContext, storeSettings } from '../context';
import { type AllocationRequest, type PlannedTransfer, type PrimaryActivities, type SiteActivities } from '../contract';
import { openDocument, sealDocument } from '../sealing';

type InventoryActivities = Pick<PrimaryActivities, 'planAllocation' | 'sealAllocation' | 'settleTransfer'> &
  Pick<SiteActivities, 'creditAllocation'>;

/** The receiver will not take this document, however often it is sent. */
export const DOCUMENT_REFUSED = 'DocumentRefused';

export function inventoryActivities(context: SiteContext): InventoryActivities {
  const { db, runtime, log } = context;
  return {
    async planAllocation(request) {
      const plan = await db.transaction(async (tx) => {
        await requirePrimacy(tx, request.store, request.epoch);
        return (await plannedBefore(tx, request)) ?? (await planAllocation(context, tx, request));
      });
      log.info({ store: request.store, request: request.request, transfers: plan.transfers.length }, 'stock allocated');
      return plan;
    },

    async sealAllocation({ store, transfer: id }) {
      const settings = storeSettings(context, store);
      const transfer = await findTransfer(db, store, id);
      if (!transfer) throw new TellableError(`transfer ${formatTransferId(id)} is not known at site "${context.site}"`);
      const lines = await linesOfTransfer(db, store, id);
      const { payloadId: payloadID, taker: receiver, takerIncarnation, createdAt: timestamp } = transfer;
      const envelope = { payloadID, timestamp, store, domain: settings.domain, sender: context.site, receiver };
      const xml = writeAllocation({ envelope, transfer: id, takerIncarnation, lines });
      return seal(context, 'InventoryAllocation', envelope, xml, lines.length);
    },

    async creditAllocation({ document }) {
      try {
        return await creditAllocation(context, document);
      } catch (error) {
        throw asRefusal(error);
      }
    },

    async settleTransfer({ store, confirmation }) {
      const settings = storeSettings(context, store);
      const confirmed = readConfirmation(await openDocument(confirmation, settings.sealing));
      const { transfer, outcome, lines, units } = confirmed;
      // A confirmation is a fact: it is taken in whatever epoch it comes.
      await db.transaction(async (tx) => {
        const given = await sumOfTransfer(tx, store, transfer);
        // A successor of the lost primary may not know the transfer: it has nothing to settle.
        if (given.lines > 0 && (given.lines !== lines || given.units !== units)) {
          throw refusal(
            `transfer ${formatTransferId(transfer)} gave ${given.units} units in ${given.lines} lines, ` +
              `site "${confirmation.sender}" confirms ${units} in ${lines}: run the audit`,
          );
        }
        await settleTransfer(tx, store, transfer, runtime.clock.now(), outcome);
      });
    },
  };
}

/** Asked twice, the same request gives the same transfers. */
async function plannedBefore(
  tx: Transaction,
  { store, request }: AllocationRequest,
): Promise<{ transfers: PlannedTransfer[]; ownUnits: number } | null> {
  const known = await transfersOfCause(tx, store, allocationCause(request));
  const ownUnits = await unitsGrantedToSelf(tx, store, request);
  if (known.length === 0 && ownUnits === null) return null;
  const transfers: PlannedTransfer[] = [];
  for (const { id, taker } of known) transfers.push(planned(id, taker, await linesOfTransfer(tx, store, id)));
  return { transfers, ownUnits: ownUnits ?? 0 };
}

function planned(transfer: PlannedTransfer['transfer'], taker: string, lines: readonly StockLine[]): PlannedTransfer {
  return { transfer, taker, lines: lines.length, units: unitsOf(lines) };
}

function unitsOf(lines: readonly StockLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

async function planAllocation(
  context: SiteContext,
  tx: Transaction,
  request: AllocationRequest,
): Promise<{ transfers: PlannedTransfer[]; ownUnits: number }> {
  const { store, epoch } = request;
  const { topology, site, incarnation } = await loadTopology(tx, store);
  if (incarnation === 0)
    throw new TellableError(`site "${site}" has no incarnation yet: it must register before it gives stock`);
  const children = childrenOf(topology, site).map((child) => child.site);
  const takers = request.sites.length > 0 ? request.sites : children;
  const stranger = takers.find((taker) => !children.includes(taker));
  if (stranger !== undefined) {
    const known = children.join(', ') || 'none';
    throw ApplicationFailure.nonRetryable(
      `site "${stranger}" is no child of "${site}" (children: ${known})`,
      'UnknownSite',
    );
  }
  const pool = await lockPool(tx, store, request.skus);
  const shares = shareEqually(pool, request.ownShare ? [...takers, site] : takers);
  const now = context.runtime.clock.now();
  const own = shares.find(({ taker }) => taker === site);
  const cause = allocationCause(request.request);
  if (own) await grantToSelf(tx, { store, request: request.request, cause, lines: own.lines, epoch, incarnation, now });
  const documents = shares.filter(({ taker }) => taker !== site).flatMap(documentsOf);
  const first = await takeSequences(tx, store, incarnation, documents.length);
  const transfers: PlannedTransfer[] = [];
  for (const [index, { taker, lines }] of documents.entries()) {
    const id = { giver: site, incarnation, sequence: first + index };
    const payloadId = formatPayloadID(now, `transfer-${formatTransferId(id)}`, 1, storeSettings(context, store).domain);
    const { incarnation: takerIncarnation } = findSite(topology, taker);
    const given = { store, id, taker, takerIncarnation, cause, payloadId, epoch, incarnation, lines, now };
    await giveTransfer(tx, given, 'pool');
    transfers.push(planned(id, taker, lines));
  }
  return { transfers, ownUnits: own ? unitsOf(own.lines) : 0 };
}

/** One document a site, or several when it would have too many lines. */
function documentsOf({ taker, lines }: Share): Share[] {
  const documents: Share[] = [];
  for (let start = 0; start < lines.length; start += INVENTORY_LINES_MAX) {
    documents.push({ taker, lines: lines.slice(start, start + INVENTORY_LINES_MAX) });
  }
  return documents;
}

async function creditAllocation(context: SiteContext, document: SealedDocument): Promise<SealedDocument> {
  const { db, runtime, log } = context;
  const { store, payloadID } = document;
  const settings = storeSettings(context, store);
  const xml = await openDocument(document, settings.sealing);
  const { envelope, transfer: id, takerIncarnation, lines } = readAllocation(xml);
  requireAddressed(document, envelope, context.site);
  const now = runtime.clock.now();
  const incoming = { store, sender: envelope.sender, payloadId: payloadID, kind: document.kind, now };
  const digest = createHash('sha256').update(xml).digest('hex');
  const confirmation = await db.transaction((tx) =>
    takeOnce(tx, { ...incoming, digest }, async () => {
      const { topology, site, incarnation } = await loadTopology(tx, store);
      const { epoch } = topology;
      const transfer: NewTransfer = {
        ...{ store, id, taker: site, takerIncarnation, cause: payloadID, payloadId: payloadID },
        ...{ epoch, incarnation, lines, now },
      };
      const stranded = await strandIfForLostData(tx, transfer);
      // A site with children shares on; a leaf sells.
      if (!stranded) await takeTransfer(tx, transfer, childrenOf(topology, site).length > 0 ? 'pool' : 'own');
      const answer: Envelope = {
        payloadID: formatPayloadID(now, `confirm-${formatTransferId(id)}`, 1, settings.domain),
        ...{ timestamp: now, store, domain: settings.domain, sender: site, receiver: envelope.sender },
      };
      const units = unitsOf(lines);
      const answerXml = writeConfirmation({
        envelope: answer,
        transfer: id,
        inReplyTo: payloadID,
        outcome: stranded ? 'stranded' : 'credited',
        lines: lines.length,
        units,
      });
      return JSON.stringify({ envelope: answer, xml: answerXml });
    }),
  );
  const answer = JSON.parse(confirmation) as { envelope: Envelope; xml: string };
  log.info({ store, payloadId: payloadID, lines: lines.length, units: unitsOf(lines) }, 'stock credited');
  return seal(context, 'InventoryConfirmation', answer.envelope, answer.xml, lines.length);
}

/** What is sealed must be the document that its identity says, and for this site. */
function requireAddressed(document: SealedDocument, envelope: Envelope, site: string): void {
  const { payloadID, store, sender, receiver } = envelope;
  const named = { payloadID, store, sender, receiver };
  for (const [field, value] of Object.entries(named)) {
    const outside = document[field as keyof typeof named];
    if (outside !== value) {
      throw refusal(`document ${document.payloadID} says another ${field} inside than "${outside}", as outside`);
    }
  }
  if (receiver !== site) {
    throw refusal(`document ${payloadID} is for site "${receiver}", and this is "${site}": send it there`);
  }
}

function seal(
  context: SiteContext,
  kind: DocumentKind,
  { payloadID, store, sender, receiver }: Envelope,
  xml: string,
  count: number,
): Promise<SealedDocument> {
  context.archiveDocument(kind, payloadID, xml);
  const identity = { kind, payloadID, store, sender, receiver, count };
  return sealDocument(identity, xml, storeSettings(context, store).sealing, context.runtime.random);
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, DOCUMENT_REFUSED);
}

/** What no retry can mend must not be retried for ever. */
function asRefusal(error: unknown): unknown {
  const final =
    error instanceof DocumentConflictError || error instanceof TransferRefusedError || error instanceof XmlError;
  return final ? refusal(error.message) : error;
}
