/** Copies of sent documents: whole under their name, or not there. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { documentArchive } from '../../workers/document-archive';
import { until } from '../support/until';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'entrepot-archive-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a document stands under its kind and payloadID, and whoever sees the name sees all of it', async () => {
  const archive = join(folder, 'archive');
  const keep = documentArchive(archive, pino({ enabled: false }));
  const xml = 'x'.repeat(4_000_000);
  const name = 'OrderRequest--1.a%2Fb%40shop.example.xml';
  keep('OrderRequest', '1.a/b@shop.example', xml);
  await until('the document', () => Promise.resolve(readFolder(archive).includes(name)));
  expect(readFileSync(join(archive, name), 'utf8')).toHaveLength(xml.length);
  expect(readFolder(archive)).toEqual([name]);
});

test('a document that can’t be kept is told of, and stops nobody', async () => {
  const said: string[] = [];
  writeFileSync(join(folder, 'archive'), 'a file where a folder should be');
  const keep = documentArchive(join(folder, 'archive'), pino({}, { write: (line: string) => void said.push(line) }));
  keep('OrderRequest', '1.a@shop.example', '<cXML/>');
  await until('the warning', () => Promise.resolve(said.length > 0));
  expect(said.join()).toMatch(/OrderRequest--1\.a.*a document could not be archived/);
});

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
