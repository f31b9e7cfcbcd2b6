/** What a site shows to Temporal, seen from the other end of the wire. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Http2SecureServer, type Http2Session, type ServerHttp2Stream, createSecureServer } from 'node:http2';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket } from 'node:tls';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { type TemporalSettings, connectionOptions } from '../../workers/temporal-connection';
import { CertificateAuthority } from '../support/certificates';

/** Of gRPC: not compressed, of no length. It answers the question that a connection begins with. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** A connection that is refused is tried again for that long. */
const CONNECT_TIMEOUT_MS = 2_000;

interface Seen {
  readonly authorization: string | undefined;
  readonly client: string | undefined;
}

describe('with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-tls-'));
  const authority = new CertificateAuthority(folder);
  const stranger = new CertificateAuthority(folder, 'stranger');
  const server = authority.issue('server', 'temporal.internal');
  const site = authority.issue('site', 'north.internal');
  let listener: Http2SecureServer;
  const sessions = new Set<Http2Session>();
  let seen: Seen[];

  beforeAll(async () => {
    listener = createSecureServer({
      cert: readFileSync(server.certFile),
      key: readFileSync(server.keyFile),
      ca: readFileSync(authority.certificate),
      requestCert: true,
      rejectUnauthorized: false,
    });
    listener.on('session', (session) => sessions.add(session));
    listener.on('stream', (stream, headers) => {
      seen.push({ authorization: headers['authorization'], client: clientOf(stream) });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY_MESSAGE);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  });

  beforeEach(() => {
    seen = [];
  });

  afterAll(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => listener.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const settings = (change: Partial<TemporalSettings> = {}): TemporalSettings => ({
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    namespace: 'entrepot',
    uiUrl: 'http://127.0.0.1:8233',
    tls: { caFile: authority.certificate, serverName: 'temporal.internal' },
    ...change,
  });
  const connect = async (change?: Partial<TemporalSettings>) => {
    const options = await connectionOptions(settings(change));
    const connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
    await connection.close();
    const native = await NativeConnection.connect(options);
    await native.close();
    return seen;
  };

  test("the server's certificate must be of the authority that is named", async () => {
    expect(await connect()).not.toHaveLength(0);
    seen = [];
    const wrong = [
      { caFile: stranger.certificate, serverName: 'temporal.internal' },
      { caFile: authority.certificate, serverName: 'other.internal' },
    ];
    const refused = await Promise.allSettled(wrong.map((tls) => connect({ tls })));
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(seen).toEqual([]);
  });

  test("a site's own certificate is shown", async () => {
    const asked = await connect({ tls: { ...settings().tls, ...site } });
    expect(new Set(asked.map(({ client }) => client))).toEqual(new Set(['north.internal']));
  });

  test('an API key is sent, and never in clear', async () => {
    const asked = await connect({ apiKey: 'key-of-the-cloud' });
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer key-of-the-cloud']));
    const { tls: _tls, ...inClear } = settings({ apiKey: 'key-of-the-cloud' });
    expect(await connectionOptions(inClear)).toMatchObject({ tls: {} });
  });
});

/** The name in the certificate that the client showed, if it is of our authority. */
function clientOf(stream: ServerHttp2Stream): string | undefined {
  const socket = stream.session?.socket as TLSSocket | undefined;
  return socket?.authorized === true ? String(socket.getPeerCertificate().subject.CN) : undefined;
}
