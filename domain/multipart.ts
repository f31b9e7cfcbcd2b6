/**
 * Finds the parts of a multipart body (RFC 2046) as it is read piece by piece: not their bytes, which may be many, but
 * where they stand.
 */

export interface MessagePart {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the first byte, and of the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** The body is not what its Content-Type says; the message says what is needed. */
export class MultipartError extends Error {}

/** Most parts of one message. */
const PARTS_MAX = 100;
/** Longest headers of one part, bytes. */
const HEADERS_BYTES_MAX = 8_192;
const LINE_END = '\r\n';

type State = 'body' | 'delimiter' | 'headers' | 'after';

export class MultipartScanner {
  private readonly delimiter: Buffer;
  private state: State = 'body';
  /** What has not been understood yet, and where it begins in the body. A line end before it opens the first part. */
  private pending = Buffer.from(LINE_END);
  private offset = -LINE_END.length;
  private headers: Record<string, string> | null = null;
  private start = 0;
  private readonly parts: MessagePart[] = [];

  constructor(boundary: string) {
    this.delimiter = Buffer.from(`${LINE_END}--${boundary}`);
  }

  take(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.advance());
  }

  /** To be called after the last piece. */
  end(): readonly MessagePart[] {
    if (this.state !== 'after') {
      throw new MultipartError('the message ends too soon: "--", its boundary and "--" must stand on its last line');
    }
    return this.parts;
  }

  /** One step; false when more must be read first. */
  private advance(): boolean {
    if (this.state === 'body') return this.findDelimiter();
    if (this.state === 'delimiter') return this.readDelimiter();
    if (this.state === 'headers') return this.readHeaders();
    this.drop(this.pending.length);
    return false;
  }

  private findDelimiter(): boolean {
    const at = this.pending.indexOf(this.delimiter);
    if (at < 0) {
      this.drop(Math.max(0, this.pending.length - this.delimiter.length + 1));
      return false;
    }
    if (this.headers) this.parts.push({ headers: this.headers, start: this.start, end: this.offset + at });
    if (this.parts.length >= PARTS_MAX) throw new MultipartError(`the message has more than ${PARTS_MAX} parts`);
    this.drop(at + this.delimiter.length);
    this.state = 'delimiter';
    return true;
  }

  /** `--` ends the message; else a line end begins a part. */
  private readDelimiter(): boolean {
    if (this.pending.length < LINE_END.length) return false;
    if (this.pending.toString('latin1', 0, 2) === '--') {
      this.state = 'after';
      return true;
    }
    const lineEnd = this.pending.indexOf(LINE_END);
    if (lineEnd < 0) return this.more();
    this.drop(lineEnd);
    this.state = 'headers';
    return true;
  }

  private readHeaders(): boolean {
    const blank = this.pending.indexOf(LINE_END + LINE_END);
    if (blank < 0) return this.more();
    this.headers = headersIn(this.pending.toString('utf8', 0, blank));
    this.drop(blank + 2 * LINE_END.length);
    this.start = this.offset;
    this.state = 'body';
    return true;
  }

  private more(): false {
    if (this.pending.length > HEADERS_BYTES_MAX) {
      throw new MultipartError(
        `the headers of part ${this.parts.length + 1} have more than ${HEADERS_BYTES_MAX} bytes`,
      );
    }
    return false;
  }

  private drop(bytes: number): void {
    this.pending = this.pending.subarray(bytes);
    this.offset += bytes;
  }
}

function headersIn(text: string): Record<string, string> {
  const lines = text
    .replace(/\r\n[ \t]+/g, ' ')
    .split(LINE_END)
    .filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, Math.max(0, colon)).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** `boundary` of a Content-Type; null where it has none. */
export function boundaryOf(contentType: string): string | null {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2] ?? null;
}
