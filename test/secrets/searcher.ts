/**
 * Finds texts that were planted, in whatever form they got out: plain, in other character sets and notations, and inside
 * whatever is encoded or compressed. Its own test plants each form and finds it again.
 */
import { createHash } from 'node:crypto';
import { brotliDecompressSync, inflateRawSync, inflateSync } from 'node:zlib';

export interface Finding {
  readonly canary: string;
  /** As what it stood there, from the outside in. */
  readonly form: string;
}

interface Needle extends Finding {
  readonly bytes: Buffer;
}

/** Layers of encoding and compression that are looked into. */
const DEPTH_MAX = 4;
/** What one compressed stream may unfold to, bytes. */
const UNFOLDED_BYTES_MAX = 64 * 1024 * 1024;
/** Fewer bytes than these hold no compressed canary. */
const STREAM_BYTES_MIN = 21;
const BASE64_RUN = new RegExp(`[A-Za-z0-9+/_-]{${Math.ceil((STREAM_BYTES_MIN * 4) / 3)},}`, 'g');
const HEX_RUN = new RegExp(`(?:[0-9a-fA-F]{2}){${STREAM_BYTES_MIN},}`, 'g');
/** Of the letters of base64, but no text would come out so; nearly all runs are of these. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);
const ZLIB_MAGICS = [0x01, 0x5e, 0x9c, 0xda].map((level) => Buffer.from([0x78, level]));

export class Searcher {
  private readonly needles: Needles;
  /** What was found in what was unfolded before: the same text stands in many places. */
  private readonly known = new Map<string, readonly Finding[]>();

  /** Canaries by name: texts, or bytes such as a key. */
  constructor(canaries: ReadonlyMap<string, string | Buffer>) {
    this.needles = new Needles([...canaries].flatMap(([name, value]) => needlesOf(name, value)));
  }

  /** What is found in a file, an output, a payload; each canary and form once. */
  search(content: Buffer | string): readonly Finding[] {
    return this.look(typeof content === 'string' ? Buffer.from(content) : content, DEPTH_MAX);
  }

  private look(bytes: Buffer, depth: number): readonly Finding[] {
    const key = `${depth} ${createHash('sha1').update(bytes).digest('base64')}`;
    const before = this.known.get(key);
    if (before) return before;
    const found = new Map<string, Finding>();
    const note = (finding: Finding) => found.set(`${finding.canary} ${finding.form}`, finding);
    for (const { canary, form } of this.needles.in(bytes)) note({ canary, form });
    if (depth > 0) {
      for (const { form, inner } of unfold(bytes)) {
        for (const finding of this.look(inner, depth - 1)) {
          note({ canary: finding.canary, form: `${form} > ${finding.form}` });
        }
      }
    }
    const findings = [...found.values()];
    this.known.set(key, findings);
    return findings;
  }
}

/** Thousands of needles, looked for in one pass: by their first three bytes, then by the rest. */
class Needles {
  private readonly begins = new Uint8Array(2 ** 24);
  private readonly byBeginning = new Map<number, Needle[]>();

  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      const beginning = needle.bytes.readUIntBE(0, 3);
      this.begins[beginning] = 1;
      this.byBeginning.set(beginning, [...(this.byBeginning.get(beginning) ?? []), needle]);
    }
  }

  in(bytes: Buffer): ReadonlySet<Needle> {
    const found = new Set<Needle>();
    let beginning = 0;
    for (let at = 0; at < bytes.length; at++) {
      beginning = ((beginning << 8) | (bytes[at] as number)) & 0xffffff;
      if (this.begins[beginning] === 0 || at < 2) continue;
      for (const needle of this.byBeginning.get(beginning) ?? []) {
        if (needle.bytes.equals(bytes.subarray(at - 2, at - 2 + needle.bytes.length))) found.add(needle);
      }
    }
    return found;
  }
}

