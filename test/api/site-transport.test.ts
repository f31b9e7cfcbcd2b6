/** HTTP from site to site: what comes is handed on as it came, and whoever gives up is told why. */
import { once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { siteTransport } from '../../workers/site-transport';

describe('a request to another site', () => {
  let server: Server;
  let url: string;
  let answer: RequestListener;
  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const post = (signal = new AbortController().signal, to = url) =>
    siteTransport(to, { method: 'POST', body: 'question €', headers: { 'X-Name': 'value' }, signal });

  test('brings its body and headers there, and the answer back', async () => {
    answer = (request, response) => {
      let asked = '';
      request.setEncoding('utf8').on('data', (text: string) => (asked += text));
      request.on('end', () => {
        const { method, headers } = request;
        response.setHeader('X-Many', ['a', 'b']).end(JSON.stringify([method, headers['x-name'], asked]));
      });
    };
    const response = await post();
    expect([response.status, response.ok, response.headers.get('x-many')]).toEqual([200, true, 'a, b']);
    expect(await response.json()).toEqual(['POST', 'value', 'question €']);
  });

  test('leaves compressed what is compressed', async () => {
    answer = (_request, response) => response.setHeader('Content-Encoding', 'br').end(brotliCompressSync('plain'));
    const came = Buffer.from(await (await post()).arrayBuffer());
    expect(brotliDecompressSync(came).toString()).toBe('plain');
  });

  test('takes an answer without a body, and follows no redirection', async () => {
    answer = (_request, response) => response.writeHead(204).end();
    expect([(await post()).status, (await post()).body]).toEqual([204, null]);
    answer = (_request, response) => response.writeHead(307, { Location: 'http://elsewhere.example/' }).end();
    expect((await post()).status).toBe(307);
  });

  test('fails with the reason of whoever gives up: before it, before the answer, or within it', async () => {
    const reason = new Error('enough');
    await expect(post(AbortSignal.abort(reason))).rejects.toBe(reason);

    let patience = new AbortController();
    answer = () => patience.abort(reason);
    await expect(post(patience.signal)).rejects.toBe(reason);

    patience = new AbortController();
    answer = (_request, response) => void response.write('half of it');
    const response = await post(patience.signal);
    const whole = response.text();
    patience.abort(reason);
    await expect(whole).rejects.toBe(reason);
  });

  test('fails when nobody answers, or the answer breaks off', async () => {
    answer = (request) => request.socket.destroy();
    await expect(post()).rejects.toThrow(/hang up|ECONNRESET/);
    answer = (request, response) => void response.writeHead(200).write('half of it', () => request.socket.destroy());
    await expect(post().then((response) => response.text())).rejects.toThrow(/abort|terminated|premature/i);
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    await new Promise((closed) => gone.close(closed));
    await expect(post(undefined, `http://127.0.0.1:${port}/`)).rejects.toThrow(/ECONNREFUSED/);
  });
});
