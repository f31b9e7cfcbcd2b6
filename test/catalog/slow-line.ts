/** A line from a parent to its sites on which catalogue documents come in halves, the second when it is let through. */
import { type Socket, type AddressInfo, connect, createServer } from 'node:net';

export interface SlowLine {
  readonly port: number;
  stop(): Promise<void>;
}

/** Catalogue documents are all that is compressed with brotli. */
const DOCUMENT = /\r\ncontent-encoding: br\r\n/i;
const ANSWER = 'HTTP/1.1 ';

/** `port` is the parent's; every piece of a document waits at its half for `gate`. */
export async function startSlowLine(port: number, gate: () => Promise<void>): Promise<SlowLine> {
  const sockets = new Set<Socket>();
  const server = createServer((site) => {
    const parent = connect(port, '127.0.0.1');
    for (const [socket, other] of [[site, parent] as const, [parent, site] as const]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    site.pipe(parent);
    void carry(parent, site, gate).catch(() => site.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function carry(parent: Socket, site: Socket, gate: () => Promise<void>): Promise<void> {
  let isDocument = false;
  for await (const chunk of parent as AsyncIterable<Buffer>) {
    const text = chunk.toString('latin1');
    if (text.startsWith(ANSWER)) isDocument = DOCUMENT.test(text);
    if (!isDocument) {
      site.write(chunk);
      continue;
    }
    const half = Math.ceil(chunk.length / 2);
    site.write(chunk.subarray(0, half));
    await gate();
    site.write(chunk.subarray(half));
  }
  site.end();
}
