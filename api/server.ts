/** The HTTP server around the app. */
import { STATUS_CODES, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { type Express } from 'express';
import { PROBLEM_MEDIA_TYPE, Problem } from './problems';
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
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseUnreadable(error, socket));
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

/** What Node's parser would not read never reaches the app; it is answered with a problem, too. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, document } = unreadable(error.code);
  const body = JSON.stringify(document);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function unreadable(code: string | undefined) {
  const problem =
    code === 'HPE_HEADER_OVERFLOW'
      ? new Problem(431, 'headers-too-large', 'the request line and headers are too large: send fewer or shorter ones')
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem(408, 'request-timeout', 'the request did not arrive in time: send it again')
        : new Problem(400, 'bad-request', 'this is not a request of HTTP/1.1');
  return { status: problem.status, document: problem.document('unread') };
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
