/** What the audit checks, and what is to be done where it does not hold. */

export const RULES = {
  'stock-balance':
    'Rights, units on their way and units sold do not add up to what was received. Stop selling the item, compare its movements at every site with what is in the warehouse, and book the difference as an adjustment.',
  'rights-negative':
    'A balance fell below zero: units were promised that nobody has. Stop selling the item here and find the movement that took too much.',
  'levels-ledger':
    "The balance differs from the sum of the account's movements. The ledger is the truth: find who wrote the balance without a movement, then set it to the ledger's sum.",
  'ledger-form':
    'A movement has a kind, sign, account or id that no part of the product writes. Find out who wrote it; reverse it by an adjustment, never by deleting it.',
  'transfer-ledger':
    "A transfer's lines differ from the movements that carry its id at this site. Compare with the transfer's document at the other site and adjust the side that differs.",
  'transfer-lines':
    'Giver and taker hold different lines of one transfer. Compare both with the document that was sent, and adjust the side that differs.',
  'transfer-uncredited':
    'The giver was told that the transfer is credited, and the taker never credited it: units are lost. Was the taker restored from a backup? Then it needs a new incarnation.',
  'transfer-ungiven':
    'The taker has credited a transfer that its giver never gave: units came from nowhere. Was the giver restored from a backup? Then it needs a new incarnation; else recall the units.',
  'transfer-void':
    'The giver took a transfer back that its taker has not refused for ever (a tombstone): the units may exist twice. Recall them from the taker.',
  'sale-order':
    "An order's lines and the units that its sale debited differ. Find which of the two was changed after the sale; both are written by one transaction.",
  'return-order':
    'Units given back differ from what a cancelled order had sold. A return happens once, for orders that were cancelled: adjust the difference.',
  'cart-order':
    'A cart and its order do not name each other, or a cart has two orders. Keep the order that the primary confirmed, and cancel the other.',
  'order-waiting':
    'An order waits for its parent and nothing will send it: its row is missing from the outbox. Put it back, or it is never delivered.',
  'outbox-order':
    'The outbox holds an order that this site does not have. Look for the order at the parent and in a backup before the row is removed.',
  'order-document':
    "An order has no document, or one whose bytes differ from the digest that the sale wrote. Take the parent's copy, or a backup's.",
  'order-content':
    'The row or the lines of an order say other than its document. The document is what was sold: mend the rows by it.',
  'order-at-parent':
    'The parent told that it has this order, and does not have it: it is lost there. Offer it again from the site that sold it.',
  'order-as-sold':
    'Parent and child hold different documents of one order. The selling site fixed the bytes: find who changed the other copy.',
  'order-state': 'Parent and child say different things of one order. What the root says counts: mend the state below it.',
  'order-unsold':
    'The parent has an order of a site that does not know it. Was that site restored from a backup? Then it needs a new incarnation; else find out who sent the order.',
  'item-hash':
    'An item is not what it was when it was written. Push the catalogue to this site again in full, or import the item again at the primary.',
  'catalog-digest':
    'The items do not add up to the revision that this site claims. Push the catalogue to it again in full; until then its readers see wrong items.',
  'catalog-lineage':
    'The site claims a revision that the primary does not have, or has with other content. Push the catalogue to it again in full.',
  'catalog-confirmed':
    'The parent believes that the site has a later revision than it shows. Was it restored from a backup? Push the catalogue to it again.',
  'audit-complete':
    'Stock was given to or taken from a site whose database this audit was not given: the sums can not be right. Name its configuration too.',
} as const;

export type RuleId = keyof typeof RULES;

export interface Violation {
  readonly rule: RuleId;
  readonly site: string;
  /** What is wrong: an item, a movement, a transfer, an order, a cart, a catalogue. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  /** What it means and what to do. */
  readonly explanation: string;
}

/** Violations of one rule at one site that are listed; the rest is counted. */
export const VIOLATIONS_LISTED_MAX = 100;

/** Gathers violations: every one is counted, the first of each rule and site are listed. */
export class Findings {
  readonly listed: Violation[] = [];
  total = 0;
  private readonly perRuleAndSite = new Map<string, number>();

  add(rule: RuleId, site: string, subject: string, expected: string | number, found: string | number): void {
    const key = `${rule} ${site}`;
    const count = (this.perRuleAndSite.get(key) ?? 0) + 1;
    this.perRuleAndSite.set(key, count);
    this.total++;
    if (count > VIOLATIONS_LISTED_MAX) return;
    const explanation = RULES[rule];
    this.listed.push({ rule, site, subject, expected: String(expected), found: String(found), explanation });
  }
}
