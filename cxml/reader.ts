/**
 * Reading XML from others: no internal subset, nothing loaded from outside, bad UTF-8 is fatal, and every dimension has
 * a limit (design, section 6).
 */
import { isAscii } from 'node:buffer';
import { SaxesParser } from 'saxes';
import { TellableError } from '../domain/errors';

/** Largest document that is read as a tree, bytes. */
export const DOCUMENT_BYTES_MAX = 1_048_576;
/** Deepest nesting of elements. */
export const DEPTH_MAX = 64;
/** Most elements of a document read as a tree: the largest order's lines, each with its parts. */
export const NODES_MAX = 60_000;
/** The last byte that is a character by itself. */
const ASCII_MAX = 0x7f;
/** Characters of a wrong value that an error shows. */
const SHOWN_LENGTH_MAX = 100;

/** The document can't be read; the message says where and why, and `value` is what stands there. */
export class XmlError extends TellableError {
  readonly value: string | undefined;

  constructor(message: string, { value, ...options }: ErrorOptions & { readonly value?: string } = {}) {
    super(message, options);
    this.value = value;
  }

  /** For those who may see the document. */
  get withValue(): string {
    return this.value === undefined
      ? this.message
      : `${this.message}; it is "${this.value.slice(0, SHOWN_LENGTH_MAX)}"`;
  }
}

/** The document ends before its root does: not all of it has come. */
export class XmlEndError extends XmlError {}

export interface XmlLimits {
  readonly bytes?: number;
  readonly depth?: number;
  readonly nodes?: number;
}

export interface XmlNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlNode[];
  /** All character data directly inside. */
  readonly text: string;
}

interface OpenNode {
  name: string;
  attributes: Record<string, string>;
  children: XmlNode[];
  text: string;
}

export interface XmlHandlers {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text(text: string): void;
  close(name: string): void;
}

/** A parser that takes chunks of decoded text and calls back; throws XmlError. */
export class XmlStream {
  private readonly parser = new SaxesParser({ position: true });
  private depth = 0;
  private ending = false;
  /** Characters written to the parser so far, and how many of them it had when its last tag ended. */
  private written = 0;
  private tagEnd = 0;
  private readonly passed = { lines: 0, onLine: 0, columns: 0 };
  /** The root's name, once it was seen. */
  root: string | undefined;

  constructor(handlers: XmlHandlers, depthMax = DEPTH_MAX) {
    this.parser.on('error', (error) => {
      const wrong = `the document is not well-formed XML at line ${this.line}, column ${this.column}`;
      if (this.ending) throw new XmlEndError(`${wrong}, where it ends`, { value: error.message });
      throw new XmlError(wrong, { value: error.message });
    });
    this.parser.on('doctype', (doctype) => {
      if (doctype.includes('[')) throw new XmlError('the document has an internal subset: remove it from its DOCTYPE');
    });
    this.parser.on('opentag', ({ name, attributes }) => {
      this.tagEnd = this.parser.position;
      this.root ??= name;
      if (++this.depth > depthMax) throw new XmlError(`element "${name}" is nested deeper than ${depthMax}`);
      handlers.open(name, attributes as Record<string, string>);
    });
    this.parser.on('text', (text) => handlers.text(text));
    this.parser.on('cdata', (text) => handlers.text(text));
    this.parser.on('closetag', ({ name }) => {
      this.tagEnd = this.parser.position;
      this.depth--;
      handlers.close(name);
    });
  }

  /** Where the parser is, counted from 1. */
  get line(): number {
    return this.parser.line + this.passed.lines;
  }

  private get column(): number {
    const { line, columnIndex } = this.parser;
    return line === this.passed.onLine ? columnIndex + this.passed.columns : columnIndex;
  }

  /** The last character written ended a tag, so that nothing is half read. */
  get isBetweenTags(): boolean {
    return this.tagEnd === this.written;
  }

  write(chunk: string): void {
    this.parser.write(chunk);
    this.written += chunk.length;
  }

