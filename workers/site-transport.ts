/** HTTP from site to site. */
import { type IncomingMessage, Agent as HttpAgent, request as askHttp } from 'node:http';
import { Agent as HttpsAgent, request as askHttps } from 'node:https';
import { Readable } from 'node:stream';
import { type ReadableStream } from 'node:stream/web';
import { type Transport } from '../activities/context';

/** An idle connection is let go long before a site closes it (`KEEP_ALIVE_MS`), or a request may meet its end; milliseconds. */
const IDLE_MS = 3_000;
const KEPT = { keepAlive: true, timeout: IDLE_MS };
const agents = { http: new HttpAgent(KEPT), https: new HttpsAgent(KEPT) };

/** Answers that have no body (RFC 9110), and for which `Response` takes none. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * As `fetch`, but what comes compressed stays so, and a redirection is not followed: a token is for one site. `fetch`
 * decompresses by 16 KiB at a time, which took a fifth of all that taking a catalogue cost a site.
 */
export const siteTransport: Transport = (url, { method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const secure = new URL(url).protocol === 'https:';
    const options = { method, headers, agent: secure ? agents.https : agents.http };
    const asked = secure ? askHttps(url, options) : askHttp(url, options);
    let answer: IncomingMessage | undefined;
    const giveUp = () => (answer ?? asked).destroy(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    asked.once('close', () => signal.removeEventListener('abort', giveUp));
    asked.on('error', reject);
    asked.once('response', (came) => {
      answer = came;
      resolve(responseOf(came));
    });
    asked.end(body);
  });

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 0, headersDistinct } = answer;
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  if (BODILESS.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status, headers });
}
