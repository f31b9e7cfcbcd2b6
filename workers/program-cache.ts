/** Programs that are found, downloaded or built once and kept: where they are, and how only one process makes them. */
import { constants } from 'node:fs';
import { access, chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from './run-command';

export type Progress = (line: string) => void;
export type Environment = Readonly<Record<string, string | undefined>>;

const PROBE_INTERVAL_MS = 100;
const PROGRESS_INTERVAL_MS = 5_000;
/** Another process that makes the same program is waited for this long. */
const LOCK_TIMEOUT_MS = 15 * 60_000;

/** Where programs of this name and version are kept between runs. */
export function cacheFolder(nameAndVersion: string, env: Environment): string {
  const base = env['ENTREPOT_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'entrepot');
  return join(base, nameAndVersion);
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

export async function findOnPath(name: string, env: Environment): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    if (await isExecutable(join(folder, name))) return join(folder, name);
  }
  return null;
}

/** It must run before it counts; renamed into place, so that nobody finds half of it. */
export async function install(from: string, to: string): Promise<void> {
  await chmod(from, 0o755);
  await runCommand(from, ['--version']);
  await rename(from, to);
}

/** Says that the work goes on, every few seconds. */
export async function announced<T>(progress: Progress, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  progress(what);
  const timer = setInterval(
    () => progress(`${what}: ${Math.round((Date.now() - startedAt) / 1000)} s so far`),
    PROGRESS_INTERVAL_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** One process at a time; a lock whose holder is gone is taken over. */
export async function withLock<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (let told = false; ; told = true) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
    if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
    else if (Date.now() > deadline)
      throw new Error(`process ${holder} holds ${file} for too long: end it, or remove the file`);
    else {
      if (!told) progress(`process ${holder} is getting the Temporal server: waiting for it`);
      await delay(PROBE_INTERVAL_MS);
    }
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
