/**
 * A proxy before Temporal that speaks its protocol (gRPC over HTTP/2) and loses answers: the server has executed the
 * call, and the caller hears a broken stream, or nothing until its own patience ends. Which calls, a seed decides.
 */
import { type AddressInfo } from 'node:net';
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = http2.constants;
/** Long polls of a few sites are many streams. */
const STREAMS_MAX = 1_000;
/** Calls that change something, or hand out work. */
const LOSABLE = new RegExp(
  '/(StartWorkflowExecution|ExecuteMultiOperation|SignalWorkflowExecution|PollWorkflowTaskQueue|PollActivityTaskQueue|' +
    'RespondWorkflowTaskCompleted|RespondActivityTaskCompleted|RespondActivityTaskFailed)$',
);

export class GrpcProxy {
  /** Calls by name, and how many answers were lost to a broken stream and to silence. */
  readonly calls = new Map<string, { seen: number; broken: number; silent: number }>();
  private readonly server = http2.createServer({ settings: { maxConcurrentStreams: STREAMS_MAX } });
  private share = 0;

  private constructor(
    private readonly target: string,
    private readonly random: () => number,
  ) {}

  /** `target` is host:port. */
  static async start(target: string, random: () => number): Promise<GrpcProxy> {
    const proxy = new GrpcProxy(target, random);
    proxy.server.on('session', (session) => proxy.join(session));
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From here on this share of the answers is lost. */
  lose(share: number): void {
    this.share = share;
  }

  get lost(): number {
    return [...this.calls.values()].reduce((sum, { broken, silent }) => sum + broken + silent, 0);
  }

  /** Those who called have stopped. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(session: http2.ServerHttp2Session): void {
    const upstream = http2.connect(`http://${this.target}`);
    upstream.on('error', () => session.destroy());
    upstream.on('close', () => session.destroy());
    session.on('error', () => upstream.destroy());
    session.on('close', () => upstream.destroy());
    session.on('stream', (stream, headers) => {
      if (upstream.destroyed) return stream.close(NGHTTP2_INTERNAL_ERROR);
      this.forward(stream, headers, upstream.request(headers));
    });
  }

  private forward(caller: ServerHttp2Stream, headers: IncomingHttpHeaders, call: ClientHttp2Stream): void {
    const name = String(headers[':path']).split('/').pop() ?? '';
    const losable = LOSABLE.test(String(headers[':path']));
    const fate = !losable || this.random() >= this.share ? 'told' : this.random() < 0.5 ? 'broken' : 'silent';
    caller.on('error', () => undefined);
    call.on('error', () => caller.close(NGHTTP2_INTERNAL_ERROR));
    caller.on('close', () => call.close(NGHTTP2_CANCEL));
    caller.pipe(call);
    if (fate === 'told') {
      if (losable) this.count(name, fate);
      return tell(call, caller);
    }
    call.resume();
    call.on('end', () => {
      // Unless the caller went first, and the server with it.
      if (caller.closed) return;
      this.count(name, fate);
      if (fate === 'broken') caller.close(NGHTTP2_INTERNAL_ERROR);
    });
  }

  private count(name: string, fate: 'told' | 'broken' | 'silent'): void {
    const counts = this.calls.get(name) ?? { seen: 0, broken: 0, silent: 0 };
    counts.seen++;
    if (fate !== 'told') counts[fate]++;
    this.calls.set(name, counts);
  }
}

/** The answer as it is: headers, data, trailers; or headers alone, when the server refuses. */
function tell(call: ClientHttp2Stream, caller: ServerHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  call.on('trailers', (given: IncomingHttpHeaders) => void (trailers = given));
  call.on('response', (answer) => {
    if (caller.closed || caller.destroyed) return;
    if (answer['grpc-status'] !== undefined) return caller.respond(answer, { endStream: true });
    caller.respond(answer, { waitForTrailers: true });
    caller.on('wantTrailers', () => caller.sendTrailers(trailers));
    call.pipe(caller);
  });
}
