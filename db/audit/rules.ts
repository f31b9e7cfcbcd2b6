/** What the audit checks, and what is to be done where it does not hold. */

interface Rule {
  readonly holds: string;
  readonly remedy: string;
}

const RULES = {
  'stock-levels-match-ledger': {
    holds: 'the balance of an item is the sum of its movements',
    remedy: "The ledger is the truth: find who wrote the balance without a movement, then set it to the ledger's sum.",
  },
  'stock-never-negative': {
    holds: 'no right is below zero',
    remedy: 'Units were promised that nobody has: stop selling the item here and find the movement that took too much.',
  },
  'stock-signs': {
    holds: "a movement's sign, account and id fit its kind",
    remedy: 'No part of the product writes this: find who did, and reverse it by an adjustment, never by deleting it.',
  },
  'transfer-ledger': {
    holds: "a transfer's lines are the movements that carry its id",
    remedy: "Compare both with the transfer's document at the other site, and adjust the side that differs.",
  },
  'transfer-paired': {
    holds: 'what a site was credited, its giver has debited, line by line',
    remedy: 'Was the giver restored from a backup? Then it needs a new incarnation; else compare with the document.',
  },
  'transfer-settled': {
    holds: 'a transfer that its giver calls credited was credited by its taker',
    remedy: 'Units are lost. Was the taker restored from a backup? Then it needs a new incarnation.',
  },
  'transfer-void': {
    holds: 'a transfer is void only when its taker has refused it for ever',
    remedy: 'The units may exist twice: recall them from the taker.',
  },
  'units-balanced': {
    holds: 'received + adjusted - (sold - returned) = rights + in flight, over all sites',
    remedy: 'Stop selling the item, count it in the warehouse, and book the difference as an adjustment.',
  },
  'audit-complete': {
    holds: 'the database of every site that gave or took stock is read',
    remedy: "Without it the sums can not be right: name that site's configuration too.",
  },
  'sale-matches-order': {
    holds: 'what the ledger sold is what the order says, line by line',
    remedy: 'One transaction writes both: find which of the two was changed after the sale.',
  },
  'return-matches-order': {
    holds: 'a cancelled order has given back what it sold, once, and no other has',
    remedy: 'Book the difference as an adjustment.',
  },
  'order-at-parent': {
    holds: 'an order that its seller calls accepted or confirmed is at the parent',
    remedy: 'It is lost there: offer it again from the site that sold it.',
  },
  'order-in-outbox': {
    holds: 'an order without an answer is in the outbox',
    remedy: 'Nothing will send it: put its row back into the outbox.',
  },
  'outbox-order': {
    holds: 'every order in the outbox is known here',
    remedy: 'Look for the order at the parent and in a backup before the row is removed.',
  },
  'order-state': {
    holds: 'a site says of an order what its parent says',
    remedy: 'What the root says counts: mend the state below it.',
  },
  'order-unsold': {
    holds: 'an order is known at the site that sold it',
    remedy: 'Was that site restored from a backup? Then it needs a new incarnation; else find who sent the order.',
  },
  'one-order-per-cart': {
    holds: 'a cart has one order that was not cancelled, and it is the one named for ever',
    remedy: 'Keep the order that the primary confirmed, and cancel the other.',
  },
  'cart-has-order': {
    holds: "an ordered cart has its order, and an order's cart is ordered",
    remedy: 'The order counts: mend the cart; if there is none, look for it at the parent.',
  },
  'order-document': {
    holds: "an order's document has the digest that was written with it",
    remedy: "Take the parent's copy of the document, or a backup's.",
  },
  'order-content': {
    holds: "an order's row, lines and total are those of its document",
    remedy: 'The document is what was sold: mend the rows by it.',
  },
  'order-document-at-root': {
    holds: "the document at the parent is the seller's, byte for byte",
    remedy: 'The selling site fixed the bytes: find who changed the other copy.',
  },
  'catalog-items-digest': {
    holds: 'the items of a site hash to the digest of the revision that it claims',
    remedy: 'Readers see wrong items: push the catalogue to this site again in full.',
  },
  'catalog-revision-digest': {
    holds: 'a revision has the same digest at every site',
    remedy: 'Push the catalogue to this site again in full.',
  },
  'catalog-confirmed': {
    holds: 'no site is booked with a revision that it does not have',
    remedy: 'Was the site restored from a backup? Push the catalogue to it again.',
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type AuditRule = keyof typeof RULES;

export const AUDIT_RULE_IDS = Object.keys(RULES) as readonly AuditRule[];

/** Every rule, by the id that a violation names: what holds. */
export const AUDIT_RULES = Object.fromEntries(AUDIT_RULE_IDS.map((rule) => [rule, RULES[rule].holds])) as Readonly<
  Record<AuditRule, string>
>;

export interface Violation {
  readonly rule: AuditRule;
  readonly site: string;
  /** The row: an item, a movement, an order, a transfer, a cart. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  /** What to do. */
  readonly explanation: string;
}

export type Report = (violation: Omit<Violation, 'explanation'>) => void;

/** Violations of one rule at one site that are listed; the rest is counted. */
export const VIOLATIONS_LISTED_MAX = 100;

/** Gathers violations: every one is counted, the first of each rule and site are listed. */
export class Findings {
  readonly listed: Violation[] = [];
  total = 0;
  /** By the site that a violation names. */
  readonly bySite: Record<string, number> = {};
  private readonly perRuleAndSite = new Map<string, number>();

  readonly report: Report = (violation) => {
    const key = `${violation.rule} ${violation.site}`;
    const count = (this.perRuleAndSite.get(key) ?? 0) + 1;
    this.perRuleAndSite.set(key, count);
    this.total++;
    this.bySite[violation.site] = (this.bySite[violation.site] ?? 0) + 1;
    if (count <= VIOLATIONS_LISTED_MAX) {
      this.listed.push({ ...violation, explanation: RULES[violation.rule].remedy });
    }
  };

  add(rule: AuditRule, site: string, subject: string, expected: string | number, found: string | number): void {
    this.report({ rule, site, subject, expected: String(expected), found: String(found) });
  }
}
