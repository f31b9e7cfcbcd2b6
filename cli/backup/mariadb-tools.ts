/** MariaDB's own programs: the one that dumps a database while it is written to, and the one that loads it again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { databaseName } from '../../db/mariadb';
import { findOnPath } from '../../workers/program-cache';
import { failed } from '../exit-codes';

const DUMP_PROGRAMS = ['mariadb-dump', 'mysqldump'];
const CLIENT_PROGRAMS = ['mariadb', 'mysql'];
/** What the dump ends with when it is whole. */
const DUMP_END = /-- Dump completed\s*$/;
const DUMP_TAIL_BYTES = 200;
/** What of a failed program's last words is passed on, characters. */
const LAST_WORDS_MAX = 2_000;
const PRIVATE_FILE_MODE = 0o600;

/** One transaction's view of the database, compressed, into `file`; the site sells on meanwhile. */
export async function dumpMariadb(url: string, file: string): Promise<void> {
  const program = await find(DUMP_PROGRAMS);
  await withCredentials(url, async (credentials) => {
    const child = spawn(
      program,
      [
        ...[credentials, '--single-transaction', '--quick', '--hex-blob', '--skip-dump-date'],
        // These would need rights that a site's user has no use for.
        ...['--skip-add-locks', '--no-tablespaces', '--default-character-set=utf8mb4', databaseName(url)],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const ended = endOf(program, child);
    await pipeline(child.stdout, createGzip(), createWriteStream(file, { mode: PRIVATE_FILE_MODE }));
    await ended;
  });
}

/** Loads a dump into an empty database. */
export async function loadMariadb(url: string, file: string): Promise<void> {
  const program = await find(CLIENT_PROGRAMS);
  await withCredentials(url, async (credentials) => {
    const words = [credentials, '--default-character-set=utf8mb4', databaseName(url)];
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = endOf(program, child);
    const fed = pipeline(createReadStream(file), createGunzip(), child.stdin).catch((error: unknown) => error);
    await ended;
    const problem = await fed;
    if (problem !== undefined) throw failed(`${file} can't be read to its end`, problem);
  });
}

/** What is wrong with a dump; null for one that is whole. */
export async function dumpProblem(file: string): Promise<string | null> {
  let tail = '';
  try {
    await pipeline(createReadStream(file), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) tail = (tail + chunk.toString('latin1')).slice(-DUMP_TAIL_BYTES);
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return DUMP_END.test(tail) ? null : 'the dump ends before its end';
}

async function find(programs: readonly string[]): Promise<string> {
  for (const program of programs) {
    const found = await findOnPath(program, process.env);
    if (found !== null) return found;
  }
  throw failed(
    `neither ${programs.join(' nor ')} is on the PATH: install MariaDB's client programs ` +
      '(on Debian: apt-get install mariadb-client)',
  );
}

/** The password goes by a file for this user alone: an argument could be read by every process. */
async function withCredentials(url: string, work: (option: string) => Promise<void>): Promise<void> {
  const { hostname, port, username, password } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-client-'));
  const values = {
    ...{ host: hostname.replace(/^\[|\]$/g, ''), port: port || '3306', protocol: 'tcp' },
    ...{ user: decodeURIComponent(username), password: decodeURIComponent(password) },
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&')}"`);
  try {
    const file = join(folder, 'client.cnf');
    writeFileSync(file, ['[client]', ...lines, ''].join('\n'), { mode: PRIVATE_FILE_MODE });
    await work(`--defaults-file=${file}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws with the program's last words when it does not end well. */
function endOf(program: string, child: ChildProcess): Promise<void> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-LAST_WORDS_MAX)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(failed(`${program} ended with ${signal ?? code}: ${words.trim()}`));
    });
  });
}
