/** Taking a transfer back: its taker refuses it for ever first, asked over HTTP; then its giver has the units again. */
import { findTransfer, refuseTransfer, settleTransfer, voidTransfer } from '../../db/inventory';
import { loadTopology, requireNumber } from '../../db/topology';
import { TellableError } from '../../domain/errors';
import { type TransferId, formatTransferId } from '../../domain/inventory';
import { findSite } from '../../domain/sites';
import { type SiteContext, type StoreSettings } from '../context';
import { postToSite } from '../site-request';

/** How long a taker may take to refuse, milliseconds. */
const REFUSAL_WAIT_MS = 10_000;

/** What a taker says of a transfer, for ever. */
export type Refusal = 'tombstone' | 'credited' | 'stranded';

/** At the taker. `takerIncarnation`: for which data of this site it was given. */
export async function refuseHere(
  { db, runtime, site }: SiteContext,
  store: string,
  id: TransferId,
  takerIncarnation: number | null,
): Promise<Refusal> {
  return db.transaction(async (tx) => {
    const own = await loadTopology(tx, store);
    requireNumber(own);
    const { topology, incarnation } = own;
    const act = { store, id, epoch: topology.epoch, incarnation, now: runtime.clock.now() };
    return refuseTransfer(tx, act, { taker: site, takerIncarnation });
  });
}

/**
 * At the giver: the transfer's state from now on. Throws when the taker does not answer: then it may credit the transfer
 * yet, and nothing is changed.
 */
export async function takeBack(
  context: SiteContext,
  settings: StoreSettings,
  id: TransferId,
): Promise<'void' | 'credited' | 'stranded'> {
  const { db, log } = context;
  const { store } = settings;
  const name = formatTransferId(id);
  const given = await findTransfer(db, store, id);
  if (!given) throw new TellableError(`transfer ${name} was not given here`);
  const { topology } = await loadTopology(db, store);
  const taker = findSite(topology, given.taker);
  const data = given.takerIncarnation === null ? '' : `?takerIncarnation=${given.takerIncarnation}`;
  const response = await postToSite(context, settings, {
    url: `${taker.url}/v1/stores/${store}/inventory/transfers/${name}/refusals${data}`,
    body: '',
    headers: {},
    signal: AbortSignal.timeout(REFUSAL_WAIT_MS),
  });
  if (!response.ok)
    throw new TellableError(`site "${taker.site}" answered ${response.status} to the refusal of ${name}`);
  const { state } = (await response.json()) as { state: Refusal };
  const became = await bookRefusal(context, store, id, state);
  log.info({ store, transfer: name, taker: taker.site, state: became }, 'a transfer was asked back');
  return became;
}

/** At the giver: what the taker has said holds for ever, so it may be booked late, and twice. */
export async function bookRefusal(
  { db, runtime }: SiteContext,
  store: string,
  id: TransferId,
  said: Refusal,
): Promise<'void' | 'credited' | 'stranded'> {
  return db.transaction(async (tx) => {
    const now = runtime.clock.now();
    if (said !== 'tombstone') {
      await settleTransfer(tx, store, id, now, said);
      return said;
    }
    const { topology, incarnation } = await loadTopology(tx, store);
    await voidTransfer(tx, { store, id, epoch: topology.epoch, incarnation, now });
    return 'void';
  });
}
