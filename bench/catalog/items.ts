/** Items to push: as long as a real shop's, each different, made as they are needed. */
import { ITEM_DEFAULTS, type CatalogItem } from '../../domain/catalog';

const WORDS =
  'white metal lantern heart holder set of hanging glass jumbo bag red retrospot cream paper craft little'.split(' ');
const WORDS_PER_DESCRIPTION = 6;
const CATEGORIES = 40;

/** In ascending order of their skus. */
export function* items(count: number): Generator<CatalogItem> {
  for (let index = 0; index < count; index++) {
    const words = Array.from(
      { length: WORDS_PER_DESCRIPTION },
      (_, at) => WORDS[(index * 7 + at * at + at) % WORDS.length],
    );
    yield {
      ...ITEM_DEFAULTS,
      sku: `B${String(index).padStart(7, '0')}`,
      description: `${words.join(' ').toUpperCase()} ${index}`,
      price: 10_000 + (index % 5_000) * 100,
      currency: 'GBP',
      classification: { domain: 'UNSPSC', code: String(60_000_000 + (index % CATEGORIES)) },
      attributes: { colour: WORDS[index % WORDS.length] ?? '', pack: String((index % 12) + 1) },
      audience: '',
    };
  }
}

export function* batches<T>(all: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const one of all) {
    batch.push(one);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
