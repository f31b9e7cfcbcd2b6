/**
 * Taking a transfer back. The taker refuses it for ever by a tombstone; only then does its giver have the units again,
 * or they could be credited by a late document and exist twice (design, section 5).
 */
import { TellableError } from '../../domain/errors';
import { type StockAccount, type StockLine, type TransferId, formatTransferId } from '../../domain/inventory';
import { type Transaction } from '../database';
import { forUpdate } from '../dialect';
import { type Movement, creditBack } from './ledger';
import { type NewTransfer, findTransfer, markTransfer, strandIfForLostData, writeUnlessKnown } from './transfers';

/** Who speaks of a transfer, at one of its two sites. */
export interface TransferAct {
  readonly store: string;
  readonly id: TransferId;
  readonly epoch: number;
  /** Of the acting site's data. */
  readonly incarnation: number;
  /** Milliseconds UTC. */
  readonly now: number;
}

/**
 * At the taker: this transfer will never be credited here. Answers what holds from now on: `credited` where the units
 * were taken before, which no tombstone changes; `stranded` where they were given to data of this site that are lost,
 * and may be credited in those.
 */
export async function refuseTransfer(
  tx: Transaction,
  act: TransferAct,
  { taker, takerIncarnation }: { readonly taker: string; readonly takerIncarnation: number | null },
): Promise<'tombstone' | 'credited' | 'stranded'> {
  const { store, id, epoch, incarnation, now } = act;
  const about = { store, id, taker, takerIncarnation, cause: 'void', payloadId: '' };
  const refused: NewTransfer = { ...about, epoch, incarnation, lines: [], now };
  if (await strandIfForLostData(tx, refused)) return 'stranded';
  const known = await writeUnlessKnown(tx, refused, 'tombstone');
  return known?.state === 'credited' ? 'credited' : 'tombstone';
}

/**
 * At the giver, once its taker has refused: the units are there again, once (unless lost data gave them, see creditBack).
 * Throws for one that was credited.
 */
export async function voidTransfer(tx: Transaction, act: TransferAct): Promise<'voided' | 'void before'> {
  const { store, id, now } = act;
  const name = formatTransferId(id);
  const known = await findTransfer(tx, store, id, forUpdate(tx.engine));
  if (!known) throw new TellableError(`transfer ${name} was not given here: it is void at its giver, "${id.giver}"`);
  if (known.state === 'void') return 'void before';
  if (known.state === 'credited' || known.state === 'stranded')
    throw new TellableError(`transfer ${name} is ${known.state} at "${known.taker}": it can't be void`);
  for (const account of ['pool', 'own'] as const) {
    const lines = await linesGivenFrom(tx, store, name, account);
    if (lines.length > 0) await creditBack(tx, voidMovement(act, known.taker, account), lines, id.incarnation);
  }
  await markTransfer(tx, store, id, 'void', now);
  return 'voided';
}

function voidMovement(
  { store, id, epoch, incarnation, now }: TransferAct,
  taker: string,
  account: StockAccount,
): Movement {
  const transferId = formatTransferId(id);
  return {
    ...{ store, movementId: `void:${transferId}`, kind: 'transfer-in', account, counterparty: taker, transferId },
    ...{ cause: `void:${transferId}`, epoch, incarnation, now },
  };
}

/** To the account that they were given from. */
function linesGivenFrom(tx: Transaction, store: string, transfer: string, account: StockAccount): Promise<StockLine[]> {
  return tx.all<StockLine>(
    `SELECT sku, -quantity AS quantity FROM stock_ledger
     WHERE store = ? AND movement_id = ? AND account = ? ORDER BY sku`,
    [store, `transfer:${transfer}`, account],
  );
}
