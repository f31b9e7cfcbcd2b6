/**
 * The audit: invariants 1 and 2 and the catalogue's digests on live databases (design, section 2). Each database is
 * read in one snapshot; what two databases say of the same thing is paired by its id, and asked again before it is
 * called a violation, so that the audit is right while everything moves.
 */
import { type Database } from '../database';
import { loadTopology } from '../topology';
import { auditCatalogs } from './catalogs';
import { type SiteOrders, auditDeliveries } from './deliveries';
import { auditCarts, auditDocuments, auditOutbox, readOrders } from './orders';
import { Findings, type Violation } from './rules';
import { auditLedger, auditLevels, auditSales, auditTransferLedger, readItemSums, readTransfers } from './stock';
import { type SiteStock, auditStockOfAll } from './transfers';

export { ALL_SITES } from './transfers';
export { recordAudit } from './record';
export { AUDIT_RULES, type AuditRule, type Report, type Violation } from './rules';

export interface AuditedSite {
  readonly site: string;
  readonly db: Database;
}

export interface AuditResult {
  readonly violations: readonly Violation[];
  /** What was looked at, by name; `violations` counts also those beyond the listed ones. */
  readonly counts: Readonly<Record<string, number>>;
  /** By the site that a violation names, or ALL_SITES. */
  readonly violationsBySite: Readonly<Record<string, number>>;
}

type SiteFacts = SiteStock & SiteOrders & { readonly documents: number };

/** Give it every site of the store. Throws for a database that is not the named site's. */
export async function auditStore(sites: readonly AuditedSite[], store: string): Promise<AuditResult> {
  const findings = new Findings();
  const facts: SiteFacts[] = [];
  for (const site of sites) facts.push(await auditSite(site, store, findings));
  await auditStockOfAll(facts, store, findings);
  await auditDeliveries(facts, store, findings);
  const catalogs = await auditCatalogs(sites, store, findings.report);
  return {
    violations: findings.listed,
    counts: {
      sites: sites.length,
      stockItems: new Set(facts.flatMap(({ items }) => [...items.keys()])).size,
      transfers: new Set(facts.flatMap(({ transfers }) => [...transfers.keys()])).size,
      orders: facts.reduce((sum, { documents }) => sum + documents, 0),
      ...catalogs,
      violations: findings.total,
    },
    violationsBySite: findings.bySite,
  };
}

/** One site in one state of its database. */
function auditSite({ site, db }: AuditedSite, store: string, findings: Findings): Promise<SiteFacts> {
  return db.snapshot(async (reads) => {
    const own = await loadTopology(reads, store);
    if (own.site !== site) {
      throw new Error(`the database given for site "${site}" is that of site "${own.site}": check the configuration`);
    }
    await auditLevels(reads, store, site, findings);
    await auditLedger(reads, store, site, findings);
    await auditTransferLedger(reads, store, site, findings);
    await auditSales(reads, store, site, findings);
    await auditCarts(reads, store, site, findings);
    await auditOutbox(reads, store, site, findings);
    const documents = await auditDocuments(reads, store, site, findings);
    const parent = own.topology.sites.find((candidate) => candidate.site === site)?.parent ?? null;
    const items = await readItemSums(reads, store);
    const transfers = await readTransfers(reads, store);
    return { site, db, parent, items, transfers, orders: await readOrders(reads, store), documents };
  });
}
