/**
 * A network of the test's own: every secondary in a network namespace, a router between them and the machine. The
 * router can cut a site off from one address in silence (packets vanish: no reset, no answer) or with refusals.
 * Needs root and iproute2.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { isMariadbUrl } from '../../db/migrate';
import { MARIADB_URL } from './servers';
import { type WorldOptions } from './world';

/** Where the machine itself is in that network: a cut names the address that it is about. */
const TEMPORAL = '10.213.0.1';
const PRIMARY = '10.213.0.2';
/** Of whatever is never cut off: the buyers, and the sites' databases. */
const NEAR = '10.213.0.3';
const ROUTER = '10.213.0.254';
const NETWORK = '10.213';
const ROUTER_NAMESPACE = 'entrepot-router';

export type CutFrom = 'temporal' | 'primary';
export type CutKind = 'silent' | 'refused';

const ADDRESS: Readonly<Record<CutFrom, string>> = { temporal: TEMPORAL, primary: PRIMARY };

/** Why there can be no such network here; null where there can. */
export function noNetworkReason(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  return spawnSync('ip', ['-Version']).status === 0 ? null : 'iproute2 is not installed';
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export class Network {
  readonly temporal = TEMPORAL;
  readonly database = NEAR;
  private readonly forwarders: Server[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly sites: readonly string[]) {}

  static create(sites: readonly string[]): Network {
    const network = new Network(sites);
    network.remove();
    ip('netns', 'add', ROUTER_NAMESPACE);
    ip('link', 'add', 'entrepot-up', 'type', 'veth', 'peer', 'name', 'to-machine', 'netns', ROUTER_NAMESPACE);
    for (const address of [TEMPORAL, PRIMARY, NEAR]) ip('addr', 'add', `${address}/24`, 'dev', 'entrepot-up');
    ip('link', 'set', 'entrepot-up', 'up');
    inRouter('addr', 'add', `${ROUTER}/24`, 'dev', 'to-machine');
    inRouter('link', 'set', 'to-machine', 'up');
    execFileSync('ip', ['netns', 'exec', ROUTER_NAMESPACE, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    for (const site of sites) network.join(site);
    return network;
  }

  private join(site: string): void {
    const inSite = (...args: string[]) => ip('-n', namespaceOf(site), ...args);
    const gateway = `${this.prefix(site)}.1`;
    ip('netns', 'add', namespaceOf(site));
    inRouter('link', 'add', `to-${site}`, 'type', 'veth', 'peer', 'name', 'to-router', 'netns', namespaceOf(site));
    inRouter('addr', 'add', `${gateway}/24`, 'dev', `to-${site}`);
    inRouter('link', 'set', `to-${site}`, 'up');
    inSite('addr', 'add', `${this.address(site)}/24`, 'dev', 'to-router');
    inSite('link', 'set', 'to-router', 'up');
    inSite('link', 'set', 'lo', 'up');
    inSite('route', 'add', 'default', 'via', gateway);
    // Whoever buys does so from an address that no cut is about.
    ip('route', 'add', `${this.prefix(site)}.0/24`, 'via', ROUTER, 'src', NEAR);
  }

  private prefix(site: string): string {
    return `${NETWORK}.${1 + this.sites.indexOf(site)}`;
  }

  address(site: string): string {
    return this.sites.includes(site) ? `${this.prefix(site)}.2` : PRIMARY;
  }

  /** A server of this machine's loopback, in reach of the sites: answers the port at the address that a cut may name. */
  async expose(at: CutFrom | 'database', port: number): Promise<number> {
    const forwarder = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.setNoDelay(true);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
        this.sockets.add(from);
      }
    });
    this.forwarders.push(forwarder);
    await new Promise<void>((resolve) => forwarder.listen(0, at === 'database' ? NEAR : ADDRESS[at], resolve));
    return (forwarder.address() as AddressInfo).port;
  }

  /** The words before a command line that run it at the site. */
  commandAt(site: string): string[] {
    return this.sites.includes(site) ? ['ip', 'netns', 'exec', namespaceOf(site)] : [];
  }

  /** Nothing passes between the site and that address from here on. */
  cut(site: string, from: CutFrom, kind: CutKind): void {
    const action = kind === 'silent' ? 'blackhole' : 'unreachable';
    for (const [source, target] of this.ways(site, from)) inRouter('rule', 'add', 'from', source, 'to', target, action);
    if (kind === 'silent') return;
    // What is refused breaks at once: the sockets that are open, too.
    execFileSync('ip', ['netns', 'exec', namespaceOf(site), 'ss', '-K', 'dst', ADDRESS[from]], { stdio: 'ignore' });
  }

  heal(site: string, from: CutFrom): void {
    for (const [source, target] of this.ways(site, from)) inRouter('rule', 'del', 'from', source, 'to', target);
  }

  private ways(site: string, from: CutFrom): [string, string][] {
    const [here, there] = [this.address(site), ADDRESS[from]];
    return [
      [here, there],
      [there, here],
    ];
  }

  remove(): void {
    for (const socket of this.sockets) socket.destroy();
    for (const forwarder of this.forwarders) forwarder.close();
    for (const name of [ROUTER_NAMESPACE, ...this.sites.map(namespaceOf)]) spawnSync('ip', ['netns', 'del', name]);
    spawnSync('ip', ['link', 'del', 'entrepot-up']);
  }
}

/** MariaDB listens at the loopback; the sites reach it at an address that is never cut off. */
export async function databaseInReach(network: Network): Promise<NonNullable<WorldOptions['adapt']>> {
  const server = new URL(process.env[MARIADB_URL] ?? 'mysql://127.0.0.1:1/');
  const port = await network.expose('database', Number(server.port));
  return (config) => {
    if (!isMariadbUrl(config.database)) return config;
    const url = new URL(config.database);
    [url.hostname, url.port] = [network.database, String(port)];
    return { ...config, database: url.toString() };
  };
}

function namespaceOf(site: string): string {
  return `entrepot-${site}`;
}

function inRouter(...args: string[]): void {
  ip('-n', ROUTER_NAMESPACE, ...args);
}
