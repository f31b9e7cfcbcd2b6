/** The built command as a user runs it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Where it runs. */
  readonly cwd: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `entrepot` to its end; none of the caller's own ENTREPOT_ variables reach it. */
export function runEntrepot(words: readonly string[], { cwd, input = '', env = {} }: RunOptions): Promise<Outcome> {
  const outer = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ENTREPOT_')));
  const child = spawn(process.execPath, [MAIN, ...words], { cwd, env: { ...outer, ...env }, stdio: 'pipe' });
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}
