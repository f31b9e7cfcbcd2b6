/** A whole system with a canary in every place that holds a secret, logging all it can, on a Temporal server of its own. */
import { randomBytes } from 'node:crypto';
import { type Server, createServer, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import mysql from 'mysql2/promise';
import { type Engine } from '../../db/database';
import { parseKey } from '../../db/api-keys';
import { type SiteConfig } from '../../workers/config';
import { OwnTemporal } from '../support/own-temporal';
import { Processes } from '../support/processes';
import { MARIADB_URL, freePort } from '../support/servers';
import { World } from '../support/world';
import { Canaries, mark } from './canaries';

export class Scene {
  private constructor(
    readonly engine: Engine,
    readonly canaries: Canaries,
    readonly temporal: OwnTemporal,
    readonly world: World,
    readonly processes: Processes,
    /** The database's user, where there is one. */
    readonly user: string | null,
    private readonly eavesdropper: Server,
  ) {}

  static async start(engine: Engine): Promise<Scene> {
    const canaries = new Canaries();
    const temporal = await OwnTemporal.create();
    await temporal.start();
    const world = await World.create(engine, ['north', 'south'], { temporalAddress: temporal.address });
    canaries.add("the operator's key", parseKey(world.key)?.secret ?? '');
    const sealing = randomBytes(32);
    canaries.add('the sealing key', sealing);
    canaries.add('the sealing key as configured', sealing.toString('base64'));
    const user = engine === 'mariadb' ? await userWithPassword(canaries) : null;
    const { port } = world.config('hq').listen;
    const { server, url } = await eavesdrop(canaries, port);
    for (const [site, config] of world.configs) {
      world.configs.set(site, withSecrets(config, world.store, sealing, user, url));
    }
    const processes = new Processes(world);
    await processes.startAll();
    return new Scene(engine, canaries, temporal, world, processes, user?.name ?? null, server);
  }

  async stop(): Promise<void> {
    await this.processes.stopAll();
    await this.world.stop();
    await this.temporal.remove();
    this.eavesdropper.closeAllConnections();
    await new Promise((resolve) => this.eavesdropper.close(resolve));
    if (this.user !== null) await asRoot((root) => root.query(`DROP USER '${this.user ?? ''}'@'%'`));
  }
}

interface DatabaseUser {
  readonly name: string;
  readonly password: string;
}

export async function asRoot<T>(work: (root: mysql.Connection) => Promise<T>): Promise<T> {
  const root = await mysql.createConnection({ uri: process.env[MARIADB_URL] ?? '' });
  try {
    return await work(root);
  } finally {
    await root.end();
  }
}

async function userWithPassword(canaries: Canaries): Promise<DatabaseUser> {
  const name = `shop_${mark()}`;
  const password = canaries.text("the database's password", (core) => `p/@:${core}+é"&`);
  canaries.add("the database's password in its URL", encodeURIComponent(password));
  await asRoot(async (root) => {
    await root.query('CREATE USER ?@? IDENTIFIED BY ?', [name, '%', password]);
    await root.query('GRANT ALL PRIVILEGES ON *.* TO ?@?', [name, '%']);
  });
  return { name, password };
}

function withSecrets(
  config: SiteConfig,
  storeName: string,
  sealing: Buffer,
  user: DatabaseUser | null,
  primaryUrl: string,
): SiteConfig {
  const store = config.stores[storeName];
  if (!store) throw new Error(`the world has no store "${storeName}"`);
  const { topology } = store;
  const sites = topology.sites.map((site) => (site.site === 'hq' ? { ...site, url: primaryUrl } : site));
  const url = config.site === 'hq' ? primaryUrl : config.url;
  const keys = { first: sealing.toString('base64') };
  return {
    ...config,
    url,
    database: user ? withUser(config.database, user) : config.database,
    // The archive is for documents in clear, and for valid ones.
    documents: {},
    log: { ...config.log, level: 'trace' },
    stores: { [storeName]: { ...store, sealing: { current: 'first', keys }, topology: { ...topology, sites } } },
  };
}

function withUser(database: string, { name, password }: DatabaseUser): string {
  const url = new URL(database);
  url.username = name;
  url.password = encodeURIComponent(password);
  return url.toString();
}

/** Stands before the primary and notes the tokens by which other sites show who they are. */
async function eavesdrop(canaries: Canaries, port: number): Promise<{ server: Server; url: string }> {
  let tokens = 0;
  const server = createServer((incoming, outgoing) => {
    const bearer = /^Bearer (.+\..+\..+)$/.exec(incoming.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) canaries.add(`site token ${++tokens}`, bearer);
    const { method, url: path, headers } = incoming;
    const passedOn = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passedOn.on('error', () => outgoing.destroy());
    pipeline(incoming, passedOn).catch(() => outgoing.destroy());
  });
  const ownPort = await freePort();
  await new Promise<void>((resolve) => server.listen(ownPort, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${ownPort}` };
}
