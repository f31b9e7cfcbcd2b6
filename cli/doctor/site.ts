/** Does a site answer where it should, and if not, who else holds its port? */
import { z } from 'zod';
import { type SiteConfig } from '../../workers/config';
import { portProblem } from '../trial/ports';
import { type ClockReading, readDateHeader } from './clock';
import { reasonOf } from '../reason';
import { type Finding, Findings } from './finding';
import { findPortHolder } from './port-holder';

/** A site that takes longer to answer counts as away, milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

const healthSchema = z.object({ status: z.literal('ok'), site: z.string() });

export interface SiteAddress {
  readonly site: string;
  readonly url: string;
}

export interface SiteAnswer {
  readonly finding: Finding;
  /** Its clock beside ours, where it answered. */
  readonly clock: ClockReading | null;
}

/** Asks a site's address who it is. */
export async function askSite({ site, url }: SiteAddress, now: () => number): Promise<SiteAnswer> {
  const finding = new Findings('site', site);
  const health = await healthAt(url, now);
  if ('reason' in health) {
    const remedy = `start site ${site}, or set its url, and that in every topology, to where it is reached`;
    return { finding: finding.fault(`nothing answers at ${url} (${health.reason})`, remedy), clock: null };
  }
  const clock = health.clock && { ...health.clock, whose: `site ${site}` };
  if (health.site === site) return { finding: finding.ok(`answers at ${url}`), clock };
  const who = health.site === null ? 'something that is no site' : `site "${health.site}"`;
  return {
    finding: finding.fault(`${who} answers at ${url}`, `set the url of ${site} to where ${site} is reached`),
    clock: health.site === null ? null : clock,
  };
}

/** The port that a site listens on: its own, free for it, or somebody else's. */
export async function checkPort({ site, listen }: SiteConfig, now: () => number): Promise<Finding> {
  const finding = new Findings('port', site);
  const { host, port } = listen;
  if (port === 0) return finding.ok('takes any free port');
  const problem = await portProblem(port, host);
  if (problem === null) return finding.ok(`port ${port} of ${host} is free: the site does not run here`);
  if (problem === 'EACCES') {
    return finding.fault(`port ${port} may not be opened by this user`, 'set listen.port to one above 1023');
  }
  if (problem !== 'EADDRINUSE') {
    return finding.fault(`${host} can't be listened on (${problem})`, 'set listen.host to an address of this machine');
  }
  const health = await healthAt(`http://${reachable(host)}:${port}`, now);
  if ('site' in health && health.site === site) return finding.ok(`port ${port} of ${host} is held by this site`);
  const holder = findPortHolder(port) ?? 'another process';
  const who = 'site' in health && health.site !== null ? `site "${health.site}", ${holder}` : holder;
  return finding.fault(
    `port ${port} of ${host} is taken by ${who}`,
    `stop ${holder}, or set listen.port of ${site} (and its url) to another port`,
  );
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

type Health = { readonly site: string | null; readonly clock: Omit<ClockReading, 'whose'> | null };

async function healthAt(url: string, now: () => number): Promise<Health | { readonly reason: string }> {
  const askedAt = now();
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const clock = readDateHeader(response.headers.get('date'), askedAt, now());
    const body: unknown = await response.json().catch(() => null);
    const health = healthSchema.safeParse(body);
    return { site: health.success ? health.data.site : null, clock };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}
