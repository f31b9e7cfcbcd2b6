/**
 * `entrepot demo-check`: a process apart from the demo checks what came of it, from the buyers' own log of answers and
 * every site's database. Nothing that the demo's process remembers is asked.
 */
import { isDeepStrictEqual } from 'node:util';
import { validateOrderDocument } from './document-check';
import {
  type CatalogEvidence,
  type OrderEvidence,
  readCatalogEvidence,
  readOrderEvidence,
  readUnitsSold,
} from '../../db/evidence';
import { formatAmount } from '../../domain/money';
import { showRevision } from '../../domain/catalog';
import { auditProblems } from '../audit';
import { type OpenSite, siteConfigs, withDatabases } from '../databases';
import { failed, wrongUsage } from '../exit-codes';
import { formatCount, printList } from '../output';
import { readTrial } from '../trial/data-directory';
import { type Trial } from '../trial/layout';
import { type LogEntry, type LogHead, readBuyersLog } from './buyers-log';
import { SALES_WHILE_GONE_MIN } from './scenario';

/** Problems of one rule that are named one by one; the rest is counted. */
const PROBLEMS_NAMED_MAX = 5;

export interface Finding {
  readonly rule: string;
  /** What was looked at, for people. */
  readonly looked: string;
  readonly problems: readonly string[];
}

interface SiteEvidence {
  readonly site: string;
  readonly orders: ReadonlyMap<string, OrderEvidence>;
  readonly catalog: CatalogEvidence | null;
  /** Units of the scarce item that the ledger says were sold. */
  readonly scarceSold: number;
}

export async function runDemoCheck(options: { log: string; data: string; json?: boolean }): Promise<void> {
  const trial = readTrial(options.data);
  if (!trial) throw wrongUsage(`${options.data} holds no trial system: --data names the demo's directory`);
  const { head, entries } = readBuyersLog(options.log);
  const findings = await withDatabases(siteConfigs([], options.data), (sites) => check(trial, head, entries, sites));
  printList(
    options.json,
    findings,
    ['check', 'looked at', 'result'],
    findings.map(({ rule, looked, problems }) => [rule, looked, problems.length === 0 ? 'holds' : 'VIOLATED']),
    'nothing was checked',
  );
  const violated = findings.filter(({ problems }) => problems.length > 0);
  if (violated.length === 0) return;
  throw failed(violated.map(({ rule, problems }) => `${rule}:\n${named(problems)}`).join('\n'));
}

function named(problems: readonly string[]): string {
  const more = problems.length - PROBLEMS_NAMED_MAX;
  const lines = problems.slice(0, PROBLEMS_NAMED_MAX).map((problem) => `  ${problem}`);
  return [...lines, ...(more > 0 ? [`  and ${formatCount(more)} more`] : [])].join('\n');
}

async function check(
  trial: Trial,
  head: LogHead,
  entries: readonly LogEntry[],
  sites: readonly OpenSite[],
): Promise<Finding[]> {
  const evidence = await Promise.all(sites.map((site) => readEvidence(trial, head, site)));
  const ordered = entries.filter((entry) => entry.outcome === 'ordered');
  const primary = evidence.find(({ site }) => site === trial.primary) as SiteEvidence;
  return [
    everyAnswerKnown(entries),
    atTheSeller(ordered, evidence),
    atThePrimary(ordered, evidence, primary),
    nothingBeyond(entries, primary),
    oneOrderPerCart(evidence),
    soldWhileGone(trial, ordered),
    lastUnits(head, entries, evidence),
    catalogues(evidence),
    await documentsValid(primary),
    await auditClean(trial, sites),
  ];
}

async function readEvidence(trial: Trial, head: LogHead, { config, db }: OpenSite): Promise<SiteEvidence> {
  return db.snapshot(async (reads) => {
    const orders = await readOrderEvidence(reads, trial.store);
    return {
      site: config.site,
      orders: new Map(orders.map((order) => [order.orderId, order])),
      catalog: await readCatalogEvidence(reads, trial.store, trial.catalog),
      scarceSold: await readUnitsSold(reads, trial.store, head.lastUnits.sku),
    };
  });
}

