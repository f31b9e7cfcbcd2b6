/** What lies beside a backup and says what it is; a backup without it is none. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { failed, wrongUsage } from '../exit-codes';

export const MANIFEST_SUFFIX = '.json';

const manifestSchema = z.object({
  format: z.literal('entrepot-backup'),
  /** Of this form. */
  version: z.literal(1),
  site: z.string(),
  engine: z.enum(['sqlite', 'mariadb']),
  takenAt: z.iso.datetime(),
  /** The release that took it. */
  release: z.string(),
  migrations: z.array(z.string()),
  stores: z.array(
    z.object({
      store: z.string(),
      epoch: z.number().int(),
      topologyVersion: z.number().int(),
      incarnation: z.number().int(),
      dataId: z.string(),
    }),
  ),
  /** The copy's name, beside the manifest. */
  file: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
});

export type Manifest = z.output<typeof manifestSchema>;

export interface Backup {
  /** The copy itself. */
  readonly path: string;
  readonly manifest: Manifest;
}

/** Finds a backup by its copy or its manifest. */
export function findBackup(file: string): Backup {
  const path = file.endsWith(MANIFEST_SUFFIX) ? file : file + MANIFEST_SUFFIX;
  if (!existsSync(path)) throw wrongUsage(`${file} is no backup: there is no manifest ${path} beside it`);
  const manifest = parse(path);
  return { path: join(dirname(path), basename(manifest.file)), manifest };
}

function parse(path: string): Manifest {
  let text: unknown;
  try {
    text = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw failed(`the manifest ${path} is not JSON: the backup can't be trusted`, error);
  }
  const parsed = manifestSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw failed(
    `the manifest ${path} is not of this release: ${issue?.path.join('.')}: ${issue?.message}`,
    parsed.error,
  );
}

export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Throws when the copy is not the one that the manifest was written for. */
export async function requireUnchanged({ path, manifest }: Backup): Promise<void> {
  if (!existsSync(path)) throw failed(`the backup's copy ${path} is missing`);
  const { size } = statSync(path);
  if (size !== manifest.bytes) throw failed(`${path} has ${size} bytes, not ${manifest.bytes}: it was cut or changed`);
  const found = await hashFile(path);
  if (found !== manifest.sha256) {
    throw failed(`${path} was changed: its SHA-256 is ${found}, the manifest says ${manifest.sha256}`);
  }
}
