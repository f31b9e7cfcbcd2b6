/** A small real disk (tmpfs), to be filled up. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BLOCK_BYTES = 4_096;

/** Why there can be no such disk here; null where there can. */
export function noSmallDiskReason(): string | null {
  if (process.getuid?.() !== 0) return 'mounting a disk needs root';
  return spawnSync('mount', ['--version']).status === 0 ? null : 'there is no mount command';
}

export class SmallDisk {
  private constructor(readonly folder: string) {}

  static mount(mebibytes: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  /** Leaves no room at all; may be called again when room has come about. */
  fill(): void {
    const file = openSync(this.filler, 'a');
    const block = Buffer.alloc(BLOCK_BYTES, 1);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.filler, { force: true });
  }

  /** Nobody may have a file open on it any more. */
  unmount(): void {
    execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get filler(): string {
    return join(this.folder, 'filler');
  }
}
