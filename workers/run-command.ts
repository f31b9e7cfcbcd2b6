/** Runs a program to its end and answers what it printed. */
import { spawn } from 'node:child_process';

/** What of a failed program's last words is passed on, characters. */
const LAST_WORDS_MAX = 2_000;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Answers stdout; throws with the exit code and the last words of stderr. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let words = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-LAST_WORDS_MAX)));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out);
      else
        reject(
          new Error(
            `${program} ${args[0] ?? ''} ended with ${signal ?? code}: ${words.trim() || out.trim().slice(-LAST_WORDS_MAX)}`,
          ),
        );
    });
  });
}
