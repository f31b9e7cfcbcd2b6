/**
 * The audit: invariants 1 and 2 and the catalogue's digests on live databases (design, section 2). Each database is
 * read in one snapshot; what two databases say of the same thing is paired by its id, and asked again before it is
 * called a violation, so that the audit is right while everything moves.
 */
import { type Database } from '../database';
import { auditCatalogs } from './catalogs';
import { auditOrders } from './orders';
import { auditStock } from './stock';

/** Every rule, by the id that a violation names. */
export const AUDIT_RULES = {
  'stock-levels-match-ledger': 'the balance of an item is the sum of its movements',
  'stock-never-negative': 'no right is below zero',
  'stock-signs': "a movement's sign fits its kind",
  'transfer-paired': 'what a site was credited, its giver has debited, line by line',
  'transfer-settled': 'a transfer that its giver calls credited was credited by its taker',
  'units-balanced': 'received + adjusted - (sold - returned) = rights + in flight, over all sites',
  'sale-matches-order': 'what the ledger sold is what the order says, line by line',
  'order-at-parent': 'an order that its seller calls accepted or confirmed is at the parent',
  'order-in-outbox': 'an order without an answer is in the outbox',
  'one-order-per-cart': 'a cart has one order that was not cancelled, and it is the one named for ever',
  'cart-has-order': "an ordered cart has its order, and an order's cart is ordered",
  'order-document': "an order's document has the digest and the total that were written with it",
  'order-document-at-root': "the document at the parent is the seller's, byte for byte",
  'catalog-items-digest': 'the items of a site hash to the digest of the revision that it claims',
  'catalog-revision-digest': 'a revision has the same digest at every site',
  'catalog-confirmed': 'no site is booked with a revision that it does not have',
} as const;

export type AuditRule = keyof typeof AUDIT_RULES;

export interface Violation {
  readonly rule: AuditRule;
  readonly site: string;
  /** The row: an item, an order, a transfer, a cart. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

export interface AuditedSite {
  readonly site: string;
  readonly db: Database;
}

export interface AuditResult {
  readonly violations: readonly Violation[];
  /** What was looked at, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

export type Report = (violation: Violation) => void;

export async function auditStore(sites: readonly AuditedSite[], store: string): Promise<AuditResult> {
  const violations: Violation[] = [];
  const report: Report = (violation) => void violations.push(violation);
  const counts = {
    ...(await auditStock(sites, store, report)),
    ...(await auditOrders(sites, store, report)),
    ...(await auditCatalogs(sites, store, report)),
  };
  return { violations, counts };
}