function everyAnswerKnown(entries: readonly LogEntry[]): Finding {
  const unknown = entries.filter((entry) => entry.outcome === 'unknown');
  return {
    rule: 'every buyer got a clear answer',
    looked: `${formatCount(entries.length)} answers`,
    problems: unknown.map((entry) => `buyer ${entry.buyer} at ${entry.site}: ${entry.status} ${entry.detail ?? ''}`),
  };
}

function atTheSeller(ordered: readonly LogEntry[], evidence: readonly SiteEvidence[]): Finding {
  return {
    rule: 'every accepted order is at its seller, as told',
    looked: `${formatCount(ordered.length)} orders`,
    problems: ordered.flatMap((entry) => {
      const seller = evidence.find(({ site }) => site === entry.site);
      const order = seller?.orders.get(entry.orderId ?? '');
      if (!order) return [`order ${entry.orderId} of buyer ${entry.buyer} is not in the database of ${entry.site}`];
      return asTold(entry, order, entry.site);
    }),
  };
}

function asTold(entry: LogEntry, order: OrderEvidence, where: string): string[] {
  const problems: string[] = [];
  if (formatAmount(order.goods) !== entry.subtotal) {
    problems.push(
      `order ${order.orderId} at ${where} has goods for ${formatAmount(order.goods)}; the buyer was told ${entry.subtotal}`,
    );
  }
  const bySku = (a: { sku: string }, b: { sku: string }) => (a.sku < b.sku ? -1 : 1);
  if (!isDeepStrictEqual([...order.lines].sort(bySku), [...entry.lines].sort(bySku))) {
    problems.push(`order ${order.orderId} at ${where} has other lines than the buyer ordered`);
  }
  if (order.cartId !== entry.cartId) {
    problems.push(`order ${order.orderId} at ${where} is of cart ${order.cartId}, the buyer's was ${entry.cartId}`);
  }
  return problems;
}

function atThePrimary(ordered: readonly LogEntry[], evidence: readonly SiteEvidence[], primary: SiteEvidence): Finding {
  return {
    rule: 'every accepted order is confirmed at the primary, with equal content',
    looked: `${formatCount(ordered.length)} orders`,
    problems: ordered.flatMap((entry) => {
      const order = primary.orders.get(entry.orderId ?? '');
      if (!order) return [`order ${entry.orderId}, accepted at ${entry.site}, is lost: the primary has no such order`];
      const sold = evidence.find(({ site }) => site === entry.site)?.orders.get(order.orderId);
      const problems = asTold(entry, order, primary.site);
      if (order.state !== 'confirmed') problems.push(`order ${order.orderId} is ${order.state} at the primary`);
      if (sold && sold.state !== 'confirmed') problems.push(`order ${order.orderId} is ${sold.state} at ${entry.site}`);
      if (sold && !sameContent(sold, order)) {
        problems.push(`order ${order.orderId} differs between ${entry.site} and the primary`);
      }
      return problems;
    }),
  };
}

function sameContent(sold: OrderEvidence, received: OrderEvidence): boolean {
  return isDeepStrictEqual({ ...sold, state: '' }, { ...received, state: '' });
}

/** An order that no buyer was told of is only right where a buyer's answer is unknown. */
function nothingBeyond(entries: readonly LogEntry[], primary: SiteEvidence): Finding {
  const told = new Set(entries.map((entry) => entry.orderId));
  const unknownCarts = new Set(entries.filter(({ outcome }) => outcome === 'unknown').map(({ cartId }) => cartId));
  const beyond = [...primary.orders.values()].filter(
    (order) => !told.has(order.orderId) && !unknownCarts.has(order.cartId),
  );
  return {
    rule: 'the primary has no order that no buyer made',
    looked: `${formatCount(primary.orders.size)} orders`,
    problems: beyond.map(
      (order) => `order ${order.orderId} of cart ${order.cartId}, from ${order.site}, is in no buyer's log`,
    ),
  };
}

function oneOrderPerCart(evidence: readonly SiteEvidence[]): Finding {
  const problems = evidence.flatMap(({ site, orders }) => {
    const winners = new Map<string, string>();
    return [...orders.values()].flatMap(({ orderId, cartId, state }) => {
      if (state === 'cancelled') return [];
      const other = winners.get(cartId);
      winners.set(cartId, orderId);
      return other === undefined ? [] : [`cart ${cartId} has two orders at ${site}: ${other} and ${orderId}`];
    });
  });
  return { rule: 'one order per cart', looked: `${evidence.length} sites`, problems };
}

