/**
 * A proxy in front of a MariaDB server that knows what COMMIT looks like: it breaks connections when COMMIT was sent
 * and not answered, before the server has heard of it or after it has done it, and counts the COMMITs under way.
 */
import { type Server, type Socket, connect, createServer } from 'node:net';

/** COM_QUERY and its text, as the driver sends it. */
const COMMIT = Buffer.from('\u0003COMMIT');
/** Of an OK packet, after length and sequence number. */
const OK_OFFSET = 4;
const OK = 0;

export interface CommitCounts {
  /** Cut before the server heard of it: it did not happen. */
  lost: number;
  /** Cut after the server said OK, which the client never heard: it happened. */
  unheard: number;
  /** Under way when the server itself went away: nobody knows. */
  orphaned: number;
}

export class CommitProxy {
  readonly counts: CommitCounts = { lost: 0, unheard: 0, orphaned: 0 };
  private readonly sockets = new Set<Socket>();
  private listening: Server | undefined;
  private share = 0;

  /** `server` and `address` are `mysql://user@host:port/` URLs. */
  private constructor(
    private readonly server: string,
    private readonly random: () => number,
  ) {}

  static async start(server: string, random: () => number): Promise<CommitProxy> {
    const proxy = new CommitProxy(server, random);
    const listening = createServer((client) => proxy.take(client));
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    proxy.listening = listening;
    return proxy;
  }

  /** The database at `location`, by way of the proxy. */
  through(location: string): string {
    const address = this.listening?.address();
    const url = new URL(location);
    url.port = String(typeof address === 'object' && address ? address.port : 0);
    return url.toString();
  }

  /** From here on this share of the COMMITs is cut. */
  cut(share: number): void {
    this.share = share;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.listening?.close(() => resolve()));
  }

  private take(client: Socket): void {
    const { hostname, port } = new URL(this.server);
    const server = connect(Number(port), hostname);
    let pending: 'no' | 'answer' | 'cut' = 'no';
    const end = () => {
      if (pending === 'answer') this.counts.orphaned++;
      pending = 'no';
      client.resetAndDestroy();
      server.resetAndDestroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      // A reset is an error to one side and an end to the other; both end the pair.
      socket.on('error', end);
      socket.on('close', () => {
        this.sockets.delete(socket);
        end();
      });
    }
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes(COMMIT)) {
        pending = this.random() < this.share ? 'cut' : 'answer';
        if (pending === 'cut' && this.random() < 0.5) {
          this.counts.lost++;
          return end();
        }
      }
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (pending === 'cut' && chunk[OK_OFFSET] === OK) {
        this.counts.unheard++;
        return end();
      }
      pending = 'no';
      client.write(chunk);
    });
  }
}
