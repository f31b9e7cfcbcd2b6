/** Giving units to another site: the debit here, under a name that is kept for ever. */
import { giveTransfer, linesOfTransfer, takeSequences, transfersOfCause } from '../../db/inventory';
import { type Statements, type Transaction } from '../../db/database';
import { type OwnTopology } from '../../db/topology';
import { formatPayloadID } from '../../domain/documents';
import {
  type LentTransfer,
  type StockAccount,
  type StockLine,
  formatTransferId,
  transferSubject,
  unitsOf,
} from '../../domain/inventory';
import { type PlannedTransfer } from '../contract';

export interface Gift {
  readonly taker: string;
  readonly takerIncarnation: number;
  readonly cause: string;
  readonly lines: readonly StockLine[];
  /** The store's Internet domain. */
  readonly domain: string;
  /** Milliseconds UTC. */
  readonly now: number;
}

/** Gives under this site's next running number. */
export async function giveNext(
  tx: Transaction,
  own: OwnTopology,
  account: StockAccount,
  gift: Gift,
): Promise<LentTransfer> {
  return giveAs(tx, own, account, await takeSequences(tx, own.topology.store, own.incarnation, 1), gift);
}

/** Gives under a running number that was taken for it. */
export async function giveAs(
  tx: Transaction,
  { topology: { store, epoch }, site, incarnation }: OwnTopology,
  account: StockAccount,
  sequence: number,
  { domain, ...gift }: Gift,
): Promise<LentTransfer> {
  const id = { giver: site, incarnation, sequence };
  const payloadID = formatPayloadID(gift.now, transferSubject(formatTransferId(id), gift.cause), 1, domain);
  const transfer = { ...gift, store, id, payloadId: payloadID, epoch, incarnation };
  await giveTransfer(tx, transfer, account);
  return { transfer: id, payloadID, lines: gift.lines };
}

/** One that was given for a cause. */
export interface GivenTransfer extends LentTransfer {
  readonly taker: string;
}

/** What a site gives for a cause it gives in one transaction: all of it, where anything was given before. */
export async function givenFor(reads: Statements, store: string, cause: string): Promise<GivenTransfer[]> {
  const given: GivenTransfer[] = [];
  for (const { id, payloadId, taker } of await transfersOfCause(reads, store, cause)) {
    given.push({ transfer: id, payloadID: payloadId, taker, lines: await linesOfTransfer(reads, store, id) });
  }
  return given;
}

/** As workflows carry it: without its lines. */
export function planned({
  transfer,
  taker,
  lines,
}: Pick<GivenTransfer, 'transfer' | 'taker' | 'lines'>): PlannedTransfer {
  return { transfer, taker, lines: lines.length, units: unitsOf(lines) };
}
