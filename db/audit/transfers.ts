/**
 * Stock over all sites. Databases are read one after the other while units move between them, so transfers are paired
 * by id, and what one side lacks is looked up again: facts are only ever added, so the second look decides.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseTransferId } from '../../domain/inventory';
import { type Database } from '../database';
import { type Findings } from './rules';
import { type ItemSums, type TransferView, readTransfers } from './stock';

export interface SiteStock {
  readonly site: string;
  readonly db: Database;
  readonly items: ReadonlyMap<string, ItemSums>;
  readonly transfers: ReadonlyMap<string, TransferView>;
}

/** The name under which what belongs to no single site is reported. */
export const ALL_SITES = '(all sites)';

export async function auditStockOfAll(sites: readonly SiteStock[], store: string, findings: Findings): Promise<void> {
  const moving = new Map<string, number>();
  const missing = new Map<string, string>();
  const ids = new Set(sites.flatMap(({ transfers }) => [...transfers.keys()]));
  for (const id of [...ids].sort()) {
    const pair = pairOf(sites, id);
    for (const name of [pair.any.giver, pair.any.taker]) {
      if (!sites.some(({ site }) => site === name)) missing.set(name, id);
    }
    const factor = await unitsOnTheWay(pair, store, findings);
    for (const [sku, quantity] of (pair.given ?? pair.any).lines) {
      moving.set(sku, (moving.get(sku) ?? 0) + factor * quantity);
    }
  }
  for (const [name, id] of missing) {
    findings.add('audit-complete', ALL_SITES, `transfer ${id}`, `the database of site "${name}"`, 'it was not given');
  }
  balance(sites, moving, findings);
}

interface Pair {
  readonly id: string;
  readonly any: TransferView;
  readonly giver: SiteStock | undefined;
  readonly taker: SiteStock | undefined;
  /** As the giver has it, and as the taker has it. */
  readonly given: TransferView | undefined;
  readonly taken: TransferView | undefined;
}

function pairOf(sites: readonly SiteStock[], id: string): Pair {
  const any = sites.map(({ transfers }) => transfers.get(id)).find((view) => view !== undefined) as TransferView;
  const giver = sites.find(({ site }) => site === any.giver);
  const taker = sites.find(({ site }) => site === any.taker);
  return { id, any, giver, taker, given: giver?.transfers.get(id), taken: taker?.transfers.get(id) };
}

/** How often the transfer's units count as being on their way: 1, 0, or -1 where the giver was read before it gave. */
async function unitsOnTheWay(pair: Pair, store: string, findings: Findings): Promise<-1 | 0 | 1> {
  const { id, giver, taker, given, taken } = pair;
  if (!given) {
    if (!giver || taken?.state !== 'credited') return 0;
    if (await lookAgain(giver, store, id)) return -1;
    findings.add('transfer-paired', giver.site, `transfer ${id}`, 'given', `credited at ${pair.any.taker} only`);
    return 0;
  }
  if (taken?.state === 'credited') {
    if (given.state === 'void') {
      findings.add('transfer-void', given.giver, `transfer ${id}`, `a tombstone at ${given.taker}`, 'credited there');
    }
    compareLines(id, given, taken, findings);
    return 0;
  }
  const now = taken ?? (taker && given.state !== 'in-flight' ? await lookAgain(taker, store, id) : undefined);
  if (given.state === 'credited') {
    if (!taker) return 0;
    if (now?.state === 'credited') return 1;
    findings.add('transfer-settled', taker.site, `transfer ${id}`, 'credited', now?.state ?? 'not known here');
    return 0;
  }
  if (given.state === 'void') {
    if (taker && now?.state !== 'tombstone') {
      const found = now?.state ?? 'not known there';
      findings.add('transfer-void', given.giver, `transfer ${id}`, `a tombstone at ${given.taker}`, found);
    }
    return 0;
  }
  return 1;
}

async function lookAgain({ db }: SiteStock, store: string, id: string): Promise<TransferView | undefined> {
  const parsed = parseTransferId(id);
  return parsed === null ? undefined : (await readTransfers(db, store, parsed)).get(id);
}

function compareLines(id: string, given: TransferView, taken: TransferView, findings: Findings): void {
  if (isDeepStrictEqual(given.lines, taken.lines)) return;
  for (const sku of new Set([...given.lines.keys(), ...taken.lines.keys()])) {
    const gave = given.lines.get(sku) ?? 0;
    const took = taken.lines.get(sku) ?? 0;
    if (gave !== took) findings.add('transfer-paired', taken.taker, `transfer ${id}, ${sku}`, `${gave} as given`, took);
  }
}

/** Σ rights + on the way + (sold - returned) = received + adjusted, for every item. */
function balance(sites: readonly SiteStock[], moving: ReadonlyMap<string, number>, findings: Findings): void {
  const skus = new Set([...moving.keys(), ...sites.flatMap(({ items }) => [...items.keys()])]);
  for (const sku of [...skus].sort()) {
    const sum = (of: keyof ItemSums) => sites.reduce((total, { items }) => total + (items.get(sku)?.[of] ?? 0), 0);
    const onTheWay = moving.get(sku) ?? 0;
    const [rights, sold, received, adjusted] = [sum('rights'), sum('sold'), sum('received'), sum('adjusted')];
    if (rights + onTheWay + sold === received + adjusted) continue;
    const expected = `${received + adjusted} (received ${received}, adjusted ${adjusted})`;
    const found = `${rights + onTheWay + sold} (rights ${rights}, on the way ${onTheWay}, sold ${sold})`;
    findings.add('units-balanced', ALL_SITES, sku, expected, found);
  }
}
