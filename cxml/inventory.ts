/** Stock documents by our own DTD (dtd/entrepot/EntrepotInventory.dtd): cXML has no form for rights to sell. */
import { type Envelope } from '../domain/documents';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { type LentTransfer, type StockLine, type TransferId } from '../domain/inventory';
import { dateTime } from './envelope';
import { parsedTime } from './times';
import { type XmlNode, XmlError, findAll, need, needAttribute, needInteger, parseXml } from './reader';
import { declaration, element } from './writer';

export const INVENTORY_SYSTEM_ID = 'https://entrepot.dev/dtd/EntrepotInventory.dtd';
const ROOT = 'EntrepotInventory';
/** Largest inventory document, bytes. */
const INVENTORY_BYTES_MAX = 4 * 1024 * 1024;

export interface AllocationDocument {
  readonly envelope: Envelope;
  readonly transfer: TransferId;
  /** For which data of the receiver; null in a document of a release that did not say. */
  readonly takerIncarnation: number | null;
  readonly lines: readonly StockLine[];
}

/**
 * What became of a transfer at its taker: `stranded` was not credited, for it was given to data of the site that were
 * lost; `refused` never will be, for it was given up there.
 */
export type TransferOutcome = 'credited' | 'stranded' | 'refused';

const OUTCOMES: readonly TransferOutcome[] = ['credited', 'stranded', 'refused'];

export interface ConfirmationDocument {
  readonly envelope: Envelope;
  readonly transfer: TransferId;
  /** The payloadID of the allocation. */
  readonly inReplyTo: string;
  readonly outcome: TransferOutcome;
  readonly lines: number;
  readonly units: number;
}

export function wrapInventory(envelope: Envelope, content: string): string {
  const { payloadID, timestamp, store, sender, receiver } = envelope;
  return (
    declaration(ROOT, INVENTORY_SYSTEM_ID) +
    element(ROOT, { version: '1', payloadID, timestamp: dateTime(timestamp), store, sender, receiver }, content)
  );
}

export function writeLines(lines: readonly StockLine[]): string[] {
  return lines.map(({ sku, quantity }) => element('Line', { sku, quantity }));
}

/** Rights that were debited, within a document that says more. */
export function writeTransfers(transfers: readonly LentTransfer[]): string[] {
  return transfers.map(({ transfer, payloadID, lines }) =>
    element('Transfer', { ...transfer, payloadID }, ...writeLines(lines)),
  );
}

export function readTransfers(node: XmlNode): LentTransfer[] {
  return findAll(node, 'Transfer').map((transfer) => ({
    transfer: readTransferId(transfer),
    payloadID: needAttribute(transfer, 'payloadID'),
    lines: readLines(transfer),
  }));
}

/** Figure 8, step 804. */
export function writeAllocation({ envelope, transfer, takerIncarnation, lines }: AllocationDocument): string {
  const given = takerIncarnation === null ? transfer : { ...transfer, takerIncarnation };
  return wrapInventory(envelope, element('InventoryAllocation', { ...given }, ...writeLines(lines)));
}

/** Figure 9, step 904. */
export function writeConfirmation(document: ConfirmationDocument): string {
  const { envelope, transfer, inReplyTo, outcome, lines, units } = document;
  return wrapInventory(envelope, element('InventoryConfirmation', { ...transfer, inReplyTo, outcome, lines, units }));
}

export function readAllocation(document: Buffer | string): AllocationDocument {
  const root = readInventoryRoot(document);
  const allocation = need(root, 'InventoryAllocation');
  const { takerIncarnation: stated } = allocation.attributes;
  const takerIncarnation = stated === undefined ? null : needInteger(stated, 'takerIncarnation');
  const transfer = readTransferId(allocation);
  return { envelope: readInventoryEnvelope(root), transfer, takerIncarnation, lines: readLines(allocation) };
}

export function readLines(node: XmlNode): StockLine[] {
  return findAll(node, 'Line').map((line) => {
    const quantity = needInteger(needAttribute(line, 'quantity'), 'Line/@quantity');
    if (quantity < 1)
      throw new XmlError(`Line/@quantity is ${quantity}: at least 1 is needed (most: ${LINE_QUANTITY_MAX})`);
    return { sku: needAttribute(line, 'sku'), quantity };
  });
}

export function readConfirmation(document: Buffer | string): ConfirmationDocument {
  const root = readInventoryRoot(document);
  const confirmation = need(root, 'InventoryConfirmation');
  return {
    envelope: readInventoryEnvelope(root),
    transfer: readTransferId(confirmation),
    inReplyTo: needAttribute(confirmation, 'inReplyTo'),
    outcome: OUTCOMES.find((outcome) => outcome === confirmation.attributes['outcome']) ?? 'credited',
    lines: needInteger(needAttribute(confirmation, 'lines'), 'lines'),
    units: needInteger(needAttribute(confirmation, 'units'), 'units'),
  };
}

export function readInventoryRoot(document: Buffer | string): XmlNode {
  const root = parseXml(document, { bytes: INVENTORY_BYTES_MAX });
  if (root.name !== ROOT) throw new XmlError(`the document is a "${root.name}": ${ROOT} is needed`);
  return root;
}

function readTransferId(node: XmlNode): TransferId {
  return {
    giver: needAttribute(node, 'giver'),
    incarnation: needInteger(needAttribute(node, 'incarnation'), 'incarnation'),
    sequence: needInteger(needAttribute(node, 'sequence'), 'sequence'),
  };
}

export function readInventoryEnvelope(root: XmlNode): Envelope {
  const payloadID = needAttribute(root, 'payloadID');
  return {
    payloadID,
    timestamp: parsedTime(needAttribute(root, 'timestamp'), `${ROOT}/@timestamp`),
    store: needAttribute(root, 'store'),
    domain: payloadID.slice(payloadID.lastIndexOf('@') + 1),
    sender: needAttribute(root, 'sender'),
    receiver: needAttribute(root, 'receiver'),
  };
}