function needlesOf(canary: string, value: string | Buffer): Needle[] {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value);
  const forms = new Map<string, Buffer>([['plain', bytes]]);
  // Base64 inside a longer text begins at any of three bits, and its ends depend on the neighbours.
  for (const [name, encoding] of [
    ['base64', 'base64'],
    ['base64url', 'base64url'],
  ] as const) {
    for (const shift of [0, 1, 2]) forms.set(`${name} +${shift}`, Buffer.from(shiftedBase64(bytes, shift, encoding)));
  }
  const hex = bytes.toString('hex');
  forms.set('hex', Buffer.from(hex));
  forms.set('HEX', Buffer.from(hex.toUpperCase()));
  if (typeof value === 'string') for (const [name, text] of writtenForms(value)) forms.set(name, text);
  const seen = new Set<string>();
  return [...forms].flatMap(([form, needle]) => {
    const key = needle.toString('hex');
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ canary, form, bytes: needle }];
  });
}

function writtenForms(text: string): [string, Buffer][] {
  const json = JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(text);
  const xml = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const lowerHex = url.replace(/%../g, (code) => code.toLowerCase());
  const utf16 = Buffer.from(text, 'utf16le');
  return [
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['Latin-1', Buffer.from(text, 'latin1')],
    ['JSON', Buffer.from(json)],
    ['JSON in JSON', Buffer.from(JSON.stringify(json).slice(1, -1))],
    ['JSON with \\u', Buffer.from(asciiJson(json))],
    ['URL', Buffer.from(url)],
    ['url', Buffer.from(lowerHex)],
    ['form', Buffer.from(url.replaceAll('%20', '+'))],
    ['XML', Buffer.from(xml)],
    ['XML attribute', Buffer.from(xml.replaceAll('"', '&quot;'))],
  ];
}

function asciiJson(json: string): string {
  return json.replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The characters of a base64 text that do not depend on what stands before and after. */
function shiftedBase64(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const own = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(Math.ceil((shift * 8) / 6), own);
}

interface Layer {
  readonly form: string;
  readonly inner: Buffer;
}

function* unfold(bytes: Buffer): Generator<Layer> {
  const text = bytes.toString('latin1');
  yield* decoded(text, BASE64_RUN, 'base64', 4);
  yield* decoded(text, HEX_RUN, 'hex', 2);
  for (const start of offsetsOf(bytes, GZIP_MAGIC))
    yield* unpacked('gzip', () => inflateRawSync(bytes.subarray(afterGzipHeader(bytes, start)), LIMIT));
  for (const magic of ZLIB_MAGICS) {
    for (const start of offsetsOf(bytes, magic))
      yield* unpacked('zlib', () => inflateSync(bytes.subarray(start), LIMIT));
  }
  // These two have no mark of their own, so they are tried on a whole only.
  if (bytes.length < STREAM_BYTES_MIN) return;
  yield* unpacked('brotli', () => brotliDecompressSync(bytes, { maxOutputLength: UNFOLDED_BYTES_MAX }));
  yield* unpacked('deflate', () => inflateRawSync(bytes, LIMIT));
}

/** What stands before a run may look like a part of it, so it is read from each of its first characters on. */
function* decoded(text: string, runs: RegExp, form: 'base64' | 'hex', alignments: number): Generator<Layer> {
  for (const [run] of text.matchAll(runs)) {
    if (UUID.test(run)) continue;
    for (let skip = 0; skip < alignments; skip++) yield { form, inner: Buffer.from(run.slice(skip), form) };
  }
}

const LIMIT = { maxOutputLength: UNFOLDED_BYTES_MAX };

function* offsetsOf(bytes: Buffer, magic: Buffer): Generator<number> {
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) yield at;
}

/** RFC 1952: ten bytes, then what the flags name. (Node's own gunzip refuses bytes after the stream.) */
function afterGzipHeader(bytes: Buffer, start: number): number {
  const flags = bytes[start + 3] ?? 0;
  let at = start + 10;
  if (flags & 4) at += 2 + bytes.readUInt16LE(at);
  for (const named of [8, 16]) if (flags & named) at = bytes.indexOf(0, at) + 1;
  return flags & 2 ? at + 2 : at;
}

/** Nothing, where the bytes only look like a stream. */
function* unpacked(form: string, unpack: () => Buffer): Generator<Layer> {
  let inner: Buffer;
  try {
    inner = unpack();
  } catch {
    return;
  }
  if (inner.length > 0) yield { form, inner };
}
