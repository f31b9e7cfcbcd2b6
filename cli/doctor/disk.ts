/** Is there room where a site writes? */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMariadbUrl } from '../../db/migrate';
import { type SiteConfig } from '../../workers/config';
import { type Finding, Findings } from './finding';

export interface DiskLimits {
  /** Less room than this is a warning, and a fault, bytes. */
  readonly warningBytes: number;
  readonly faultBytes: number;
}

const MIB = 1024 ** 2;

export const DISK_LIMITS: DiskLimits = { warningBytes: 2_048 * MIB, faultBytes: 256 * MIB };

/** One finding for each file system that the site writes to. */
export function checkDisk(config: SiteConfig, limits: DiskLimits = DISK_LIMITS): Finding[] {
  const folders = [
    ...(isMariadbUrl(config.database) ? [] : [dirname(config.database)]),
    config.documentsDir,
    ...(config.log.file === undefined ? [] : [dirname(config.log.file)]),
    ...(config.documents.archiveDir === undefined ? [] : [config.documents.archiveDir]),
  ];
  const rooms = new Map<string, { folder: string; free: number }>();
  for (const folder of folders.map(existing)) {
    const { type, blocks, bavail, bsize } = statfsSync(folder);
    const fileSystem = `${type}:${blocks}:${bsize}`;
    if (!rooms.has(fileSystem)) rooms.set(fileSystem, { folder, free: bavail * bsize });
  }
  return [...rooms.values()].map(({ folder, free }) => judge(config.site, folder, free, limits));
}

/** A folder that is yet to be made stands where its parent does. */
function existing(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : existing(dirname(folder));
}

function judge(site: string, folder: string, free: number, { warningBytes, faultBytes }: DiskLimits): Finding {
  const finding = new Findings('disk', site);
  const message = `${Math.round(free / MIB).toLocaleString('en-GB')} MiB are free at ${folder}`;
  const remedy = 'make room or move the data to a larger disk: a site refuses to sell what it could not write down';
  if (free < faultBytes) return finding.fault(message, remedy);
  return free < warningBytes ? finding.warning(message, remedy) : finding.ok(message);
}
