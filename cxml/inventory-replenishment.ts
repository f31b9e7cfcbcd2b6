/** The two documents of a replenishment, between a site and its parent (dtd/entrepot/EntrepotInventory.dtd). */
import { type LentTransfer, type ReplenishmentAnswer, type StockLine } from '../domain/inventory';
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
import { type XmlNode, XmlError, findAll, need, needAttribute, needInteger } from './reader';
import { element } from './writer';

export interface ReplenishmentRequestDocument {
  readonly envelope: Envelope;
  /** The same name is the same request. */
  readonly name: string;
  /** For which data of the sender. */
  readonly takerIncarnation: number;
  readonly lines: readonly StockLine[];
}

export interface ReplenishmentAnswerDocument {
  readonly envelope: Envelope;
  readonly name: string;
  /** For which data of the receiver. */
  readonly takerIncarnation: number;
  readonly inReplyTo: string;
  readonly answers: readonly ReplenishmentAnswer[];
  readonly transfers: readonly LentTransfer[];
}

const OUTCOMES = ['full', 'part', 'unavailable', 'substitute'] as const;
const REASONS = ['sold-out', 'not-kept'] as const;

export function writeReplenishmentRequest(document: ReplenishmentRequestDocument): string {
  const { envelope, name, takerIncarnation, lines } = document;
  const content = element('InventoryReplenishmentRequest', { name, takerIncarnation }, ...writeLines(lines));
  return wrapInventory(envelope, content);
}

export function readReplenishmentRequest(document: Buffer | string): ReplenishmentRequestDocument {
  const root = readInventoryRoot(document);
  const request = need(root, 'InventoryReplenishmentRequest');
  return { envelope: readInventoryEnvelope(root), ...nameOf(request), lines: readLines(request) };
}

export function writeReplenishmentAnswer(document: ReplenishmentAnswerDocument): string {
  const { envelope, name, takerIncarnation, inReplyTo, answers, transfers } = document;
  const written = answers.map(({ sku, asked, outcome, granted, reason, instead }) =>
    element('Answer', {
      ...{ sku, asked, outcome, granted, reason },
      ...{ instead: instead?.sku, insteadQuantity: instead?.quantity },
    }),
  );
  const about = { name, takerIncarnation, inReplyTo };
  return wrapInventory(
    envelope,
    element('InventoryReplenishmentAnswer', about, ...written, ...writeTransfers(transfers)),
  );
}

export function readReplenishmentAnswer(document: Buffer | string): ReplenishmentAnswerDocument {
  const root = readInventoryRoot(document);
  const answer = need(root, 'InventoryReplenishmentAnswer');
  return {
    envelope: readInventoryEnvelope(root),
    ...nameOf(answer),
    inReplyTo: needAttribute(answer, 'inReplyTo'),
    answers: findAll(answer, 'Answer').map(readAnswer),
    transfers: readTransfers(answer),
  };
}

function nameOf(node: XmlNode): { name: string; takerIncarnation: number } {
  return {
    name: needAttribute(node, 'name'),
    takerIncarnation: needInteger(needAttribute(node, 'takerIncarnation'), 'takerIncarnation'),
  };
}

function readAnswer(node: XmlNode): ReplenishmentAnswer {
  const { attributes } = node;
  const stated = needAttribute(node, 'outcome');
  const outcome = OUTCOMES.find((known) => known === stated);
  if (!outcome) throw new XmlError(`Answer/@outcome is "${stated}": one of ${OUTCOMES.join(', ')} is needed`);
  const reason = REASONS.find((known) => known === attributes['reason']);
  return {
    sku: needAttribute(node, 'sku'),
    asked: needInteger(needAttribute(node, 'asked'), 'Answer/@asked'),
    outcome,
    granted: needInteger(needAttribute(node, 'granted'), 'Answer/@granted'),
    ...(reason ? { reason } : {}),
    ...(attributes['instead'] === undefined ? {} : { instead: readInstead(node) }),
  };
}

function readInstead(node: XmlNode): StockLine {
  const quantity = needInteger(needAttribute(node, 'insteadQuantity'), 'Answer/@insteadQuantity');
  return { sku: needAttribute(node, 'instead'), quantity };
}
