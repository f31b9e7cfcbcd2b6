/**
 * A network of the test's own: every secondary in a network namespace, a router between them and the machine. The
 * router can cut a site off from one address in silence (packets vanish: no reset, no answer) or with refusals.
 * Needs root and iproute2.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { isMariadbUrl } from '../../db/migrate';
import { MARIADB_URL } from './servers';
import { type WorldOptions } from './world';

/** Tests that run side by side have networks side by side: 10.214 and so on. */
const NETWORKS_MAX = 8;
const FIRST_NETWORK = 214;

export type CutFrom = 'temporal' | 'primary';
export type CutKind = 'silent' | 'refused';

/** Why there can be no such network here; null where there can. */
export function noNetworkReason(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  return spawnSync('ip', ['-Version']).status === 0 ? null : 'iproute2 is not installed';
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Takes away what tests that were killed have left. */
function sweep(): void {
  const left = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  for (const [namespace, owner] of left.matchAll(/\bentrepot-\d+-(\d+)-[a-z]+/g)) {
    if (!existsSync(`/proc/${owner}`)) spawnSync('ip', ['netns', 'del', namespace]);
  }
}

export class Network {
  /** Where the machine itself is in that network: a cut names the address that it is about. */
  readonly temporal: string;
  private readonly primary: string;
  /** Of whatever is never cut off: the buyers, and the sites' databases. */
  readonly database: string;
  private readonly routerAddress: string;
  private readonly router: string;
  /** The machine's end of the link to the router. */
  private readonly link: string;
  private readonly forwarders: Server[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly number: number,
    private readonly sites: readonly string[],
  ) {
    const here = `10.${FIRST_NETWORK + number}.0`;
    this.temporal = `${here}.1`;
    this.primary = `${here}.2`;
    this.database = `${here}.3`;
    this.routerAddress = `${here}.254`;
    this.router = this.namespaceOf('router');
    this.link = `entrepot-up${number}`;
  }

  static create(sites: readonly string[]): Network {
    sweep();
    for (let number = 0; number < NETWORKS_MAX; number++) {
      const network = new Network(number, sites);
      if (network.claim()) return network.open();
    }
    throw new Error(`${NETWORKS_MAX} networks of tests are there already: see ip link`);
  }

  /** False when another test has this one. */
  private claim(): boolean {
    ip('netns', 'add', this.router);
    const link = ['link', 'add', this.link, 'type', 'veth', 'peer', 'name', 'to-machine', 'netns', this.router];
    if (spawnSync('ip', link).status === 0) return true;
    ip('netns', 'del', this.router);
    return false;
  }

  private open(): this {
    for (const address of [this.temporal, this.primary, this.database]) {
      ip('addr', 'add', `${address}/24`, 'dev', this.link);
    }
    ip('link', 'set', this.link, 'up');
    this.inRouter('addr', 'add', `${this.routerAddress}/24`, 'dev', 'to-machine');
    this.inRouter('link', 'set', 'to-machine', 'up');
    execFileSync('ip', ['netns', 'exec', this.router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    for (const site of this.sites) this.join(site);
    return this;
  }

  private join(site: string): void {
    const namespace = this.namespaceOf(site);
    const inSite = (...args: string[]) => ip('-n', namespace, ...args);
    const gateway = `${this.prefix(site)}.1`;
    ip('netns', 'add', namespace);
    this.inRouter('link', 'add', `to-${site}`, 'type', 'veth', 'peer', 'name', 'to-router', 'netns', namespace);
    this.inRouter('addr', 'add', `${gateway}/24`, 'dev', `to-${site}`);
    this.inRouter('link', 'set', `to-${site}`, 'up');
    inSite('addr', 'add', `${this.address(site)}/24`, 'dev', 'to-router');
    inSite('link', 'set', 'to-router', 'up');
    inSite('link', 'set', 'lo', 'up');
    inSite('route', 'add', 'default', 'via', gateway);
    // Whoever buys does so from an address that no cut is about.
    ip('route', 'add', `${this.prefix(site)}.0/24`, 'via', this.routerAddress, 'src', this.database);
  }

  private prefix(site: string): string {
    return `10.${FIRST_NETWORK + this.number}.${1 + this.sites.indexOf(site)}`;
  }

  address(site: string): string {
    return this.sites.includes(site) ? `${this.prefix(site)}.2` : this.primary;
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
    forwarder.listen(0, this[at]);
    await once(forwarder, 'listening');
    return (forwarder.address() as AddressInfo).port;
  }

  /** The words before a command line that run it at the site. */
  commandAt(site: string): string[] {
    return this.sites.includes(site) ? ['ip', 'netns', 'exec', this.namespaceOf(site)] : [];
  }

  /** Nothing passes between the site and that address from here on. */
  cut(site: string, from: CutFrom, kind: CutKind): void {
    const action = kind === 'silent' ? 'blackhole' : 'unreachable';
    for (const [source, target] of this.ways(site, from)) {
      this.inRouter('rule', 'add', 'from', source, 'to', target, action);
    }
    if (kind === 'silent') return;
    // What is refused breaks at once: the sockets that are open, too.
    execFileSync('ip', ['netns', 'exec', this.namespaceOf(site), 'ss', '-K', 'dst', this[from]], { stdio: 'ignore' });
  }

  heal(site: string, from: CutFrom): void {
    for (const [source, target] of this.ways(site, from)) this.inRouter('rule', 'del', 'from', source, 'to', target);
  }

  private ways(site: string, from: CutFrom): [string, string][] {
    const [here, there] = [this.address(site), this[from]];
    return [
      [here, there],
      [there, here],
    ];
  }

  remove(): void {
    for (const socket of this.sockets) socket.destroy();
    for (const forwarder of this.forwarders) forwarder.close();
    for (const name of ['router', ...this.sites]) spawnSync('ip', ['netns', 'del', this.namespaceOf(name)]);
    spawnSync('ip', ['link', 'del', this.link]);
  }

  /** Named after its test's process, so that it can be told when that is gone. */
  private namespaceOf(name: string): string {
    return `entrepot-${this.number}-${process.pid}-${name}`;
  }

  private inRouter(...args: string[]): void {
    ip('-n', this.router, ...args);
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
