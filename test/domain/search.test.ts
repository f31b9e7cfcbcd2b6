/** Words as they are indexed and as they are typed. */
import fc from 'fast-check';
import { type CatalogItem } from '../../domain/catalog';
import { itemText, searchScope, searchedWords, wordsOf } from '../../domain/search';

const ITEM: CatalogItem = {
  ...{ sku: 'DCGS0004', description: 'The T-LIGHT, café', price: 1, currency: 'GBP', unitOfMeasure: 'EA' },
  ...{ leadTimeDays: 2, classification: { domain: 'UNSPSC', code: '60000000' }, audience: '' },
  attributes: { colour: 'Sky Blue blue', maker: "Ann's" },
};

test.each([
  ["CHILDREN'S Apron, 2 pcs.", ['childrens', 'apron', '2', 'pcs']],
  ['Café CAFÉ cafe\u0301', ['cafe', 'cafe', 'cafe']],
  ['Straße Œuvre Łódź Ærø ΟΔΟΣ', ['strasse', 'oeuvre', 'lodz', 'aero', 'οδοσ']],
  ['LEGO™ 85123A 1.50 m²', ['lego', '85123a', '1', '50', 'm2']],
  ['東京タワー tower', ['東', '京', 'タ', 'ワ', 'ー', 'tower']],
  [' "*+-~<>()@%_| ', []],
])('the words of %j are %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

test('an item is found by description, sku and the values of its attributes, in this order', () => {
  expect(itemText('q000', ITEM)).toBe(' q000the q000t q000light q000cafe | q000dcgs0004 / q000sky q000blue q000anns ');
});

test('what a word begins with is what it begins with in the index, in any script, and the index is plain ASCII', () => {
  const scope = searchScope('shop', 'main');
  expect(scope).toMatch(/^q[a-z0-9]{3}$/);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), fc.nat(200), (description, cut) => {
      const text = itemText(scope, { ...ITEM, description });
      expect(text).toMatch(/^[ -~]*$/);
      const [word] = wordsOf(description);
      if (word === undefined) return;
      const typed = [...word].slice(0, 1 + (cut % [...word].length)).join('');
      const searched = searchedWords(scope, typed);
      expect(searched?.words.every((begun) => begun.length <= 80 && text.includes(` ${begun}`))).toBe(true);
    }),
  );
});

test('a query counts its first ten words, its last one is open when it is long enough, and without one asks nothing', () => {
  expect(searchedWords('q000', 'a b c d e f g h i j k l')?.words).toHaveLength(10);
  expect(searchedWords('q000', 'white h')).toEqual({ words: ['q000white', 'q000h'], openEnd: false });
  expect(searchedWords('q000', 'white ha')).toEqual({ words: ['q000white', 'q000ha'], openEnd: true });
  expect(searchedWords('q000', ' * ')).toBeNull();
});
