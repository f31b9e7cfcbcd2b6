/** Copies of the documents that a site sent, in a folder. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger } from 'pino';
import { type SiteContext } from '../activities/context';
import { type DocumentKind } from '../domain/documents';

type Archive = NonNullable<SiteContext['archiveDocument']>;

/**
 * Keeps each document as `KIND--PAYLOADID.xml`, beside the work that sends it. A file of that name is always whole: a
 * process that is killed meanwhile leaves a `.part` behind.
 */
export function documentArchive(folder: string, log: Logger): Archive {
  const made = mkdir(folder, { recursive: true });
  const keep = async (file: string, xml: string | Buffer) => {
    const part = `${file}.${randomUUID()}.part`;
    try {
      await made;
      await writeFile(part, xml);
      await rename(part, file);
    } catch (err) {
      log.warn({ file, err }, 'a document could not be archived');
      await rm(part, { force: true }).catch(() => undefined);
    }
  };
  return (kind: DocumentKind, payloadID: string, xml: string | Buffer) =>
    void keep(join(folder, `${kind}--${encodeURIComponent(payloadID)}.xml`), xml);
}
