/** Validity of an order's document, by cXML's DTD and by our stricter check. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Libxml2 from 'libxml2-wasm';
import { checkOrderRequest } from '../../cxml/order-check';
import { parseXml } from '../../cxml/reader';
import { PACKAGE_ROOT } from '../../workers/package-root';

const DTD_FILE = join(PACKAGE_ROOT, 'cxml', 'dtd', '1.2.063', 'cXML.dtd');

interface Library {
  readonly libxml2: typeof Libxml2;
  readonly validator: Libxml2.DtdValidator;
}

let library: Promise<Library> | undefined;

/** What is wrong with the document, in sentences; none for a valid one. */
export async function validateOrderDocument(document: string): Promise<string[]> {
  const byDtd = await validateByDtd(document);
  if (byDtd.length > 0) return byDtd;
  return checkOrderRequest(parseXml(document)).map(({ path, value, problem }) => `${path} is "${value}": ${problem}`);
}

async function validateByDtd(document: string): Promise<string[]> {
  const { validator, libxml2 } = await (library ??= loadLibrary());
  try {
    const parsed = libxml2.XmlDocument.fromString(document, { option: libxml2.ParseOption.XML_PARSE_NONET });
    try {
      validator.validate(parsed);
    } finally {
      parsed.dispose();
    }
    return [];
  } catch (error) {
    if (!(error instanceof libxml2.XmlLibError)) throw error;
    return error.details.map(({ line, message }) => `line ${line}: ${message.trim()}`);
  }
}

/** An ES module with a top-level await, and a WebAssembly module behind it: loaded when it is first wanted. */
async function loadLibrary(): Promise<Library> {
  const libxml2 = await import('libxml2-wasm');
  const dtd = libxml2.XmlDtd.fromString(await readFile(DTD_FILE, 'utf8'));
  return { validator: new libxml2.DtdValidator(dtd), libxml2 };
}
