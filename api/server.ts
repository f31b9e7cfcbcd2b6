/** The HTTP server around the app. */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Express } from 'express';
import { CLOSE_GRACE_MS, HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, REQUEST_TIMEOUT_MS } from './limits';

export interface RunningServer {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}

export async function startServer(app: Express, listen: { host: string; port: number }): Promise<RunningServer> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    app,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, listen)));
    server.listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(`port ${port} of ${host} is taken: stop what holds it, or set listen.port to another`, {
      cause: error,
    });
  }
  if (error.code === 'EACCES') {
    return new Error(`port ${port} may not be opened by this user: set listen.port to one above 1023`, {
      cause: error,
    });
  }
  return new Error(`the API can't listen on ${host}:${port}: ${error.message}`, { cause: error });
}
