/**
 * Words as the full-text index of either engine holds them, and as buyers type them: one function for both, so that
 * both engines find the same. What is left of a text is plain ASCII, and every word begins with its catalogue's scope:
 * no engine's shortest word, stop words, folding or operators come into play, and catalogues do not meet in the index.
 */
import { createHash } from 'node:crypto';
import { type CatalogItem } from './catalog';

/** Shortest and longest word in the index, in characters with its scope; longer ones are cut. */
export const INDEXED_WORD_LENGTH_MIN = 5;
export const INDEXED_WORD_LENGTH_MAX = 80;
/** Different words of one item's attributes that are indexed: the first so many. */
const ATTRIBUTE_WORDS_MAX = 1_000;
/** Words of a query that count: the first so many. */
export const QUERY_WORDS_MAX = 10;
/** Longest query, characters. */
export const QUERY_LENGTH_MAX = 200;
/** Shortest last word of a query, in characters, that finds what begins with it: shorter would find half of everything. */
const PREFIX_LENGTH_MIN = 2;

/** What items can be sorted by; of two alike, the lesser sku comes first. */
export const ITEM_ORDERS = ['relevance', 'sku', 'price-asc', 'price-desc', 'description'] as const;
export type ItemOrder = (typeof ITEM_ORDERS)[number];

/** Ends the description's words, and the sku's, in a text: no engine takes them for words. */
export const SKU_MARK = ' | ';
export const ATTRIBUTES_MARK = ' / ';

/** Letters that Unicode does not take apart into a plain one and its mark. */
const FOLDED: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ħ: 'h', ı: 'i', ς: 'σ' },
};
const TO_FOLD = new RegExp(`[${Object.keys(FOLDED).join('')}]`, 'g');
/** Apostrophes, so that "children's" is one word, and signs that would hang on to the word before them. */
const LEFT_OUT = /['’‘ʼ`´™℠]/g;
const MARKS = /\p{M}/gu;
/** Scripts that write no spaces: each character is a word. */
const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const WORDS = /[\p{L}\p{N}]+/gu;

/** The words of a text in their order, without case, accents, apostrophes and punctuation; "don't" is "dont". */
export function wordsOf(text: string): string[] {
  const plain = text
    .replace(LEFT_OUT, '')
    .normalize('NFKD')
    .replace(MARKS, '')
    .toLowerCase()
    .replace(TO_FOLD, (letter) => FOLDED[letter] ?? letter)
    .replace(SPACELESS, ' $& ');
  return plain.match(WORDS) ?? [];
}

/** What every word of a catalogue begins with. */
export function searchScope(store: string, catalog: string): string {
  const hash = createHash('sha256').update(`${store}\0${catalog}`).digest();
  return `q${(hash.readUInt32BE(0) % 36 ** 3).toString(36).padStart(3, '0')}`;
}

/** A word as it stands in the index. Other than ASCII letters become five characters each, so that beginnings stay. */
function indexed(scope: string, word: string): string {
  let text = scope;
  for (const character of word) {
    const plain = /[a-z0-9]/.test(character);
    const next = plain ? character : `_${(character.codePointAt(0) ?? 0).toString(36).padStart(4, '0')}`;
    if (text.length + next.length > INDEXED_WORD_LENGTH_MAX) break;
    text += next;
  }
  return text;
}

/** The words of an item: of its description, its sku, and the values of its attributes; every word between spaces. */
export function itemText(scope: string, { sku, description, attributes }: CatalogItem): string {
  const write = (words: readonly string[]) => words.map((word) => indexed(scope, word)).join(' ');
  const values = Object.keys(attributes)
    .sort()
    .flatMap((name) => wordsOf(attributes[name] ?? ''));
  const distinct = [...new Set(values)].slice(0, ATTRIBUTE_WORDS_MAX);
  return ` ${write(wordsOf(description))}${SKU_MARK}${write(wordsOf(sku))}${ATTRIBUTES_MARK}${write(distinct)} `;
}

/** What a buyer looks for. */
export interface SearchedWords {
  /** As in the index, in the order in which they were typed: all must be there. */
  readonly words: readonly string[];
  /** The last one may be the beginning of a word. */
  readonly openEnd: boolean;
}

/** Null for a query without a letter or digit, which asks for nothing. */
export function searchedWords(scope: string, query: string): SearchedWords | null {
  const words = wordsOf(query).slice(0, QUERY_WORDS_MAX);
  const last = words.at(-1);
  if (last === undefined) return null;
  return { words: words.map((word) => indexed(scope, word)), openEnd: [...last].length >= PREFIX_LENGTH_MIN };
}
