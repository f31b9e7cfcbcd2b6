/** The Index of a CatalogUploadRequest: another part of the same multipart/related message. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { type CatalogUpload, readCatalogUpload } from '../../cxml/catalog-upload';
import { DOCUMENT_BYTES_MAX, XmlError, parseXml } from '../../cxml/reader';
import { ImportFileError } from '../../domain/catalog-import';
import { type MessagePart, MultipartError, MultipartScanner } from '../../domain/multipart';

export interface UploadedIndex extends CatalogUpload {
  readonly open: () => Readable;
}

/** Throws ImportFileError where the message is not what it should be. */
export async function openUpload(file: string, boundary: string): Promise<UploadedIndex> {
  try {
    const parts = await partsOf(file, boundary);
    const [root] = parts;
    if (!root) throw new MultipartError('the message has no part: the first must be the CatalogUploadRequest');
    const upload = readCatalogUpload(parseXml(await rootBytes(file, root)));
    const part = parts.find(({ headers }) => headers['content-id'] === `<${upload.contentId}>`);
    if (!part) throw new MultipartError(`no part has the Content-ID <${upload.contentId}> that Attachment/URL names`);
    const decode = decoderOf(part);
    return { ...upload, open: () => decode(bytesOf(file, part)) };
  } catch (error) {
    if (error instanceof XmlError)
      throw new ImportFileError(`the CatalogUploadRequest: ${error.withValue}`, { cause: error });
    if (error instanceof MultipartError) throw new ImportFileError(`the message: ${error.message}`, { cause: error });
    throw error;
  }
}

async function partsOf(file: string, boundary: string): Promise<readonly MessagePart[]> {
  const scanner = new MultipartScanner(boundary);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) scanner.take(chunk);
  return scanner.end();
}

function bytesOf(file: string, { start, end }: MessagePart): Readable {
  // A read stream's `end` is the last byte that it reads.
  return end > start ? createReadStream(file, { start, end: end - 1 }) : Readable.from([]);
}

async function rootBytes(file: string, root: MessagePart): Promise<Buffer> {
  const length = root.end - root.start;
  if (length > DOCUMENT_BYTES_MAX) {
    throw new MultipartError(
      `the first part has ${length} bytes: at most ${DOCUMENT_BYTES_MAX}; the Index goes in another`,
    );
  }
  const chunks: Buffer[] = [];
  for await (const chunk of decoderOf(root)(bytesOf(file, root)) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const AS_IT_IS = new Set(['7bit', '8bit', 'binary']);

function decoderOf({ headers }: MessagePart): (bytes: Readable) => Readable {
  const encoding = headers['content-transfer-encoding']?.toLowerCase() ?? 'binary';
  if (AS_IT_IS.has(encoding)) return (bytes) => bytes;
  if (encoding === 'base64') return (bytes) => Readable.from(decodeBase64(bytes));
  throw new MultipartError(
    `a part has the Content-Transfer-Encoding ${encoding}: binary, 8bit, 7bit or base64 is needed`,
  );
}

async function* decodeBase64(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = '';
  for await (const chunk of bytes) {
    const text = rest + chunk.toString('latin1').replace(/\s+/g, '');
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    yield Buffer.from(text.slice(0, whole), 'base64');
  }
  if (rest !== '') throw new MultipartError('a part in base64 breaks off');
}
