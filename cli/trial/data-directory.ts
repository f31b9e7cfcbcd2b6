/** A trial system's data directory: made once, found again, used by one supervisor at a time. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { SEALING_KEY_BYTES } from '../../activities/sealing';
import { withoutSecrets } from '../../domain/redaction';
import { failed, wrongUsage } from '../exit-codes';
import { type LayoutOptions, type Trial, type TrialKeys, SECONDARIES_DEFAULT, layOut, siteConfig } from './layout';

const TRIAL_FILE = 'trial.json';
const LOCK_FILE = 'supervisor.pid';
/** Files with keys in them are for their owner only. */
const PRIVATE_FILE_MODE = 0o600;
const PRIVATE_FOLDER_MODE = 0o700;

const trialSchema = z.object({
  data: z.string(),
  store: z.string(),
  catalog: z.string(),
  portBase: z.number(),
  primary: z.string(),
  sites: z.array(
    z.object({
      site: z.string(),
      role: z.enum(['primary', 'secondary']),
      port: z.number(),
      url: z.string(),
      config: z.string(),
      log: z.string(),
      database: z.string(),
    }),
  ),
  keys: z.object({ operator: z.string(), integrator: z.string(), buyer: z.string() }),
  temporal: z.object({ address: z.string(), uiUrl: z.string(), port: z.number(), uiPort: z.number() }),
  db: z.string().nullable(),
});

/** Reads `trial.json`; null where no trial system was made. */
export function readTrial(data: string): Trial | null {
  const file = join(resolve(data), TRIAL_FILE);
  if (!existsSync(file)) return null;
  const parsed = trialSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw failed(
    `${file} is not of this release (${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}): ` +
      'move the directory away, or name another with --data',
    parsed.error,
  );
}

export interface TrialOptions {
  readonly data: string;
  readonly portBase?: number;
  readonly secondaries?: number;
  readonly db?: string;
}

/** The trial system in the directory: the one that was made there, or a new one. */
export function openTrial(options: TrialOptions, portBaseDefault: number, makeKey: () => string): Trial {
  const found = readTrial(options.data);
  if (found) {
    refuseOtherOptions(found, options);
    return found;
  }
  const keys: TrialKeys = { operator: makeKey(), integrator: makeKey(), buyer: makeKey() };
  const layout: LayoutOptions = {
    data: options.data,
    portBase: options.portBase ?? portBaseDefault,
    secondaries: options.secondaries ?? SECONDARIES_DEFAULT,
    ...(options.db === undefined ? {} : { db: options.db }),
  };
  const trial = layOut(layout, keys);
  mkdirSync(join(trial.data, 'logs'), { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const sealing = { id: 'first', key: randomBytes(SEALING_KEY_BYTES).toString('base64') };
  for (const site of trial.sites) {
    const heading = `# Site ${site.site} of the trial system; see docs/configuration.md for every key.\n`;
    writePrivate(site.config, heading + stringify(siteConfig(trial, site, sealing)));
  }
  writePrivate(join(trial.data, TRIAL_FILE), `${JSON.stringify(trial, null, 2)}\n`);
  return trial;
}

function refuseOtherOptions(trial: Trial, options: TrialOptions): void {
  const made = { '--port-base': trial.portBase, '--sites': trial.sites.length - 1, '--db': trial.db ?? 'SQLite' };
  const asked = { '--port-base': options.portBase, '--sites': options.secondaries, '--db': options.db };
  for (const option of ['--port-base', '--sites', '--db'] as const) {
    const value = asked[option];
    if (value !== undefined && value !== made[option]) {
      throw wrongUsage(
        `the trial system in ${trial.data} was made with ${option} ${withoutSecrets(String(made[option]))}, not ` +
          `${withoutSecrets(String(value))}: leave the option out, or name another directory with --data`,
      );
    }
  }
}

/** Written beside and renamed, so that a kill leaves the old file or the new one. */
export function writePrivate(file: string, text: string): void {
  const beside = `${file}.new`;
  writeFileSync(beside, text, { mode: PRIVATE_FILE_MODE });
  renameSync(beside, file);
}

/** Takes the directory for this process; answers how to give it back. */
export function lockDirectory(data: string): () => void {
  const folder = resolve(data);
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const file = join(folder, LOCK_FILE);
  for (;;) {
    try {
      const handle = openSync(file, 'wx', PRIVATE_FILE_MODE);
      writeFileSync(handle, `${process.pid}\n`);
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(file, 'utf8'));
    if (isAlive(holder)) {
      throw failed(
        `a trial system already runs on ${folder} (process ${holder}): stop it, or name another directory with --data ` +
          `(if process ${holder} is something else, remove ${file})`,
      );
    }
    rmSync(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What the first start has done so far, so that an interrupted one goes on where it was. */
export class Milestones {
  private readonly file: string;
  private readonly done: Record<string, string>;

  constructor(data: string) {
    this.file = join(resolve(data), 'first-start.json');
    this.done = existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, string>) : {};
  }

  /** Runs `work` unless it was done; its answer is kept. */
  async once(name: string, work: () => Promise<string>): Promise<string> {
    const before = this.done[name];
    if (before !== undefined) return before;
    const result = await work();
    this.done[name] = result;
    writePrivate(this.file, `${JSON.stringify(this.done, null, 2)}\n`);
    return result;
  }

  has(name: string): boolean {
    return this.done[name] !== undefined;
  }
}
