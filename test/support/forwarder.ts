/** A TCP forwarder between a site and a server, so that a test can cut the one off from the other. */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface Forwarder {
  readonly port: number;
  /** Breaks every connection and takes no new one. */
  cut(): Promise<void>;
}

export async function startForwarder(to: { readonly host: string; readonly port: number }): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(to.port, to.host);
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      // A broken connection is what this is for; its end is told to the other side.
      socket.on('error', () => other.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
