/** Asking the next site in the tree, over HTTP, while a buyer waits (design, section 3). */
import { readLoan, readOffer, writeBorrowing } from '../../cxml/inventory-borrowing';
import { type Loan, type StockLine } from '../../domain/inventory';
import { type Envelope, formatPayloadID } from '../../domain/documents';
import { TellableError } from '../../domain/errors';
import { type Site } from '../../domain/sites';
import { formatTraceparent } from '../../domain/trace';
import { type SiteContext, type StoreSettings } from '../context';
import { postToSite } from '../site-request';

export interface Question {
  /** The same name asks the same, however often. */
  readonly name: string;
  readonly taker: string;
  readonly takerIncarnation: number;
  readonly lines: readonly StockLine[];
  /** When the question was first put, milliseconds UTC: the same bytes whenever it is put again. */
  readonly createdAt: number;
}

/** Throws when there is no usable answer within the time: then nobody knows what became of it. */
export async function askForLoan(
  context: SiteContext,
  settings: StoreSettings,
  site: Site,
  question: Question,
  waitMs: number,
): Promise<Loan> {
  return readLoan(await ask(context, settings, site, 'borrowings', question, waitMs));
}

/** What the site and those below it could give; nothing for one that does not answer in time. */
export async function askForOffer(
  context: SiteContext,
  settings: StoreSettings,
  site: Site,
  question: Question,
  waitMs: number,
): Promise<StockLine[] | null> {
  try {
    return [...readOffer(await ask(context, settings, site, 'offers', question, waitMs)).lines];
  } catch (err) {
    context.log.info({ store: settings.store, site: site.site, err }, 'a site is left out: it makes no offer');
    return null;
  }
}

async function ask(
  context: SiteContext,
  settings: StoreSettings,
  { site, url }: Site,
  what: 'borrowings' | 'offers',
  { name, taker, takerIncarnation, lines, createdAt }: Question,
  waitMs: number,
): Promise<string> {
  const { store, domain } = settings;
  const payloadID = formatPayloadID(createdAt, name, 1, domain);
  const envelope: Envelope = {
    ...{ payloadID, timestamp: createdAt, store, domain, sender: context.site, receiver: site },
  };
  const body = writeBorrowing({ envelope, name, taker, takerIncarnation, lines });
  context.archiveDocument?.('InventoryBorrowing', payloadID, body);
  const response = await postToSite(context, settings, {
    url: `${url}/v1/stores/${store}/inventory/${what}?waitMs=${waitMs}`,
    body,
    headers: {
      'Content-Type': 'text/xml; charset=UTF-8',
      ...(context.trace ? { traceparent: formatTraceparent(context.trace) } : {}),
    },
    signal: AbortSignal.timeout(waitMs),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new TellableError(`site "${site}" answered ${response.status} to ${payloadID}`);
  }
  return response.text();
}
