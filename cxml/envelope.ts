/** The cXML envelope between sites of one store (cXML 1.2.063: cXML, Header, Credential). */
import { type Envelope } from '../domain/documents';
import { parsedTime } from './times';
import { type XmlNode, XmlError, find, findAll, need, needAttribute } from './reader';
import { type Attributes, declaration, element, startTag, textElement } from './writer';

export const CXML_VERSION = '1.2.063';
export const CXML_SYSTEM_ID = `http://xml.cxml.org/schemas/cXML/${CXML_VERSION}/cXML.dtd`;
export const USER_AGENT = 'Entrepot';

/** Credential domains of sites: the store's own name and the site within it. */
const STORE_DOMAIN = 'EntrepotStore';
const SITE_DOMAIN = 'EntrepotSite';

/** ISO 8601 with an offset, as cXML's datetime.tz demands. */
export function dateTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '+00:00');
}

function credential(domain: string, identity: string): string {
  return element('Credential', { domain }, textElement('Identity', identity));
}

export function header({ store, sender, receiver }: Envelope): string {
  const from = credential(STORE_DOMAIN, store) + credential(SITE_DOMAIN, sender);
  const to = credential(STORE_DOMAIN, store) + credential(SITE_DOMAIN, receiver);
  return element(
    'Header',
    {},
    element('From', {}, from),
    element('To', {}, to),
    element('Sender', {}, credential(SITE_DOMAIN, sender), textElement('UserAgent', USER_AGENT)),
  );
}

/** `<?xml …?><!DOCTYPE …><cXML …>`: to be followed by a Header or a Response, and `</cXML>`. */
export function startDocument({ payloadID, timestamp }: Envelope, extra: Attributes = {}): string {
  const attributes = { payloadID, timestamp: dateTime(timestamp), version: CXML_VERSION, ...extra };
  return declaration('cXML', CXML_SYSTEM_ID) + startTag('cXML', attributes);
}

export const END_DOCUMENT = '</cXML>';

/** Reads the envelope of a document between sites. */
export function readEnvelope(root: XmlNode): Envelope {
  if (root.name !== 'cXML') throw new XmlError(`the document is a "${root.name}": a cXML document is needed`);
  const payloadID = needAttribute(root, 'payloadID');
  const timestamp = parsedTime(needAttribute(root, 'timestamp'), 'cXML/@timestamp');
  const from = need(root, 'Header', 'From');
  const to = need(root, 'Header', 'To');
  return {
    payloadID,
    timestamp,
    domain: payloadID.slice(payloadID.lastIndexOf('@') + 1),
    store: identity(from, STORE_DOMAIN),
    sender: identity(from, SITE_DOMAIN),
    receiver: identity(to, SITE_DOMAIN),
  };
}

function identity(party: XmlNode, domain: string): string {
  const found = findAll(party, 'Credential').find((candidate) => candidate.attributes['domain'] === domain);
  const text = found && find(found, 'Identity')?.text.trim();
  if (text === undefined || text === '') throw new XmlError(`${party.name} has no Credential of domain "${domain}"`);
  return text;
}