  /** Whole elements that somebody else has read, `isBetweenTags` before: counted, so that errors name the right place. */
  pass(elements: string): void {
    const { passed, parser } = this;
    if (passed.onLine !== parser.line) Object.assign(passed, { onLine: parser.line, columns: 0 });
    let lineStart = 0;
    for (let end = elements.indexOf('\n'); end >= 0; end = elements.indexOf('\n', lineStart)) {
      passed.lines++;
      lineStart = end + 1;
    }
    // At rest, the parser's own columns are those of its last chunk counted twice; its line began where it says.
    const column = this.written - (parser.position - parser.columnIndex);
    passed.columns = lineStart === 0 ? passed.columns + elements.length : elements.length - lineStart - column;
  }

  end(): void {
    this.ending = true;
    this.parser.close();
  }
}

/** Decodes UTF-8 chunk by chunk; bad bytes are fatal. */
export class Utf8Stream {
  private decoder = new TextDecoder('utf-8', { fatal: true });
  private begun = false;
  /** Whether the last chunk may have ended within a character. */
  private isWithin = false;

  decode(chunk?: Uint8Array): string {
    const last = chunk?.at(-1);
    if (chunk && last !== undefined) {
      if (!this.isWithin && isAscii(chunk)) return this.decodeAscii(chunk);
      this.begun = true;
      this.isWithin = last > ASCII_MAX;
    }
    try {
      return chunk ? this.decoder.decode(chunk, { stream: true }) : this.decoder.decode();
    } catch (error) {
      throw new XmlError('the document is not UTF-8: send it as UTF-8', { cause: error });
    }
  }

  /** Most of what comes, in a quarter of the time. */
  private decodeAscii(chunk: Uint8Array): string {
    if (!this.begun) {
      // What the decoder sees first is the beginning no more, where alone a byte order mark stands.
      this.decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      this.begun = true;
    }
    return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
  }
}

/** Reads a whole document as a tree. */
export function parseXml(document: Buffer | string, limits: XmlLimits = {}): XmlNode {
  const bytesMax = limits.bytes ?? DOCUMENT_BYTES_MAX;
  const nodesMax = limits.nodes ?? NODES_MAX;
  const bytes = typeof document === 'string' ? Buffer.byteLength(document) : document.length;
  if (bytes > bytesMax) throw new XmlError(`the document has ${bytes} bytes: at most ${bytesMax} are taken`);
  const text = typeof document === 'string' ? document : decodeWhole(document);
  let root: XmlNode | undefined;
  let nodes = 0;
  const open: OpenNode[] = [];
  const stream = new XmlStream(
    {
      open(name, attributes) {
        if (++nodes > nodesMax) throw new XmlError(`the document has more than ${nodesMax} elements`);
        open.push({ name, attributes, children: [], text: '' });
      },
      text(piece) {
        const current = open.at(-1);
        if (current) current.text += piece;
      },
      close() {
        const node = open.pop() as OpenNode;
        const parent = open.at(-1);
        if (parent) parent.children.push(node);
        else root = node;
      },
    },
    limits.depth,
  );
  stream.write(text);
  stream.end();
  if (!root) throw new XmlError('the document has no element');
  return root;
}

function decodeWhole(document: Buffer): string {
  const decoder = new Utf8Stream();
  return decoder.decode(document) + decoder.decode();
}

/** The first child of that name; null when there is none. */
export function find(node: XmlNode, name: string): XmlNode | null {
  return node.children.find((child) => child.name === name) ?? null;
}

export function findAll(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** Follows a path of names; the error names the whole path and where it broke. */
export function need(node: XmlNode, ...path: readonly string[]): XmlNode {
  let at = node;
  for (const name of path) {
    const next = find(at, name);
    if (!next) throw new XmlError(`${[node.name, ...path].join('/')} is missing: "${at.name}" has no "${name}"`);
    at = next;
  }
  return at;
}

export function needAttribute(node: XmlNode, name: string): string {
  const value = node.attributes[name];
  if (value === undefined) throw new XmlError(`${node.name} has no attribute "${name}"`);
  return value;
}

export function needInteger(text: string, what: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text.trim()) || !Number.isSafeInteger(value)) {
    throw new XmlError(`${what}: a whole number is needed`, { value: text });
  }
  return value;
}
