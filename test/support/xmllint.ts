/** Validity by xmllint, the judge that is not ours. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const DTDS = join(__dirname, '..', '..', 'cxml', 'dtd');

export const CXML_DTD = join(DTDS, '1.2.063', 'cXML.dtd');
export const FULFILL_DTD = join(DTDS, '1.2.063', 'Fulfill.dtd');
export const INVENTORY_DTD = join(DTDS, 'entrepot', 'EntrepotInventory.dtd');

/** False on a laptop without it; in CI that is a failure. */
export function hasXmllint(): boolean {
  const found = spawnSync('xmllint', ['--version']).status === 0;
  if (!found && process.env['CI'])
    throw new Error('xmllint is missing, and in CI that is a failure: install libxml2-utils');
  return found;
}

/** What xmllint finds wrong, a line each; empty for valid documents. */
export function xmllint(dtd: string, documents: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const judge = spawn('xmllint', ['--noout', '--nonet', '--dtdvalid', dtd, ...documents], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    judge.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    judge.once('error', reject);
    judge.once('close', (status) => resolve(status === 0 ? [] : said.split('\n').filter(Boolean)));
  });
}

/** The same for one document in memory. */
export function xmllintText(dtd: string, document: string): string[] {
  const { stderr, status } = spawnSync('xmllint', ['--noout', '--nonet', '--dtdvalid', dtd, '-'], {
    input: document,
    encoding: 'utf8',
  });
  return status === 0 ? [] : stderr.split('\n').filter(Boolean);
}
