/** Decoding piece by piece gives what decoding the whole gives, however it is cut. */
import { Utf8Stream, XmlError } from '../../cxml/reader';
import { seededRandom } from '../support/random';

const PARTS = ['', 'a', 'plain text of some length', 'é', '€', '𝄞', '\uFEFF', '\u007f', '\u0080', '\n'];

function pieces(random: () => number, bytes: Buffer): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + Math.floor(random() * 4);
    cut.push(bytes.subarray(at, end));
    at = end;
  }
  return cut;
}

function decoded(cut: readonly Buffer[]): string {
  const stream = new Utf8Stream();
  return cut.map((piece) => stream.decode(piece)).join('') + stream.decode();
}

test('texts of all lengths of characters, cut anywhere', () => {
  const random = seededRandom(20101201);
  for (let tried = 0; tried < 2_000; tried++) {
    const text = Array.from({ length: 6 }, () => PARTS[Math.floor(random() * PARTS.length)]).join('');
    const bytes = Buffer.from(text);
    expect(decoded(pieces(random, bytes))).toBe(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  }
});

test.each([
  ['a character that is cut off at the end', [0x61, 0xe2, 0x82]],
  ['plain text within a character', [0xe2, 0x82, 0x61]],
  ['what begins no character', [0x61, 0xff, 0x61]],
])('%s is refused, however it is cut', (_name, bytes) => {
  const random = seededRandom(1);
  for (let tried = 0; tried < 50; tried++) {
    expect(() => decoded(pieces(random, Buffer.from(bytes)))).toThrow(XmlError);
  }
});
