/** What may happen to a catalogue document on its way from the parent. */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import { applyCatalog } from '../../activities/catalog/apply';
import { fetchDocument } from '../../activities/catalog/fetch';
import { type CatalogDocumentReference } from '../../activities/contract';
import { END_CONTENT_RESPONSE, startContentResponse, writeIndexItem } from '../../cxml/catalog';
import { readHead } from '../../db/catalog/heads';
import { ITEM_DEFAULTS, NO_REVISION, formatRevision } from '../../domain/catalog';
import { ContentDigest, EMPTY_DIGEST, addToDigest, hashItem } from '../../domain/catalog-digest';
import { type LoneSite, STORE, loneSite } from '../support/lone-site';

const CATALOG = 'main';
const TARGET = formatRevision(1, 1);
const COLLECTIONS = 5;

const item = {
  ...{
    sku: 'A',
    description: 'A lamp',
    price: 10_000,
    currency: 'GBP',
    ...ITEM_DEFAULTS,
    attributes: {},
    audience: '',
  },
};
const where = { catalog: CATALOG, partition: '', base: NO_REVISION, target: TARGET };
const digest = addToDigest(EMPTY_DIGEST, [hashItem(item)]);
const envelope = {
  ...{ payloadID: '1.main@shop.example', timestamp: 1, store: STORE, domain: 'shop.example' },
  ...{ sender: 'hq', receiver: 'every-site' },
};
const head = { ...where, loadmode: 'Full' as const, itemCount: 1, digest, audience: '' };
const xml = startContentResponse(head, envelope, 'en') + writeIndexItem(item, 'en') + END_CONTENT_RESPONSE;

describe('a document on its way', () => {
  let site: LoneSite;
  let parent: Server;
  let reference: CatalogDocumentReference;
  /** What the parent answers, one after the other; the last for ever. */
  let answers: string[];
  beforeAll(async () => {
    parent = createServer((request, response) => {
      request.resume().on('end', () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        response.setHeader('Content-Encoding', 'br').end(brotliCompressSync(answer ?? ''));
      });
    }).listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const content = new ContentDigest(where);
    content.add([hashItem(item)]);
    const { port } = parent.address() as AddressInfo;
    reference = {
      ...{ store: STORE, ...where, payloadID: envelope.payloadID, url: `http://127.0.0.1:${port}/content` },
      ...{ bytes: xml.length, contentDigest: content.digest(), itemCount: 1 },
    };
  });
  afterAll(() => {
    parent.closeAllConnections();
    parent.close();
  });
  beforeEach(async () => {
    site = await loneSite('sqlite', 'north');
  });
  afterEach(() => site.drop());

  const apply = () => applyCatalog(site.context, reference, fetchDocument, () => undefined);
  const revision = async () => (await readHead(site.db, STORE, CATALOG)).revision;

  test('is there whole when it is read late, whatever memory was collected meanwhile', async () => {
    answers = [xml];
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const document = await fetchDocument(site.context, reference);
    for (let times = 0; times < COLLECTIONS; times++) {
      collect();
      await turn();
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of document as AsyncIterable<Uint8Array>) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(xml);
  });

  test('is taken while buyers come, who go first, and also where they never stop', async () => {
    answers = [xml];
    const { buyers } = site.context;
    const gaveWay = jest.spyOn(buyers, 'giveWay');
    const answered = buyers.enter();
    expect(await apply()).toEqual({ revision: TARGET });
    expect(gaveWay).toHaveBeenCalled();
    answered();
  });

  test.each([
    ['nothing came', ''],
    ['it broke off', xml.slice(0, -END_CONTENT_RESPONSE.length)],
  ])('is asked for again, and not refused for good, when %s', async (_name, came) => {
    answers = [came, xml];
    const failure = await apply().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(ApplicationFailure);
    expect(await revision()).toBe(NO_REVISION);
    expect(await apply()).toEqual({ revision: TARGET });
    expect(await revision()).toBe(TARGET);
  });
});
