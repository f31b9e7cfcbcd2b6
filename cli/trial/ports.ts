/** Ports are looked at before anything starts, so that a taken one is named at once. */
import { createServer } from 'node:net';
import { failed } from '../exit-codes';

/** Sites of an earlier run that was killed need this long to notice and leave, milliseconds. */
const LEAVING_WAIT_MS = 20_000;
const LOOK_AGAIN_MS = 250;

export interface NamedPort {
  readonly port: number;
  readonly what: string;
}

/** Why nobody could listen there now, as the system's error code; null when it is free. */
export function portProblem(port: number, host = '127.0.0.1'): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(null)));
  });
}

export async function isPortFree(port: number): Promise<boolean> {
  return (await portProblem(port)) === null;
}

/** Waits a little for an earlier run to leave; then names what is taken and what to do. */
export async function requireFreePorts(ports: readonly NamedPort[], waiting: (port: NamedPort) => void): Promise<void> {
  const deadline = Date.now() + LEAVING_WAIT_MS;
  let told = false;
  for (const named of ports) {
    while (!(await isPortFree(named.port))) {
      if (!told) waiting(named);
      told = true;
      if (Date.now() > deadline) {
        throw failed(
          `port ${named.port} (for ${named.what}) is taken: stop what listens there, ` +
            'or start a new trial system on other ports with --port-base N --data DIR',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

/** A base with `count` free ports above it, for a system of its own that nobody named ports for. */
export async function findFreePortBase(first: number, step: number, offsets: readonly number[]): Promise<number> {
  for (let base = first; base < 60_000; base += step) {
    const free = await Promise.all(offsets.map((offset) => isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw failed(`no ${offsets.length} free ports were found from ${first} upwards: name some with --port-base N`);
}
