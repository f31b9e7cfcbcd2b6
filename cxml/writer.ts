/** Writing XML 1.0: escaping that is right, and a clear refusal of what XML can't hold. */
import { TellableError } from '../domain/errors';

// XML 1.0, section 2.2: everything but tab, newline, carriage return below U+0020, surrogates alone, U+FFFE, U+FFFF.
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
/** Most texts have none of what is forbidden or special anywhere, which one look tells. */
const NEEDS_LOOK = /[\u0000-\u001f&<>"\ud800-\udfff\ufffe\uffff]/;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser turns these into spaces or newlines unless they are written as references.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** The text can't be written as XML. */
export class XmlCharacterError extends TellableError {
  constructor(text: string, index: number) {
    const point = (text.codePointAt(index) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    super(`XML 1.0 can't hold the character U+${point} at position ${index} of a text: remove it`);
  }
}

function refuseForbidden(text: string): void {
  const index = text.search(FORBIDDEN);
  if (index >= 0) throw new XmlCharacterError(text, index);
}

/** True when XML 1.0 can hold every character of the text. */
export function isXmlText(text: string): boolean {
  return !FORBIDDEN.test(text);
}

/** Character data, escaped. */
export function escapeText(text: string): string {
  if (!NEEDS_LOOK.test(text)) return text;
  refuseForbidden(text);
  return text.replace(/[&<>\r]/g, (character) => ESCAPES[character] as string);
}

/** An attribute's value for double quotes, escaped. */
export function escapeAttribute(text: string): string {
  if (!NEEDS_LOOK.test(text)) return text;
  refuseForbidden(text);
  return text.replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] as string);
}

export type Attributes = Readonly<Record<string, string | number | null | undefined>>;

function attributesText(attributes: Attributes): string {
  let written = '';
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== null && value !== undefined) written += ` ${name}="${escapeAttribute(String(value))}"`;
  }
  return written;
}

/** An element that holds other elements, written already. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const inside = content.join('');
  const start = `<${name}${attributesText(attributes)}`;
  return inside === '' ? `${start}/>` : `${start}>${inside}</${name}>`;
}

/** An element that holds text. */
export function textElement(name: string, text: string | number, attributes: Attributes = {}): string {
  return `<${name}${attributesText(attributes)}>${escapeText(String(text))}</${name}>`;
}

/** The beginning of an element whose content is streamed; it ends with `</name>`. */
export function startTag(name: string, attributes: Attributes): string {
  return `<${name}${attributesText(attributes)}>`;
}

export function declaration(root: string, systemId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE ${root} SYSTEM "${systemId}">\n`;
}
