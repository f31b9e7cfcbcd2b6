/** A process whose clock is off, by libfaketime: everything in it but the monotonic clock sees the other time. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = '/usr/lib';

/** The library's file; null where it is not installed (Debian: faketime). */
export function faketimeLibrary(): string | null {
  if (!existsSync(LIBRARIES)) return null;
  const found = readdirSync(LIBRARIES)
    .map((folder) => join(LIBRARIES, folder, 'faketime', 'libfaketime.so.1'))
    .find((file) => existsSync(file));
  return found ?? null;
}

/** The words before a command line that shift its clock by so many seconds. */
export function withClock(library: string, seconds: number): string[] {
  const offset = `${seconds < 0 ? '' : '+'}${seconds}s`;
  return ['env', `LD_PRELOAD=${library}`, `FAKETIME=${offset}`, 'DONT_FAKE_MONOTONIC=1'];
}
