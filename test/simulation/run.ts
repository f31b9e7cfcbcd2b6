/** Starts episodes in processes of their own, one a processor, and puts together what they say. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Compiled } from './compile';
import { type RunReport } from './report';

export interface RunRequest {
  readonly seed: number;
  /** The first episode, and how many at most. */
  readonly first: number;
  readonly count: number;
  /** Begins no further episode after so long. */
  readonly seconds: number;
}

/** Databases lie in memory, where the system has a file system for that. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let runs = 0;

export async function run({ main, bundle }: Compiled, { seed, first, count, seconds }: RunRequest): Promise<RunReport> {
  const folder = join(MEMORY, `entrepot-simulation-${process.pid}-${++runs}`);
  const parameters = ['--enable-source-maps', main, bundle, folder, ...[seed, first, count, seconds].map(String)];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => void (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => void (said.err += text.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`the simulation ended with ${code}:\n${said.err || said.out}`);
  return JSON.parse(said.out.trim().split('\n').at(-1) ?? '') as RunReport;
}
