/** What each stage of a push takes alone, by the product's own code: read, XML, compress, transfer, parse, write. */
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { compressor } from '../../activities/catalog/documents';
import { decompressed } from '../../activities/catalog/fetch';
import { writeContent } from '../../activities/catalog/content';
import { type StoreSettings } from '../../activities/context';
import { readContentResponse } from '../../cxml/catalog-reader';
import { findRevision, readHead } from '../../db/catalog/heads';
import { BatchQueue } from '../../db/catalog/batch-queue';
import { Staging } from '../../db/catalog/staging';
import { itemsSeen } from '../../db/catalog/views';
import { type Database } from '../../db/database';
import { NO_REVISION } from '../../domain/catalog';
import { ContentDigest, hashed } from '../../domain/catalog-digest';
import { REAL_RUNTIME } from '../../workers/site';
import { batches, items } from './items';

const BATCH_ITEMS = 500;

/** Seconds by stage; `parent` has the catalogue, `site` gets another of the same items. */
export async function stages(
  parent: Database,
  site: Database,
  settings: StoreSettings,
  catalog: string,
  count: number,
): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-stages-'));
  const { store, domain } = settings;
  const head = await readHead(parent, store, catalog);
  const key = { catalog, partition: '', base: NO_REVISION, target: head.revision };
  const view = { store, ...key };
  const record = await findRevision(parent, store, catalog, head.revision);
  if (!record) throw new Error(`catalogue "${catalog}" has nothing published`);
  const envelope = {
    payloadID: `1.bench@${domain}`,
    timestamp: 1,
    store,
    domain,
    sender: 'hq',
    receiver: 'every-site',
  };
  const xml = () => Readable.from(writeContent(parent, settings, key, envelope, head, record, new ContentDigest(key)));
  const [plain, compressed] = [join(folder, 'document.xml'), join(folder, 'document.xml.br')];
  const seconds: Record<string, number> = {};
  const timed = async (stage: string, work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await work();
    seconds[stage] = (performance.now() - startedAt) / 1000;
  };
  try {
    await timed('read', async () => {
      for (let after: string | null = ''; after !== null;) {
        const batch: Awaited<ReturnType<typeof itemsSeen>> = await itemsSeen(parent, view, record, after, BATCH_ITEMS);
        after = batch.last;
      }
    });
    await timed('read and XML', () => pipeline(xml(), createWriteStream(plain)));
    await timed('compress', () => pipeline(createReadStream(plain), compressor(), createWriteStream(compressed)));
    await timed('transfer', () => transfer(compressed));
    const nothing = { head: () => undefined, batch: () => undefined };
    await timed('parse', () => readContentResponse(decompressed(createReadStream(compressed)), nothing));
    await timed('write', async () => {
      const document = { store, catalog: `${catalog}-alone`, base: NO_REVISION, target: head.revision, partition: '' };
      const { staging } = await Staging.begin(site, document, REAL_RUNTIME.ids.uuid(), 1);
      const read = new BatchQueue();
      const written = staging?.takeAll(read, true);
      for (const batch of batches(items(count), BATCH_ITEMS))
        await read.put({ items: batch.map(hashed), withdrawn: [] });
      read.end();
      await written;
      await staging?.replaceRest();
      await staging?.flip({ now: 1, request: 'bench', audience: '' });
    });
    seconds['XML'] = (seconds['read and XML'] ?? 0) - (seconds['read'] ?? 0);
    delete seconds['read and XML'];
    return { ...seconds, 'document, MiB': statSync(plain).size / 2 ** 20 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function transfer(file: string): Promise<void> {
  const server = createServer((_request, response) => void createReadStream(file).pipe(response)).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}/`);
  if (!body) throw new Error('nothing was answered');
  await pipeline(body, new Writable({ write: (_chunk, _encoding, done) => done() }));
  server.close();
}
