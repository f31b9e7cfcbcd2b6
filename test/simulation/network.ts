/**
 * HTTP between sites, as their transport: the request goes to the route that the receiving process really has, over a
 * way on which requests and answers get lost, come late, or come twice.
 */
import { Readable } from 'node:stream';
import { type StoreSettings, type Transport, type TransportRequest } from '../../activities/context';
import { allRoutes } from '../../api/routes';
import { Problem } from '../../api/problems';
import { type Route } from '../../api/route';
import { type Counters } from './counters';
import { type Life, lifeNow } from './scheduler';
import { type Process } from './site';
import { type Weather } from './weather';

export interface Peer {
  readonly name: string;
  readonly process: Process | undefined;
  readonly hears: boolean;
  readonly speaks: boolean;
}

export interface Network {
  readonly weather: Weather;
  readonly counters: Counters;
  readonly settings: StoreSettings;
  readonly peer: (name: string) => Peer;
}

/** What a site holds of the network. */
export function transportOf(life: Life, network: Network): Transport {
  return async (url, request) => {
    const { scheduler } = life;
    const { weather, counters } = network;
    const { dice } = scheduler;
    const target = new URL(url);
    const from = network.peer(life.name);
    const to = network.peer(target.hostname.replace(/\.example$/, ''));
    await scheduler.wait(life, `request ${target.pathname}`);
    const lost = dice.chance(weather.lostRequest);
    if (lost) counters.happened('request lost');
    if (lost || !from.speaks || !to.hears || !to.process) return inVain(life, request.signal);
    const answer = await answerOf(life, network, to.process, target, request);
    const unheard = dice.chance(weather.lostAnswer);
    if (unheard) counters.happened('answer lost');
    if (unheard || !answer || !to.speaks || !from.hears) return inVain(life, request.signal);
    return responseOf(answer);
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Undefined when the receiver dies of it, or the caller waits no longer. */
function answerOf(
  life: Life,
  network: Network,
  receiver: Process,
  url: URL,
  { body, signal }: TransportRequest,
): Promise<Answer | undefined> {
  const { scheduler } = life;
  const { weather, counters } = network;
  const serve = () => handle(network, receiver, life.name, url, body);
  if (scheduler.dice.chance(weather.twice)) {
    counters.happened('request came twice');
    const late = scheduler.dice.below(LATE_MS_MAX);
    scheduler.later(receiver.life, 'the same request again', late, () =>
      scheduler.spawn(receiver.life, `serves ${url.pathname} again`, serve, () => undefined),
    );
  }
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined));
    scheduler.spawn(receiver.life, `serves ${url.pathname}`, serve, (outcome) => {
      const answer = 'value' in outcome ? outcome.value : { status: 500, body: String(outcome.error) };
      scheduler.later(life, `answer ${url.pathname}`, 0, () => resolve(answer));
    });
  });
}

/** How late the second of two may come, milliseconds. */
const LATE_MS_MAX = 20_000;

async function handle(network: Network, { context }: Process, sender: string, url: URL, body: string): Promise<Answer> {
  const { route, params } = routeOf(url.pathname);
  try {
    const reply = await route.handle({
      ...{ context, store: network.settings, caller: { role: 'site', id: sender, store: network.settings.store } },
      params: route.params.parse(params),
      query: route.query.parse(Object.fromEntries(url.searchParams)),
      body: undefined,
      header: () => undefined,
      stream: Readable.from([Buffer.from(body)]),
      requestId: '',
    } as never);
    return { status: reply.status, body: typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body) };
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, body: error.message };
    throw error;
  }
}

function routeOf(path: string): { route: Route; params: Record<string, string> } {
  for (const route of allRoutes) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const found = new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
    if (!found || route.method !== 'post' || !route.roles.includes('site')) continue;
    return { route, params: Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ''])) };
  }
  throw new Error(`no route takes POST ${path} from a site`);
}

/** No answer comes: the caller waits until it has had enough. */
function inVain(life: Life, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = () => reject(new Error('no answer in time'));
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', () => lifeNow.run(life, giveUp));
  });
}

function responseOf({ status, body }: Answer): Response {
  const response = {
    ...{ status, ok: status >= 200 && status < 300, headers: new Headers(), body: null },
    text: async () => body,
    json: async () => JSON.parse(body) as unknown,
  };
  return response as unknown as Response;
}
