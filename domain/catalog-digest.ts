/** Digests of items and revisions; apart from `catalog`, because workflow code may not load a hash. */
import { createHash, hash } from 'node:crypto';
import { type CatalogItem, sortedEntries } from './catalog';

/** An item with its hash, which is dear beside all else that is done with an item: whoever has it hands it on. */
export interface HashedItem {
  readonly item: CatalogItem;
  readonly contentHash: string;
}

export function hashed(item: CatalogItem): HashedItem {
  return { item, contentHash: hashItem(item) };
}

/** SHA-256 (hex) of an item's content, independent of where and when it is stored. */
export function hashItem(item: CatalogItem): string {
  const canonical = JSON.stringify([
    item.sku,
    item.description,
    item.price,
    item.currency,
    item.unitOfMeasure,
    item.classification.domain,
    item.classification.code,
    item.leadTimeDays,
    sortedEntries(item.attributes),
    item.audience,
    // Without them an item's hash is what it was before there were any.
    ...(item.groupPrices === undefined ? [] : [sortedEntries(item.groupPrices)]),
  ]);
  return hash('sha256', canonical, 'hex');
}

const DIGEST_MODULUS = 1n << 256n;

/** The digest of no items at all. */
export const EMPTY_DIGEST = '0'.repeat(64);

/**
 * A revision's digest: the sum of its items' hashes modulo 2^256 (hex). A sum, not a hash of a list, so that a
 * change costs what changed and not what the catalogue holds.
 */
export function addToDigest(digest: string, added: Iterable<string>, removed: Iterable<string> = []): string {
  let sum = BigInt(`0x${digest}`);
  for (const hash of added) sum += BigInt(`0x${hash}`);
  for (const hash of removed) sum -= BigInt(`0x${hash}`);
  return (((sum % DIGEST_MODULUS) + DIGEST_MODULUS) % DIGEST_MODULUS).toString(16).padStart(64, '0');
}

/** What a catalogue document brings. */
export interface DocumentHead {
  readonly catalog: string;
  readonly partition: string;
  readonly base: number;
  readonly target: number;
}

/**
 * SHA-256 over what a document says, not over its bytes: items in the document's order, then the withdrawn ones. A
 * document made again by another release has the same digest.
 */
export class ContentDigest {
  private readonly hash = createHash('sha256');

  constructor({ catalog, partition, base, target }: DocumentHead) {
    this.hash.update(JSON.stringify([catalog, partition, base, target]));
  }

  /** Items, by the hashes of their content; all of a batch at once, for each call costs as much as hashing its item. */
  add(contentHashes: readonly string[]): void {
    let added = '';
    for (const contentHash of contentHashes) added += `\nadd ${contentHash}`;
    this.hash.update(added);
  }

  withdraw(sku: string): void {
    this.hash.update(`\nwithdraw ${JSON.stringify(sku)}`);
  }

  digest(): string {
    return this.hash.copy().digest('hex');
  }
}
