/** Which process listens on a port: from /proc, so on Linux only, and only what this user may see. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/** "process 4711 (nginx)"; null when it can't be found. */
export function findPortHolder(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return null;
  for (const pid of readOr(() => readdirSync('/proc'), []).filter((name) => /^\d+$/.test(name))) {
    const links = readOr(() => readdirSync(`/proc/${pid}/fd`), []);
    const holds = links.some((link) => inodes.has(readOr(() => readlinkSync(`/proc/${pid}/fd/${link}`), '')));
    // Its name only: a command line may hold a password.
    if (holds) return `process ${pid} (${readOr(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'unknown')})`;
  }
  return null;
}

function listeners(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readOr(() => readFileSync(table, 'utf8'), '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${wanted}`) && columns[3] === LISTENING)
    .map((columns) => `socket:[${columns[9] ?? ''}]`);
}

/** Processes come and go, and those of others may not be looked into. */
function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
