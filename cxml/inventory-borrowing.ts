/** The documents of a borrowing, between sites of one tree (dtd/entrepot/EntrepotInventory.dtd). */
import { type Loan, type StockLine } from '../domain/inventory';
import { type Envelope } from '../domain/documents';
import {
  readInventoryEnvelope,
  readInventoryRoot,
  readLines,
  readTransfers,
  wrapInventory,
  writeLines,
  writeTransfers,
} from './inventory';
import { need, needAttribute, needInteger } from './reader';
import { element } from './writer';

export interface BorrowingDocument {
  readonly envelope: Envelope;
  /** The same name is the same borrowing. */
  readonly name: string;
  /** Who credits what is given. */
  readonly taker: string;
  /** For which data of the taker. */
  readonly takerIncarnation: number;
  readonly lines: readonly StockLine[];
}

export interface OfferDocument {
  readonly envelope: Envelope;
  readonly inReplyTo: string;
  readonly lines: readonly StockLine[];
}

export interface LoanDocument extends Loan {
  readonly envelope: Envelope;
  readonly inReplyTo: string;
}

export function writeBorrowing({ envelope, name, taker, takerIncarnation, lines }: BorrowingDocument): string {
  return wrapInventory(
    envelope,
    element('InventoryBorrowing', { name, taker, takerIncarnation }, ...writeLines(lines)),
  );
}

export function readBorrowing(document: Buffer | string): BorrowingDocument {
  const root = readInventoryRoot(document);
  const borrowing = need(root, 'InventoryBorrowing');
  return {
    envelope: readInventoryEnvelope(root),
    name: needAttribute(borrowing, 'name'),
    taker: needAttribute(borrowing, 'taker'),
    takerIncarnation: needInteger(needAttribute(borrowing, 'takerIncarnation'), 'takerIncarnation'),
    lines: readLines(borrowing),
  };
}

export function writeOffer({ envelope, inReplyTo, lines }: OfferDocument): string {
  return wrapInventory(envelope, element('InventoryOffer', { inReplyTo }, ...writeLines(lines)));
}

export function readOffer(document: Buffer | string): OfferDocument {
  const root = readInventoryRoot(document);
  const offer = need(root, 'InventoryOffer');
  return {
    envelope: readInventoryEnvelope(root),
    inReplyTo: needAttribute(offer, 'inReplyTo'),
    lines: readLines(offer),
  };
}

export function writeLoan({ envelope, inReplyTo, complete, transfers }: LoanDocument): string {
  return wrapInventory(
    envelope,
    element('InventoryLoan', { inReplyTo, complete: complete ? 'yes' : 'no' }, ...writeTransfers(transfers)),
  );
}

export function readLoan(document: Buffer | string): LoanDocument {
  const root = readInventoryRoot(document);
  const loan = need(root, 'InventoryLoan');
  return {
    envelope: readInventoryEnvelope(root),
    inReplyTo: needAttribute(loan, 'inReplyTo'),
    complete: needAttribute(loan, 'complete') === 'yes',
    transfers: readTransfers(loan),
  };
}
