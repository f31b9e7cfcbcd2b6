/** The search for secrets finds what is planted, in every form that it claims; else its "none found" would mean nothing. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { seededRandom } from '../support/random';
import { Searcher } from './searcher';

const NAME = 'Zoë "Q" O\'Brien & Söhne <3>';
const KEY = Buffer.from('c0ffee00deadbeef0123456789abcdef00112233445566778899aabbccddeeff', 'hex');
const searcher = new Searcher(
  new Map<string, string | Buffer>([
    ['name', NAME],
    ['key', KEY],
  ]),
);
const random = seededRandom(7);
const noise = (bytes: number) => Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
const within = (bytes: Buffer) => Buffer.concat([noise(1001), bytes, noise(777)]);
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const order = (name: string) => `<ShipTo><Name>${name}</Name></ShipTo><BillTo><Name>${name}</Name></BillTo>`;

describe('the searcher', () => {
  const forms: [string, Buffer][] = [
    ['plain', Buffer.from(NAME)],
    ['UTF-16LE', Buffer.from(NAME, 'utf16le')],
    ['UTF-16BE', Buffer.from(NAME, 'utf16le').swap16()],
    ['Latin-1', Buffer.from(NAME, 'latin1')],
    ['hex', Buffer.from(Buffer.from(NAME).toString('hex'))],
    ['HEX', Buffer.from(Buffer.from(NAME).toString('hex').toUpperCase())],
    ['base64 +0', Buffer.from(base64(NAME))],
    ['base64 +1', Buffer.from(base64(`x${NAME} and more`))],
    ['base64 +2', Buffer.from(base64(`xy${NAME} and more`))],
    ['JSON', Buffer.from(JSON.stringify({ name: NAME }))],
    ['JSON in JSON', Buffer.from(JSON.stringify({ text: JSON.stringify({ name: NAME }) }))],
    ['JSON with \\u', Buffer.from(JSON.stringify(NAME).replace('ë', '\\u00eb').replace('ö', '\\u00f6'))],
    ['URL', Buffer.from(`https://shop.example/?name=${encodeURIComponent(NAME)}&x=1`)],
    ['form', Buffer.from(`name=${encodeURIComponent(NAME).replaceAll('%20', '+')}&x=1`)],
    ['XML', Buffer.from(`<Name>Zoë "Q" O'Brien &amp; Söhne &lt;3&gt;</Name>`)],
    ['XML attribute', Buffer.from(`<Name is="Zoë &quot;Q&quot; O'Brien &amp; Söhne &lt;3&gt;"/>`)],
    ['gzip > plain', gzipSync(order(NAME))],
    ['zlib > plain', deflateSync(order(NAME))],
    ['base64 > gzip > plain', Buffer.from(JSON.stringify({ data: base64(gzipSync(order(NAME))) }))],
    ['base64 > brotli > plain', Buffer.from(JSON.stringify({ data: base64(brotliCompressSync(order(NAME))) }))],
    ['base64 > deflate > plain', Buffer.from(JSON.stringify({ data: base64(deflateRawSync(order(NAME))) }))],
    ['hex > gzip > plain', Buffer.from(gzipSync(order(NAME)).toString('hex'))],
    ['base64 > gzip > plain', Buffer.from(`A${base64(gzipSync(order(NAME)))}`)],
    [
      'base64 > base64 > brotli > plain',
      Buffer.from(base64(JSON.stringify({ data: base64(brotliCompressSync(NAME)) }))),
    ],
  ];

  test.each(forms)('finds a text as %s', (form, bytes) => {
    expect(searcher.search(within(bytes))).toContainEqual({ canary: 'name', form });
  });

  test.each<[string, Buffer]>([
    ['plain', KEY],
    ['hex', Buffer.from(KEY.toString('hex'))],
    ['base64 +0', Buffer.from(KEY.toString('base64'))],
    ['base64url +0', Buffer.from(KEY.toString('base64url'))],
    ['base64 > plain', Buffer.from(base64(within(KEY)))],
  ])('finds a key as %s', (form, bytes) => {
    expect(searcher.search(within(bytes))).toContainEqual({ canary: 'key', form });
  });

  test('finds a whole that is compressed without a mark', () => {
    expect(searcher.search(brotliCompressSync(order(NAME)))).toContainEqual({ canary: 'name', form: 'brotli > plain' });
    expect(searcher.search(deflateRawSync(order(NAME)))).toContainEqual({ canary: 'name', form: 'deflate > plain' });
  });

  test('finds nothing where nothing is', () => {
    const other = NAME.replace('Zoë', 'Zoe');
    for (const text of [other, base64(other), gzipSync(order(other)), noise(100_000)]) {
      expect(searcher.search(within(Buffer.from(text)))).toEqual([]);
    }
  });
});
