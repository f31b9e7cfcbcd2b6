/** A CatalogUploadRequest: a catalogue sent as an attachment (cXML 1.2.063). */
import { XmlError, type XmlNode, find, need, needAttribute } from './reader';

export interface CatalogUpload {
  /** `new` for a catalogue that is not there yet, `update` for one that is. */
  readonly operation: 'new' | 'update';
  /** The Content-ID of the part that holds the Index. */
  readonly contentId: string;
  /** The sender wants it published at once. */
  readonly autoPublish: boolean;
  /** Elements by which the sender asks for more, which is not done. */
  readonly ignored: readonly string[];
}

const CONTENT_ID_URL = /^cid:(.+)$/i;

export function readCatalogUpload(root: XmlNode): CatalogUpload {
  if (root.name !== 'cXML') throw new XmlError(`the first part is a "${root.name}": a cXML document is needed`);
  const request = need(root, 'Request', 'CatalogUploadRequest');
  const operation = needAttribute(request, 'operation');
  if (operation !== 'new' && operation !== 'update') {
    throw new XmlError('CatalogUploadRequest/@operation: new or update is needed', { value: operation });
  }
  const url = need(request, 'Attachment', 'URL').text.trim();
  const contentId = CONTENT_ID_URL.exec(url)?.[1];
  if (contentId === undefined) {
    throw new XmlError('Attachment/URL: cid: and the Content-ID of a part of the same message is needed', {
      value: url,
    });
  }
  const notified = find(request, 'Notification');
  const wishes = [
    find(request, 'Commodities'),
    ...(notified ? ['Email', 'URLPost'].map((name) => find(notified, name)) : []),
  ];
  return {
    operation,
    contentId,
    autoPublish: isEnabled(find(request, 'AutoPublish')),
    ignored: wishes.flatMap((wish) => (wish && (wish.name !== 'URLPost' || isEnabled(wish)) ? [wish.name] : [])),
  };
}

function isEnabled(node: XmlNode | null): boolean {
  return node?.attributes['enabled'] === 'true';
}