function soldWhileGone(trial: Trial, ordered: readonly LogEntry[]): Finding {
  const counts = trial.sites
    .filter(({ site }) => site !== trial.primary)
    .map(({ site }) => ({ site, sales: ordered.filter((entry) => entry.primaryGone && entry.site === site).length }));
  return {
    rule: `at least ${SALES_WHILE_GONE_MIN} sales at every secondary while the primary was gone`,
    looked: counts.map(({ site, sales }) => `${site} ${sales}`).join(', '),
    problems: counts
      .filter(({ sales }) => sales < SALES_WHILE_GONE_MIN)
      .map(({ site, sales }) => `${site} accepted ${sales} sales while the primary was gone`),
  };
}

function lastUnits(
  { lastUnits: wanted }: LogHead,
  entries: readonly LogEntry[],
  evidence: readonly SiteEvidence[],
): Finding {
  const { sku, units } = wanted;
  const buyers = entries.filter((entry) => entry.part === 'last-units');
  const unitsOf = (lines: OrderEvidence['lines']) =>
    lines.reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0);
  const told = buyers
    .filter(({ outcome }) => outcome === 'ordered')
    .reduce((sum, entry) => sum + unitsOf(entry.lines), 0);
  const sold = evidence.reduce((sum, site) => sum + site.scarceSold, 0);
  const inOrders = evidence
    .flatMap(({ site, orders }) =>
      [...orders.values()].filter((order) => order.site === site && order.state !== 'cancelled'),
    )
    .reduce((sum, order) => sum + unitsOf(order.lines), 0);
  const problems: string[] = [];
  const expect = (found: number, what: string) => {
    if (found > units) problems.push(`item ${sku} is oversold: ${found} of ${units} units ${what}`);
    else if (found < units) problems.push(`item ${sku}: only ${found} of ${units} units ${what}`);
  };
  expect(told, 'were promised to buyers');
  expect(sold, "are sold by the sites' ledgers");
  expect(inOrders, 'are in orders');
  return {
    rule: `exactly ${units} units of the last ${units} are sold`,
    looked: `${formatCount(buyers.length)} buyers, ${told} units`,
    problems,
  };
}

function catalogues(evidence: readonly SiteEvidence[]): Finding {
  const newest = Math.max(...evidence.map(({ catalog }) => catalog?.revision ?? 0));
  const model = evidence.find(({ catalog }) => catalog?.revision === newest)?.catalog;
  const problems = evidence.flatMap(({ site, catalog }) => {
    if (!catalog || !model) return [`${site} has no catalogue`];
    if (catalog.revision !== newest) {
      return [
        `the catalogue of ${site} is stale: revision ${showRevision(catalog.revision)}, not ${showRevision(newest)}`,
      ];
    }
    if (catalog.foundDigest !== catalog.digest)
      return [`the items of ${site} do not hash to the revision that it claims`];
    if (catalog.digest !== model.digest || catalog.foundCount !== model.foundCount) {
      return [`the catalogue of ${site} differs from the others' at the same revision`];
    }
    return [];
  });
  return {
    rule: 'the same catalogue revision everywhere, by digest',
    looked: model ? `revision ${showRevision(newest)}, ${formatCount(model.foundCount)} items` : 'none',
    problems,
  };
}

async function documentsValid(primary: SiteEvidence): Promise<Finding> {
  const problems: string[] = [];
  for (const { orderId, document } of primary.orders.values()) {
    const found = document === null ? ['there is none'] : await validateOrderDocument(document);
    problems.push(...found.map((problem) => `the document of order ${orderId}: ${problem}`));
  }
  return {
    rule: 'every order document is valid, by DTD and by the stricter check',
    looked: `${formatCount(primary.orders.size)} documents`,
    problems,
  };
}

async function auditClean(trial: Trial, sites: readonly OpenSite[]): Promise<Finding> {
  return {
    rule: 'the audit is clean',
    looked: `${sites.length} databases`,
    problems: await auditProblems(trial.store, sites),
  };
}
